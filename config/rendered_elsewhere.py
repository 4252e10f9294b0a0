"""The files of an Asterisk that somebody else runs where we can write (`asterisk.files`).

We render them; whoever runs it reads them anew and forgets the telephones named in `renew`
(config/docker/asterisk.sh does).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from config import pbx
from config.secrets import Secrets
from config.settings import Settings

RENEW: Final = "renew"


class RenderedElsewhere:
    """Owned by the process of the active bridge."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets
        self._folder = Path(settings.asterisk.files)

    async def renew_phones(self, phones: Mapping[str, int]) -> None:
        """Give telephones other passwords. Raises OSError."""
        await asyncio.to_thread(self._write, phones)

    def _write(self, phones: Mapping[str, int]) -> None:
        before = pbx.passwords_in(self._folder)
        pbx.render(self._settings, self._folder, secrets=self._secrets, phones=phones)
        changed = pbx.changed_since(before, self._folder)
        if changed:
            wanted = self._folder / RENEW
            waiting = wanted.read_text().split() if wanted.exists() else []
            fresh = self._folder / f".{RENEW}.{os.getpid()}"
            fresh.write_text("".join(f"{name}\n" for name in sorted({*waiting, *changed})))
            fresh.replace(wanted)
