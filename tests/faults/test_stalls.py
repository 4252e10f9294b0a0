"""What of a gap is the machine's own standing still."""

from __future__ import annotations

import signal
import time

import pytest

from tests.faults.stalls import Stalls, common, length, stalls
from tests.faults.voices import MOST_GAPS, Heard, left_of
from tests.polling import until


def test_what_is_left_of_a_gap() -> None:
    assert length([(0.0, 2.0), (1.0, 3.0), (5.0, 6.0)]) == 4.0
    assert common([(0.0, 2.0)], [(1.0, 3.0), (4.0, 5.0)]) == [(1.0, 2.0)]
    found = Stalls(process=None)  # type: ignore[arg-type]
    found.spans += [(10.02, 10.12), (10.03, 10.13), (20.0, 20.5)]
    assert found.left_of((10.0, 10.14)) == pytest.approx(0.03)
    assert found.left_of((30.0, 30.2)) == pytest.approx(0.2)


def test_gaps_that_nobody_looked_into_are_ours() -> None:
    found = Stalls(process=None)  # type: ignore[arg-type]
    found.spans.append((10.0, 10.2))
    one = Heard(gap=220.0, gaps=[(10.0, 10.22)])
    assert left_of(one, found) == 60.0  # gaps of up to that are not told apart
    assert left_of(Heard(gap=220.0, gaps=[(11.0, 11.22)]), found) == pytest.approx(220.0)
    assert left_of(Heard(gap=220.0, gaps=one.gaps * MOST_GAPS), found) == 220.0


async def test_a_watcher_that_stood_still_says_so() -> None:
    async with stalls() as watching:
        await watching.ask()
        watching.process.send_signal(signal.SIGSTOP)
        since = time.monotonic()

        async def stopped() -> float:
            return time.monotonic() - since

        await until(stopped, lambda seconds: seconds > 0.2, every=0.05)
        watching.process.send_signal(signal.SIGCONT)

        async def longest() -> float:
            await watching.ask()
            return max((b - a for a, b in watching.spans), default=0.0)

        assert await until(longest, lambda most: most > 0.2, every=0.05) < 20
