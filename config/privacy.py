"""Who may read what we write: histories, voices and secrets are nobody else's business."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from config.settings import Settings

ALONE: Final = 0o077  # what is taken from group and others
WITH_GROUP: Final = 0o027


def taken(settings: Settings) -> int:
    """The umask: for us alone. Somebody else's Asterisk reads our prompts: as our group."""
    return ALONE if settings.asterisk.mode == "own" else WITH_GROUP


def keep_private(settings: Settings) -> None:
    """From here on what this process makes is private; so is the data folder, however old it is."""
    mask = taken(settings)
    os.umask(mask)
    folder = settings.data_folder
    if open_to_others(folder, mask) and folder.stat().st_uid == os.geteuid():
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) & ~mask)


def open_to_others(folder: Path, mask: int) -> bool:
    """Whether somebody may look in who should not."""
    try:
        return folder.is_dir() and bool(folder.stat().st_mode & mask)
    except OSError:
        return False
