"""`ringdesk doctor`: what is missing or wrong with this installation, and what to do about it.

Each check is a line of the TABLE; a fault in one hides no other, and none
changes what is there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from config import doctor_asterisk as asterisk
from config import doctor_audit as audits
from config import doctor_here as here
from config import doctor_jobs as jobs
from config import doctor_records as records
from config.findings import Finding, Patient, wrong
from config.problems import one_line
from config.settings import load
from ivr.located_yaml import LocatedError

Check = Callable[[Patient], AsyncIterator[Finding]]

TABLE: Final[tuple[tuple[str, Check], ...]] = (
    ("versions", here.versions),
    ("host name", here.host_name),
    ("host name's address", here.own_name),
    ("secrets", here.secrets),
    ("ways in by SIP", here.doors),
    ("voice", here.voice),
    ("phone menu", here.flows),
    ("pages", here.pages),
    ("folders", here.folders),
    ("open files", here.files),
    ("database", here.database),
    ("call records", records.aside),
    ("alarms", records.alarms),
    ("audit", audits.audit),
    ("jobs", jobs.jobs),
    ("bus", here.bus),
    ("ports", here.ports),
    ("Asterisk's manager", asterisk.manager),
    ("manager account", asterisk.rights),
    ("Asterisk's version", asterisk.version),
    ("Asterisk's modules", asterisk.modules),
    ("Asterisk's clock", asterisk.clock),
    ("trunks", asterisk.trunks),
)


async def examine(settings_file: Path) -> list[Finding]:
    """Look at everything."""
    try:
        settings = load(settings_file)
    except (LocatedError, OSError) as error:
        return [wrong("settings", one_line(error), "mend this line, or name another --settings")]
    patient = Patient(settings)
    await asterisk.ask(patient)
    findings = [Finding(what="settings", said=str(settings_file))]
    for what, check in TABLE:
        findings += await _looked(what, check, patient)
    return findings


async def _looked(what: str, check: Check, patient: Patient) -> list[Finding]:
    found: list[Finding] = []
    try:
        async for finding in check(patient):
            found.append(finding)
    except Exception as error:  # noqa: BLE001 - one check's fault hides no other
        said = f"could not be looked at: {one_line(error)}"
        found.append(wrong(what, said, "tell whoever looks after Ringdesk"))
    return found
