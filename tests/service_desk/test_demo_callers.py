"""The demo's phone: who may call, and what each of them shows."""

from __future__ import annotations

from service_desk import demo
from service_desk.demo_people import SHARED
from service_desk.desk import Desk
from service_desk.queries.conversations import caller
from service_desk.queries.customer_page import customer_page
from service_desk.queries.demo_callers import demo_callers


async def test_each_story_has_a_number_of_its_own(desk: Desk) -> None:
    """The demo company has them all, and each is what it says."""
    await demo.load_demo(desk, now=desk.clock.now())
    found = {each.story: each for each in await demo_callers(desk)}
    assert set(found) == {
        "offers", "complaint", "several", "chinese", "hostile", "unknown", "withheld",
    }  # fmt: skip
    assert len({each.number for each in found.values()}) == len(found)
    assert found["several"].number == SHARED
    assert len(found["several"].names) == 3
    for story in ("offers", "complaint", "chinese", "hostile"):
        who = await caller(desk, found[story].number)
        assert who.name == found[story].names[0]
        assert who.customer_id is not None
        page = await customer_page(desk, who.customer_id)
        if story in ("offers", "chinese"):
            assert page.suggestion.offers
        if story == "complaint":
            assert "complaint" in page.suggestion.none_because
    assert (await caller(desk, found["unknown"].number)).matches == 0
    assert found["withheld"].number == ""


async def test_without_the_demo_company_strangers_call(desk: Desk) -> None:
    """An empty desk: the unknown and the withheld."""
    assert [each.story for each in await demo_callers(desk)] == ["unknown", "withheld"]
