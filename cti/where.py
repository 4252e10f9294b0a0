"""Say where an exception comes from without saying what is in it.

Exceptions on the wires can carry callers' data in their messages (a name, entered digits); logs
must not. The type and the place are enough to find a bug.
"""

from __future__ import annotations

import traceback
from pathlib import Path


def where(error: BaseException) -> str:
    """`ValueError at interpret.py:41 < session.py:85`: the type and the innermost three frames."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames)]
    return f"{type(error).__name__} at {' < '.join(places) or 'unknown'}"
