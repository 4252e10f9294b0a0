"""Each start of our own Asterisk has a name of its own, so that no id comes twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config import pbx
from config.secrets import open_secrets
from config.settings import Data, Queue, Settings


def name_in(settings: Settings, place: pbx.Place) -> str:
    secrets = open_secrets(settings.data_folder, {})
    pbx.render(settings, place.etc, secrets=secrets, place=place, environment={})
    found = re.search(r"^systemname = (.+)$", (place.etc / "asterisk.conf").read_text(), re.M)
    assert found is not None
    return found.group(1)


def test_a_start_gives_a_name_that_stays_while_it_runs(tmp_path: Path) -> None:
    settings = Settings(
        system="ringdesk-1", data=Data(folder=str(tmp_path)), queues={"support": Queue()}
    )
    place = pbx.own_place(settings, Path("/usr/lib/asterisk/modules"))
    # One that an earlier version started has no mark: taking it over changes nothing.
    assert name_in(settings, place) == "ringdesk-1"
    pbx.mark_boot(place)
    first = name_in(settings, place)
    assert first == name_in(settings, place)
    assert first.endswith("-ringdesk-1")
    pbx.mark_boot(place)
    assert name_in(settings, place) != first


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ("ringdesk-1", True),
        ("a1b2c3-ringdesk-1", True),
        ("a1b2c3-ringdesk", True),  # cut
        ("a1b2c3-", False),
        ("a1b2c3-other", False),
        ("other", False),
    ],
)
def test_a_name_is_known_with_its_mark(said: str, *, fits: bool) -> None:
    assert pbx.is_named(said, "ringdesk-1") is fits
