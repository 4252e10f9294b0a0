"""How much something holds: what grows with the number of calls is found wherever it hides."""

from __future__ import annotations

import asyncio
import gc
import types
from collections import Counter

NOT_OURS = (
    *(type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.CodeType),
    asyncio.AbstractEventLoop,  # keeps timers that were cancelled for a while
)


def held(*roots: object) -> Counter[str]:
    """How many objects of each type can be reached from these, code, modules and the loop aside."""
    seen: dict[int, object] = {}  # the objects themselves, so that no id is used again meanwhile
    ahead = list(roots)
    while ahead:
        one = ahead.pop()
        if id(one) in seen or isinstance(one, NOT_OURS):
            continue
        seen[id(one)] = one
        ahead += gc.get_referents(one)
    return Counter(type(one).__name__ for one in seen.values())
