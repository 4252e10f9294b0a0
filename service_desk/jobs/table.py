"""Every job, a line each. Who runs them, and how: `service_desk/jobs/scheduler.py`.

To add one: a function that takes `Work` and returns how many things it did, a line here, its word
in `agent_console/words.py`. What belongs to one process (its outbox, its memory) or to one Asterisk
(its records, its disks) is no job: docs/decisions/018-jobs.md.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import time
from typing import Final

from msgspec import Struct

from service_desk import intake_sweep, leftovers
from service_desk.jobs.when import Daily, Every, When
from service_desk.jobs.work import Work
from service_desk.offers import counts, value


class Job(Struct, frozen=True):
    """`work` is a function of a module, found by its name in a process of its own.

    It is run `when` it is due, and ended when it takes `longest` seconds. Running it twice does no
    more than running it once.
    """

    when: When
    work: Callable[[Work], Awaitable[int]]
    longest: float


PAIRS: Final = "pairs"
WORTH: Final = "worth"

# In the night: everybody's purchases are read. What changes purchases asks for these before that.
TABLE: Final[Mapping[str, Job]] = {
    PAIRS: Job(Daily(time(2, 30)), counts.refresh, 2 * 3600),
    WORTH: Job(Daily(time(3, 0)), value.refresh, 2 * 3600),
    "facts": Job(Every(60), intake_sweep.sweep, 3 * 3600),
    "leftovers": Job(Every(60), leftovers.tidy, 600),
}
OF_PURCHASES: Final = (PAIRS, WORTH)
