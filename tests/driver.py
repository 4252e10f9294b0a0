"""Playwright's driver runs in the Node.js that the set-up found or brought.

Its own wants a libatomic.so.1 that a minimal Debian lacks.
"""

from __future__ import annotations

import os

from config import set_up


def use_our_node() -> None:
    """Before the driver is started; who names another Node.js by this variable is heard."""
    if node := set_up.node():
        os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(node))
