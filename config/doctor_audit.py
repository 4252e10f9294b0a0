"""The doctor's walk through the audit: every row as it was written, none missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from config.doctor_here import is_there
from config.findings import Finding, Patient, fine, warning, wrong
from service_desk.audit_chain import check
from service_desk.desk import connect
from service_desk.errors import DeskError
from service_desk.migrations import check_schema

SECONDS: Final = 600.0  # some 100,000 rows a second
LATE: Final = timedelta(minutes=10)
SHOWN: Final = 12  # digits of a hash


async def audit(patient: Patient) -> AsyncIterator[Finding]:
    """One chain, unbroken. A database that is away is what `database` says."""
    settings = patient.settings
    url = make_url(settings.database.url)
    if url.get_backend_name() == "sqlite" and not is_there(url.database):
        return
    engine = connect(settings.database.url)
    try:
        async with asyncio.timeout(SECONDS):
            await check_schema(engine)
            async with engine.connect() as connection:
                found = await connection.run_sync(check)
    except (DeskError, DBAPIError, TimeoutError, OSError):
        return
    finally:
        await engine.dispose()
    broken = found.broken
    if broken is not None:
        which = f"row {broken.row} of {broken.at:%Y-%m-%d %H:%M} UTC" if broken.at else "a row"
        said = f"{which}, number {broken.seal} of the chain, {broken.why}"
        advice = "somebody changed the database: compare with the backups, find out who could"
        yield wrong("audit", said, advice)
        return
    said = f"{found.sealed} rows in one chain, the last {found.head[:SHOWN]}"
    if found.waiting_since is not None and datetime.now(UTC) - found.waiting_since > LATE:
        since = f"{found.waiting_since:%Y-%m-%d %H:%M}"
        said = f"{said}; {found.waiting} wait for their seal since {since} UTC"
        yield warning("audit", said, "they get it while Ringdesk runs; if it does, look at its log")
    else:
        yield fine("audit", said)
