"""What the front end is built from is locked by content, and by nothing that names a place."""

from __future__ import annotations

import json

from tests.browser.fake_desk import CONSOLE

LOCK = json.loads((CONSOLE / "package-lock.json").read_text())
PACKAGES = {name: entry for name, entry in LOCK["packages"].items() if name}


def test_every_package_is_locked_by_its_hash() -> None:
    assert PACKAGES
    assert [name for name, entry in PACKAGES.items() if "integrity" not in entry] == []


def test_no_package_names_where_it_comes_from() -> None:
    assert [name for name, entry in PACKAGES.items() if "resolved" in entry] == []


def test_the_lock_is_that_of_the_package_file() -> None:
    wanted = json.loads((CONSOLE / "package.json").read_text())
    locked = LOCK["packages"][""]
    for kind in ("dependencies", "devDependencies"):
        assert locked[kind] == wanted[kind]
