"""The passwords of agents' telephones follow who may sign in.

A SIP password is the installation's secret, the agent's name and a generation. Whatever ends all of
a person's sessions (another password, "sign out everywhere", another role, deactivation) begins the
next generation in the database; here it reaches Asterisk, within seconds: the old password and
whatever was registered with it are gone, and who may not sign in leaves the queues.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final

import structlog

from cti.bus import Bus
from cti.where import where
from cti.wishes import CommandDone, SignOut
from service_desk.desk import Desk
from service_desk.errors import DatabaseAway
from service_desk.queries import staff
from service_desk.queries.staff import Phone

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 2.0  # seconds
WISH_SECONDS: Final = 5.0

Renew = Callable[[Mapping[str, int]], Awaitable[None]]  # agent -> generation


class Phones:
    """Owned by the process of the active bridge. `renew` gives Asterisk the generations.

    None: somebody else's Asterisk, whose files are carried there by hand. `agents`: all there are.
    """

    def __init__(
        self, desk: Desk, bus: Bus, renew: Renew | None, agents: Collection[str] = ()
    ) -> None:
        self._desk = desk
        self._bus = bus
        self._renew = renew
        self._agents = frozenset(agents)
        self._given: dict[str, int] = {}
        self._out: set[str] = set()  # who is inactive and was signed out of the queues

    async def generations(self) -> dict[str, int]:
        """What Asterisk is started with. Raises DatabaseAway."""
        self._given = _generations(await staff.phones(self._desk))
        return self._given

    async def keep(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self.look()
            except DatabaseAway:
                continue  # nobody's rights change while the database is away
            except (OSError, TimeoutError) as error:
                log.error("phones.not_renewed", error=where(error))

    async def look(self) -> None:
        """Have what changed take effect. Raises DatabaseAway, OSError, TimeoutError."""
        found = await staff.phones(self._desk)
        generations = _generations(found)
        if generations != self._given and self._renew is not None:
            await self._renew(generations)
            log.info("phones.renewed", agents=sorted(_differing(generations, self._given)))
            self._given = generations
        inactive = {name for name, phone in found.items() if not phone.active} & self._agents
        self._out &= inactive
        for name in sorted(inactive - self._out):
            # Refused while the bridge is not connected: asked again the next time.
            if isinstance(await self._bus.request(SignOut(agent=name), WISH_SECONDS), CommandDone):
                self._out.add(name)


def _generations(found: Mapping[str, Phone]) -> dict[str, int]:
    return {name: phone.generation for name, phone in found.items() if phone.generation}


def _differing(one: Mapping[str, int], other: Mapping[str, int]) -> set[str]:
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
