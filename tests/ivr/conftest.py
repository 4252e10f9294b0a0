"""Flows from text, and a company clock that stands still."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from textwrap import dedent
from zoneinfo import ZoneInfo

import pytest

from ivr.flow import Flow
from ivr.loader import check_flows, load_flows

MakeFlow = Callable[..., Flow]
Complain = Callable[..., list[str]]

QUEUES = ("support", "sales")


@pytest.fixture
def monday() -> datetime:
    """Monday, 23 November 2026, 10:00 in Berlin."""
    return datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.fixture
def write_flows(tmp_path: Path) -> Callable[..., Path]:
    def write(main: str, **others: str) -> Path:
        for name, text in {"main": main, **others}.items():
            (tmp_path / f"{name}.yaml").write_text(dedent(text), encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def make_flow(write_flows: Callable[..., Path]) -> MakeFlow:
    """The checked flow `main` of these texts."""

    def make(main: str, **others: str) -> Flow:
        return load_flows([write_flows(main, **others)], QUEUES)["main"]

    return make


@pytest.fixture
def complain(write_flows: Callable[..., Path]) -> Complain:
    """What the check says of these texts, with the folder left out."""

    def errors(main: str, **others: str) -> list[str]:
        folder = write_flows(main, **others)
        return [str(error).removeprefix(f"{folder}/") for error in check_flows([folder], QUEUES)]

    return errors
