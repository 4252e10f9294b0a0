"""What an empty desk starts with."""

from __future__ import annotations

from sqlalchemy import delete

from service_desk.desk import Desk
from service_desk.first_start import furnish
from service_desk.model import Disposition
from service_desk.queries.agenda import dispositions


async def test_an_empty_desk_gets_dispositions_and_keeps_its_own(desk: Desk) -> None:
    await furnish(desk)
    shipped = await dispositions(desk)
    assert "solved" in [each.code for each in shipped]
    await desk.transact(
        lambda connection: connection.execute(
            delete(Disposition).where(Disposition.code != "solved")
        )
    )
    await furnish(desk)
    assert [each.code for each in await dispositions(desk)] == ["solved"]
