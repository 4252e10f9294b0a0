"""What the tests of the configuration share: rendered files, and an Asterisk that reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.config.lab import Lab, lab_settings, render_own, running


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Every rendered file by name."""
    settings = lab_settings(tmp_path)
    render_own(settings, tmp_path / "etc")
    return {file.name: file.read_text() for file in (tmp_path / "etc").iterdir()}


@pytest.fixture
async def lab(tmp_path: Path, asterisk: object, sipp: str) -> AsyncIterator[Lab]:
    async with running(lab_settings(tmp_path), sipp, tmp_path) as one:
        yield one
