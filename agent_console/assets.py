"""The built bundle: `static/built/manifest.json` maps `desk.js` to `desk-abc123.js`.

Names carry a hash of their content, so browsers may keep them for a year. Only files the manifest
names, and files beside them, are served; nothing outside the folder can be reached.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from aiohttp import web

from agent_console.errors import NotThere
from agent_console.web import CONTEXT

FOREVER = "public, max-age=31536000, immutable"


class Assets:
    """Finds a bundle's hashed name; the manifest is read again when the build wrote a new one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stamp = -1
        self._names: dict[str, str] = {}

    def url(self, name: str) -> str:
        """The address of `name` (`desk.js`); unbuilt: the plain name, which answers 404 clearly."""
        self._refresh()
        return f"/static/built/{self._names.get(name, name)}"

    def has(self, name: str) -> bool:
        """Whether the build made `name`."""
        self._refresh()
        return name in self._names

    def _refresh(self) -> None:
        manifest = self.folder / "manifest.json"
        try:
            stamp = manifest.stat().st_mtime_ns
            if stamp != self._stamp:
                self._names = msgspec.json.decode(manifest.read_bytes(), type=dict[str, str])
                self._stamp = stamp
        except (OSError, msgspec.DecodeError):
            self._names = {}


def inside(folder: Path, relative: str) -> Path:
    """`folder/relative` as a real file inside `folder`; raises NotThere for anything else.

    Symbolic links are followed first, so a link that leads out is refused too.
    """
    if "\0" in relative:
        raise NotThere
    try:
        root = folder.resolve(strict=True)
        path = (root / relative).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise NotThere from None
    if not path.is_relative_to(root) or not path.is_file():
        raise NotThere
    return path


async def built(request: web.Request) -> web.StreamResponse:
    """GET /static/built/{path}"""
    context = request.app[CONTEXT]
    path = inside(context.built, request.match_info["path"])
    return web.FileResponse(path, headers={"Cache-Control": FOREVER})
