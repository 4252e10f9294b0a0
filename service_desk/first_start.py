"""What an empty desk starts with: the dispositions every business needs. Data, to be changed."""

from __future__ import annotations

import contextlib

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from service_desk.desk import Desk
from service_desk.model import Disposition

# Code, in English, in Chinese, whether it resolves the case.
DISPOSITIONS: tuple[tuple[str, str, str, bool], ...] = (
    ("solved", "Solved", "已解决", True),
    ("sold", "Sold", "已成交", True),
    ("quote", "Quote sent", "已发报价", False),
    ("call_back", "Call back promised", "承诺回电", False),
    ("technician", "Technician needed", "需派技术员", False),
    ("credit", "Credit note", "开贷记单", False),
    ("complaint", "Complaint", "投诉", False),
    ("passed_on", "Passed on", "已转交", False),
    ("wrong_number", "Wrong number", "打错电话", True),
    ("no_one", "Nobody on the line", "无人应答", True),
)


def load_dispositions(connection: Connection) -> None:
    """Write them if there are none; a business that has its own keeps them."""
    if connection.scalar(select(func.count()).select_from(Disposition)):
        return
    rows = [
        {
            "code": code,
            "label_en": english,
            "label_zh": chinese,
            "resolves": resolves,
            "position": place,
        }
        for place, (code, english, chinese, resolves) in enumerate(DISPOSITIONS)
    ]
    connection.execute(insert(Disposition), rows)


async def furnish(desk: Desk) -> None:
    """Make a desk ready for its first call. Harmless at every later start."""
    # Roles that start at the same moment find it empty together: the others write the same.
    with contextlib.suppress(IntegrityError):
        await desk.transact(load_dispositions)
