"""Which outside numbers may be dialled: one list of ranges, for the pages and for the dialplan.

`Dialling` turns what was typed into what is dialled, E.164 with its plus, or says that it may not
be. The dialplan does the same with what a desk phone dials (`ringdesk-outside` and what follows in
extensions.conf), by the same plan and the same list: a page asks `reach`, the templates print the
rest. Numbers are compared once they are whole and consist of digits alone, never before.

Emergency numbers always may be dialled. Other short numbers, star codes and what is no number of
the country's plan may not, unless the settings name them.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from config.number_plan import (
    Plan,
    Range,
    costly_ranges,
    emergency_numbers,
    free_short_numbers,
    plan_of,
    service_ranges,
)
from cti.interpret.world import PARKING
from service_desk.phone_number import understand

if TYPE_CHECKING:
    from config.settings import Settings

MOST_DIGITS: Final = 15  # ITU-T E.164
LEAST_DIGITS: Final = 5
FILLING: Final = re.compile(r"[\s()/.\u2010-\u2015-]")
PLAIN: Final = re.compile(r"\A[0-9]{1,24}\Z")


class Dialling(Struct, frozen=True, dict=True):
    """The rules of an installation; prefixes are E.164, `+49`. `inside`: agents' extensions."""

    region: str
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    premium: bool = False
    inside: frozenset[str] = frozenset()

    def reach(self, typed: str) -> str:
        """What is dialled if somebody types this, or hands a caller on to it; "": it may not be."""
        if typed.startswith("q-"):
            return typed  # a queue: whether there is one, the dialplan knows
        text = FILLING.sub("", typed)
        if text in self.inside or text in PARKING:
            return text
        if text.startswith("+"):
            # As people write it: `+49 (0)30`.
            return self._allowed(understand(typed, self.region).e164.removeprefix("+"))
        if not PLAIN.match(text):
            return ""
        if self._short.match(text):
            return text
        return self._allowed(self.plan.e164(text))

    def _allowed(self, digits: str) -> str:
        known = PLAIN.match(digits) and LEAST_DIGITS <= len(digits) <= MOST_DIGITS
        return f"+{digits}" if known and self.may(digits) else ""

    def may(self, digits: str) -> bool:
        """Whether a whole number, E.164 without the plus, may be dialled.

        The longest prefix that it has decides; of two equal ones that with the number's length.
        """
        for size in range(len(digits), 0, -1):
            prefix = digits[:size]
            for each in (Range(prefix, len(digits)), Range(prefix)):
                if each in self.ranges:
                    return self.ranges[each]
        return not self.allow

    @cached_property
    def plan(self) -> Plan:
        """How numbers are dialled in this country."""
        return plan_of(self.region)

    @cached_property
    def ranges(self) -> dict[Range, bool]:
        """Every range that is told of, and whether it may be dialled."""
        costly = () if self.premium else (*costly_ranges(), *service_ranges(self.region))
        said = dict.fromkeys(costly, False)
        said |= dict.fromkeys((Range(each[1:]) for each in (*self.allow, *self.also)), True)
        said |= dict.fromkeys((Range(each[1:]) for each in self.deny), False)
        return said

    @cached_property
    def short_numbers(self) -> tuple[str, ...]:
        """The short numbers that may be dialled as they are; `X` is any digit."""
        free = free_short_numbers(self.region)
        return tuple(dict.fromkeys((*self.emergency, *free, *self.short)))

    @cached_property
    def _short(self) -> re.Pattern[str]:
        choices = "|".join(each.replace("X", "[0-9]") for each in self.short_numbers)
        return re.compile(rf"\A(?:{choices})\Z")

    @property
    def emergency(self) -> tuple[str, ...]:
        """The numbers that always may be dialled, and for which no cap counts."""
        return emergency_numbers(self.region)

    # -- the same for the dialplan -------------------------------------------------------------

    def number_patterns(self) -> list[tuple[str, str]]:
        """Asterisk's patterns of what a subscriber is dialled by, and what its E.164 is made of."""
        plan = self.plan
        # What is dialled abroad could look like a number at home: the more literal one wins.
        found = {f"_{plan.abroad}X!": f"+${{EXTEN:{len(plan.abroad)}}}"}
        for length in plan.lengths:
            if plan.national:
                pattern = f"_{plan.national}{'X' * length}"
                found[pattern] = f"+{plan.code}${{EXTEN:{len(plan.national)}}}"
            for bare in plan.bare:
                if length > len(bare) and not (plan.national and bare.startswith(plan.national)):
                    pattern = f"_{bare}{'X' * (length - len(bare))}"
                    found.setdefault(pattern, f"+{plan.code}${{EXTEN}}")
        return list(found.items())

    def range_patterns(self) -> list[tuple[str, bool]]:
        """Asterisk's patterns of the ranges, and whether each may be dialled."""
        found = []
        for each, allowed in sorted(self.ranges.items()):
            rest = "X" * (each.length - len(each.prefix)) if each.length else "!"
            found.append((f"_+{each.prefix}{rest}", allowed))
        return found


def dialling_of(settings: Settings) -> Dialling:
    """The rules as the settings have them."""
    said = settings.dialling
    return Dialling(
        region=settings.company.country,
        allow=said.allow,
        deny=said.deny,
        also=said.also,
        short=said.short,
        premium=said.premium,
        inside=frozenset(agent.extension for agent in settings.agents.values()),
    )
