"""What goes together, scored: pure.

The score is how much likelier the customers of the first product are to have the second than
customers in general (lift), drawn towards 1 where few were counted.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

PRIOR = 20.0  # as if so many more customers had been counted who are like everybody else


class Pair(Struct, frozen=True, kw_only=True):
    """Of `have_first` customers with the first product, `have_both` have the second too."""

    first_id: int
    second_id: int
    have_first: int
    have_both: int
    share: float = 0.0  # of all buyers who have the second


def score(pair: Pair) -> float:
    """Confidence, smoothed towards the share of everybody."""
    return (pair.have_both + PRIOR * pair.share) / (pair.have_first + PRIOR)


def best(pairs: Iterable[Pair], *, not_these: frozenset[int], least: int, most: int) -> list[Pair]:
    """The best pair of each second product, best first; ties by id, so that it is stable."""
    chosen: dict[int, Pair] = {}
    for pair in pairs:
        if pair.second_id in not_these or pair.have_both < least:
            continue
        known = chosen.get(pair.second_id)
        if known is None or (score(pair), -pair.first_id) > (score(known), -known.first_id):
            chosen[pair.second_id] = pair
    return sorted(chosen.values(), key=lambda pair: (-score(pair), pair.second_id))[:most]


def reason(pair: Pair, first_name: str, second_name: str, language: str) -> str:
    """Why, with the counts: "212 of 1,040 who have X also have Y"."""
    if language.startswith("zh"):
        return (
            f"拥有 {first_name} 的 {pair.have_first:,} 位客户中，"
            f"有 {pair.have_both:,} 位也有 {second_name}"
        )
    return (
        f"{pair.have_both:,} of {pair.have_first:,} who have {first_name} also have {second_name}"
    )
