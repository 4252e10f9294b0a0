"""What a business may set about its desk, with the values it starts with."""

from __future__ import annotations

from msgspec import Struct, field


class ValueWeights(Struct, frozen=True, kw_only=True):
    """How much each part counts in a customer's value; only the proportions matter."""

    sales: float = 0.4  # what they bought, all time
    recent: float = 0.3  # what they bought in the last year: what to expect next year
    frequency: float = 0.15  # how often they bought
    loyalty: float = 0.15  # for how long they have been with us


class SegmentEdges(Struct, frozen=True, kw_only=True):
    """The value pyramid: percentile from which a customer belongs to A, B and C; the rest is D."""

    a: int = 95
    b: int = 80
    c: int = 50


class OfferSettings(Struct, frozen=True, kw_only=True):
    """When an offer is made at all, and how many."""

    enabled: bool = True
    at_most: int = 3
    declined_rest_days: int = 90  # after "no", leave them alone for so long with this product
    later_rest_days: int = 14
    least_together: int = 5  # pairs seen less often than this prove nothing
    complaint_kinds: tuple[str, ...] = ("complaint",)


class Title(Struct, frozen=True, kw_only=True):
    """What a queue is called: in English, and in Chinese where that differs."""

    en: str
    zh: str = ""

    def said(self, language: str) -> str:
        """The title for a reader of `language`."""
        return self.zh if language.startswith("zh") and self.zh else self.en


class DeskSettings(Struct, frozen=True, kw_only=True):
    """Everything the desk needs to know from the settings file."""

    region: str = "DE"  # default region of national phone numbers
    system: str = ""  # the Asterisk whose internal numbers people write
    languages: tuple[str, ...] = ("en", "zh")
    currency: str = "EUR"
    time_zone: str = "UTC"  # where a day begins
    # What an agent may dial inside: an extension -> whose (user name).
    extensions: dict[str, str] = field(default_factory=dict)
    # Carriers that vouch for their callers' numbers.
    trusted_trunks: frozenset[str] = frozenset()
    titles: dict[str, Title] = field(default_factory=dict)  # queue -> what people call it
    session_idle_minutes: int = 12 * 60
    session_longest_days: int = 7
    # Wrong tries of one name from one address that cost nothing; then each makes the next wait
    # longer, 4 s to 5 min. After four times as many of an address the first of a name is free
    # there; after eight times as many of a name it is tried only where its owner is known ...
    sign_in_tries: int = 8
    sign_in_window_minutes: int = 15  # ... within so many minutes
    weights: ValueWeights = field(default_factory=ValueWeights)
    segments: SegmentEdges = field(default_factory=SegmentEdges)
    offers: OfferSettings = field(default_factory=OfferSettings)

    def targets(self, language: str) -> dict[str, str]:
        """Extension -> whose (user name), `q-<queue>` -> its title: where a call may go."""
        queues = {f"q-{name}": title.said(language) for name, title in self.titles.items()}
        return self.extensions | queues
