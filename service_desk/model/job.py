"""The jobs' last runs, and which generation of what they compute is read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Float, String
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.model.base import Base


class Job(Base):
    """A line of `service_desk/jobs/table.py`: when it is due, and how it went the last time.

    While it runs `started_at` is later than `ended_at`, or that is not there. `many`: how many
    things it did, of whatever it does; `seconds`: how long it took; `why`: types and places.
    """

    __tablename__ = "job"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    due_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]  # the end of the last run that did its work
    result: Mapped[str] = mapped_column(String(12), default="")  # done, failed, too_long, cut_off
    many: Mapped[int | None] = mapped_column(BigInteger)
    seconds: Mapped[float | None] = mapped_column(Float)
    why: Mapped[str] = mapped_column(String(200), default="")
    runs: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)  # in a row


class Generation(Base):
    """Of a table that is computed anew: the generation that is read. Others are not whole yet, or
    are on their way out."""

    __tablename__ = "generation"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    current: Mapped[int]
    at: Mapped[datetime]
