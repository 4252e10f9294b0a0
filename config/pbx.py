"""Asterisk: its files out of the settings, and one that we start ourselves.

Everything a template prints passes `refuse`: a value with a line end, a `;` or the like cannot
become another line of a file, it stops the rendering. Rendered files hold passwords: only their
owner reads them.
"""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from types import MappingProxyType
from typing import Any, Final

import jinja2
from markupsafe import Markup
from msgspec import Struct

from config import dialling, sounds
from config.doors import addresses_of
from config.media import Media, media_of
from config.problems import Problem
from config.secrets import Secrets
from config.settings import Settings, Trunk
from cti.interpret import WANTED_EVENTS
from cti.interpret.kept import LOST_CAUSES
from cti.journal import RECORDS

TEMPLATES: Final = Path(__file__).parent / "asterisk"
HEADER: Final = "; Rendered by Ringdesk"
MAX_FILES: Final = 65_536  # open files: each call leg takes some six
SECTION_BYTES: Final = 79
BOOT: Final = "boot"
# Of what is dialled. Asterisk cuts a pattern at 255 bytes.
MOST_DIGITS: Final = 32
MOST_LETTERS: Final = 20
MARK: Final = 3  # bytes, said as twice as many letters
# What a path in a dial plan or a configuration file could be misread by.
_PASSWORD: Final = re.compile(
    r"^\[([^\]]+)\]\ntype = auth\n(?:.*\n){2}password = (.*)$", re.MULTILINE
)
_UNFIT_PATH: Final = re.compile(r"[^A-Za-z0-9 /_.+=@:~-]")


class Place(Struct, frozen=True, kw_only=True):
    """Where an Asterisk finds its things. `own` is False where its package decides for itself."""

    etc: Path
    own: bool
    files: int = 1024
    modules: Path = Path()
    var: Path = Path()
    share: Path = Path()
    spool: Path = Path()
    run: Path = Path()
    log: Path = Path()


def own_place(settings: Settings, modules: Path) -> Place:
    """The folders of our own Asterisk, all below the data folder."""
    base = settings.data_folder / "asterisk"
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return Place(
        etc=base / "etc",
        own=True,
        files=min(MAX_FILES, hard) if hard != resource.RLIM_INFINITY else MAX_FILES,
        modules=modules,
        var=base / "var",
        share=base / "share",
        spool=base / "spool",
        run=base / "run",
        log=base / "log",
    )


def mark_boot(place: Place) -> None:
    """A start of our own Asterisk begins: its ids shall be no earlier start's."""
    place.run.mkdir(parents=True, exist_ok=True)
    (place.run / BOOT).write_text(token_hex(MARK))


def boot_of(place: Place) -> str:
    """The mark of the start that runs; "" if it has none, or the Asterisk is not ours."""
    try:
        return (place.run / BOOT).read_text() if place.own else ""
    except OSError:
        return ""


def is_named(said: str, system: str) -> bool:
    """Whether an Asterisk that calls itself `said` is `system`, with a mark before it or not."""
    marked = said[2 * MARK + 1 :]  # Asterisk keeps 19 characters of both
    return said == system or (bool(marked) and system.startswith(marked))


def render(
    settings: Settings,
    folder: Path,
    *,
    secrets: Secrets,
    place: Place | None = None,
    environment: Mapping[str, str] = os.environ,
    phones: Mapping[str, int] = MappingProxyType({}),
    bound: Media | None = None,
) -> bool:
    """Write every file Asterisk needs into `folder`; True if anything changed.

    `phones`: agent -> generation of their telephone's password, where it is not the first.
    `bound`: where media is bound; as the settings and this machine's addresses are, if not said.

    Files of ours that are no longer wanted are removed. Without `place`, for somebody else's
    Asterisk, the sounds are written too. Raises Problem for what may not stand in such a file.
    """
    if place is None:
        place = Place(etc=folder, own=False)
        write_sounds(settings)
    bound = bound or media_of(settings)
    texts = _texts(settings, secrets, place, environment, phones=phones, bound=bound)
    folder.mkdir(parents=True, exist_ok=True)
    changed = False
    for name, text in texts.items():
        file = folder / name
        if file.exists() and file.read_text() == text:
            continue
        fresh = folder / f".{name}.{os.getpid()}"
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(text)
        fresh.replace(file)
        changed = True
    for file in folder.glob("*.conf"):
        if file.name not in texts and file.read_text(errors="replace").startswith(HEADER):
            file.unlink()
            changed = True
    return changed


def passwords_in(folder: Path) -> dict[str, str]:
    """Endpoint -> its password, as rendered there."""
    try:
        return dict(_PASSWORD.findall((folder / "pjsip.conf").read_text()))
    except OSError:
        return {}


def changed_since(before: Mapping[str, str], folder: Path) -> set[str]:
    """Whose password of before (`passwords_in`) is none any more."""
    now = passwords_in(folder)
    return {name for name, password in before.items() if now.get(name) != password}


def _texts(
    settings: Settings,
    secrets: Secrets,
    place: Place,
    environment: Mapping[str, str],
    *,
    phones: Mapping[str, int],
    bound: Media,
) -> dict[str, str]:
    jinja = _jinja()

    def trunk_password(trunk: Trunk) -> str:
        value = environment.get(trunk.password_env)
        if not value:
            raise Problem(f"a trunk's password is missing: set {trunk.password_env}")
        return value

    known: dict[str, Any] = {
        "s": settings,
        "place": place,
        "boot": boot_of(place) if place.own else secrets.mark(settings.system),
        "recordings": _path(settings.recordings_folder),
        "records": _records(settings, place),
        "music": _path(music_folder(settings)),
        "wide": _path(_wide_sound(settings)),
        "agi": f"{settings.asterisk.agi.host}:{settings.asterisk.agi.port}",
        "trunk": settings.outbound_trunk,
        "doors": addresses_of(settings),
        "media": bound,
        "digits": dialled_digits,
        "names": dialled_names,
        "least_digits": dialling.LEAST_DIGITS,
        "most_digits": dialling.MOST_DIGITS,
        "dialling": dialling.dialling_of(settings),
        "wanted_events": wanted_events(),
        "lost_causes": "|".join(str(cause) for cause in sorted(LOST_CAUSES)),
        "ami_password": secrets.ami_password,
        "sip_password": lambda name: secrets.sip_password(name, phones.get(name, 0)),
        "trunk_password": trunk_password,
    }
    for path in (
        place.etc,
        place.modules,
        place.var,
        place.share,
        place.spool,
        place.run,
        place.log,
    ):
        _path(path)
    texts = {}
    for template in sorted(TEMPLATES.glob("*.j2")):
        try:
            text = jinja.get_template(template.name).render(known)
        except UnfitValueError as why:
            raise Problem(f"{template.stem}: {why}") from None
        body = re.sub(r"\n{3,}", "\n\n", text).strip()
        texts[template.stem] = f"{HEADER} from its settings: changes made here are lost.\n{body}\n"
    return texts


class UnfitValueError(ValueError):
    """A value that may not stand in a configuration file."""


def refuse(value: object) -> str:
    """What every printed value passes: raises UnfitValueError, strips nothing silently."""
    text = str(value)
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise UnfitValueError(f"a control character in {text!r}")
    if re.search(r"(?<!\\);", text):
        raise UnfitValueError(f"a semicolon in {text!r}")
    return text


def _jinja() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,  # only so that _finalize can tell a macro's text from a value
    )
    environment.filters["escaped"] = lambda text: str(text).replace(";", "\\;")
    environment.filters["with_user"] = lambda uri, user: re.sub(
        r"\A(sips?:)(?:[^@]*@)?", rf"\g<1>{user}@", str(uri)
    )
    return environment


def _finalize(value: object) -> Markup:
    """Guard each printed value. What is Markup already is a macro's text, guarded on its way."""
    return value if isinstance(value, Markup) else Markup(refuse(value))  # noqa: S704 - no HTML


def _path(path: Path) -> Path:
    found = _UNFIT_PATH.search(str(path))
    if found:
        raise Problem(f"{path}: a folder for Asterisk may not have {found.group()!r} in its name")
    return path


def _records(settings: Settings, place: Place) -> str:
    """The file of call records as cel_custom.conf may name it.

    It is the name of a section there, and Asterisk cuts those at 79 bytes. Our own Asterisk gets a
    link from its log folder, where plain names go.
    """
    if place.own:
        return RECORDS
    file = str(_path(settings.records_folder) / RECORDS)
    if len(file.encode()) > SECTION_BYTES:
        raise Problem(f"{file}: longer than {SECTION_BYTES} bytes; shorten asterisk.records")
    return file


def music_folder(settings: Settings) -> Path:
    """Where the music on hold lies."""
    return settings.data_folder / "asterisk" / "music"


def write_sounds(settings: Settings) -> None:
    """Write the sounds that the rendered files name and no package brings, if missing."""
    sounds.write_music(music_folder(settings))
    sounds.write_wide(_wide_sound(settings).with_suffix(".sln16"))


def _wide_sound(settings: Settings) -> Path:
    return music_folder(settings).with_name("ringdesk-wide")


def dialled_digits(first: str, other: str, *, least: int = 1) -> list[str]:
    """Asterisk's patterns of every number of at least so many digits, and of nothing else.

    One a length: `.` and `!` stand for any letter, a line end among them.
    """
    return [f"_{first}{other * (size - 1)}" for size in range(least, MOST_DIGITS + 1)]


def dialled_names() -> list[str]:
    """What a carrier may dial by name. Not of one letter: h, i, s, t and T mean something."""
    return [f"_[A-Za-z]{'[0-9A-Za-z]' * (size - 1)}" for size in range(2, MOST_LETTERS + 1)]


def wanted_events() -> list[str]:
    """The manager events we ask for, by name: what the bridge reads, and the end of a start."""
    return sorted(WANTED_EVENTS | {"FullyBooted"})
