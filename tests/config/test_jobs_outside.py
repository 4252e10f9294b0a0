"""Jobs and imports from outside: the program's own processes, without the demo."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import update

from config import doctor_jobs
from config.figures_of import of_jobs
from config.findings import Finding, Patient
from config.health import Health
from config.settings import load
from service_desk.desk import Desk, connect
from service_desk.jobs import runs
from service_desk.jobs.runs import Outcome
from service_desk.jobs.scheduler import Scheduler
from service_desk.lease import take
from service_desk.migrations import migrate
from service_desk.model import Job
from tests.agent_console.office import postgres_database
from tests.config.outside import Command, Said, Site, ringdesk
from tests.polling import until

PRODUCTS = "sku;name;price\nPR-1;Laser printer;99,00\nTN-1;Toner;19,90\n;Nameless;1\n"
Start = Callable[..., Command]
WITHOUT = ("--without", "ivr", "--without", "live")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """Somebody else's Asterisk, that is not there: nothing here needs one."""
    made = Site(tmp_path)
    made.config["asterisk"]["mode"] = "external"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_url").rpartition("/")[0]
        made.config["database"] = {"url": await postgres_database(server)}
    made.write()
    assert (await said("db", "migrate", "-s", made.file)).status == 0
    return made


@pytest.fixture
async def start(site: Site) -> AsyncIterator[Start]:
    """Start `ringdesk serve` with these words. It is not ready for ten seconds, for it waits for
    Asterisk; nobody here waits for that."""
    running: list[Command] = []

    def begin(*words: str, file: str = "") -> Command:
        command = Command(("serve", *words, "-s", file or site.file))
        running.append(command)
        return command

    yield begin
    for each in running:
        if each.process.is_alive():
            os.kill(each.pid, signal.SIGTERM)
        await asyncio.to_thread(each.end)


async def said(*words: str) -> Said:
    return await asyncio.to_thread(ringdesk, *words)


async def log_of(command: Command) -> str:
    file = command._place / "err"
    return file.read_text() if file.exists() else ""


async def answers(session: aiohttp.ClientSession, address: str) -> bool:
    try:
        async with session.get(address) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def purchases() -> str:
    """Eight have a printer, six of them toner; one line is wrong."""
    lines = ["number,sku,bought_at,key"]
    lines += [f"030 9018200{n},PR-1,2026-03-01,p{n}" for n in range(8)]
    lines += [f"+49 30 9018200{n},TN-1,2026-03-02,t{n}" for n in range(6)]
    return "\n".join([*lines, "030 9018200,XX,2026-03-02,x", ""])


async def test_without_the_demo_a_customer_gets_a_segment_and_an_offer(
    site: Site, start: Start, tmp_path: Path
) -> None:
    """Customers by the API, products and purchases by files, counted by the jobs as they run."""
    start(*WITHOUT)
    token = (await said("token", "create", "erp", "-s", site.file)).out.split()[-1]
    base = f"http://127.0.0.1:{site.config['web']['port']}/api/v1"
    files = {"products": PRODUCTS, "purchases": purchases()}
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        await until(lambda: answers(session, f"{base}/products"), bool, seconds=60)
        for number in range(8):
            body = {"name": f"C{number}", "phone": f"030 9018200{number}"}
            async with session.post(f"{base}/customers", json=body) as made:
                assert made.status == 201
        for kind, text in files.items():
            (tmp_path / f"{kind}.csv").write_text(text)
        for counts in ("2 new", "0 new"), ("14 new", "0 new"):
            kind = "products" if counts[0] == "2 new" else "purchases"
            file = str(tmp_path / f"{kind}.csv")
            for expected in counts:
                brought = await said("import", kind, file, "-s", site.file)
                assert brought.status == 1
                assert f"{expected}, 0 changed" in brought.out
                assert "1 refused" in brought.out
                assert f"{file}:{len(files[kind].splitlines())}: " in brought.err

        async def card() -> dict[str, Any]:
            async with session.get(f"{base}/customers/8") as answer:
                found: dict[str, Any] = await answer.json()
                return found

        found = await until(card, lambda page: page["suggestion"]["offers"], seconds=60)
        [offer] = found["suggestion"]["offers"]
        assert offer["sku"] == "TN-1"
        assert offer["reason"] == "6 of 8 who have Laser printer also have Toner"

        async def best() -> dict[str, Any]:
            async with session.get(f"{base}/customers/1") as answer:
                page: dict[str, Any] = await answer.json()
                return dict(page["customer"])

        await until(best, lambda customer: customer["value_percentile"] > 50, seconds=60)
    # They run once more after the last import: until that is done too.
    listed = await until(
        lambda: said("jobs", "-s", site.file),
        lambda found: "pairs       daily 02:30   done" in found.out,
        seconds=60,
    )
    assert listed.status == 0


async def test_when_the_owner_is_killed_another_runs_the_jobs(
    site: Site, start: Start, tmp_path: Path
) -> None:
    """Two bridges on one database, of two Asterisks."""
    (tmp_path / "other").mkdir()
    other = Site(tmp_path / "other")
    other.config |= {"system": "other", "data": site.config["data"]}
    other.config["asterisk"]["mode"] = "external"
    if "database" in site.config:
        other.config["database"] = site.config["database"]
    other.write()
    alone = ("--without", "ivr", "--without", "live", "--without", "web")
    first = start(*alone)

    async def owner() -> str:
        return (await said("jobs", "-s", site.file)).out

    await until(owner, lambda out: out.endswith(f"process {first.pid}\n"))
    second = start(*alone, file=other.file)
    await until(lambda: log_of(second), lambda log: "lease.standby" in log, seconds=60)
    os.kill(first.pid, signal.SIGKILL)
    await until(owner, lambda out: out.endswith(f"process {second.pid}\n"), seconds=40)
    ran = await said("jobs", "run", "pairs", "-s", site.file)
    assert ran.status == 0, ran
    assert " done " in ran.out


async def test_a_job_is_run_here_where_nobody_runs_them(site: Site) -> None:
    """And a name that is none is refused with those there are."""
    ran = await said("jobs", "run", "facts", "-s", site.file)
    assert ran.status == 0, ran
    assert "facts       every 60 min  done" in ran.out
    listed = await said("jobs", "-s", site.file)
    assert "worth       daily 03:00   never ran" in listed.out
    assert "run by: nobody" in listed.out
    wrong = await said("jobs", "run", "nothing", "-s", site.file)
    assert wrong.status == 2
    assert "there are pairs, worth" in wrong.err


async def test_a_file_that_is_none_is_one_line(site: Site, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n")
    wrong = await said("import", "products", str(tmp_path / "x.csv"), "-s", site.file)
    assert "x.csv:1: there is no column sku" in wrong.refused_with()


# What the doctor and the figures say of them


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'd.db'}"
    await migrate(url)
    made = Desk(connect(url))
    yield made
    await made.close()


async def examined(desk: Desk, tmp_path: Path) -> list[Finding]:
    file = tmp_path / "d.yaml"
    url = desk.engine.url.render_as_string(hide_password=False)
    file.write_text(f"queues: {{support: {{}}}}\ndatabase: {{url: '{url}'}}\n")
    return [found async for found in doctor_jobs.jobs(Patient(load(file)))]


async def test_the_doctor_says_that_nobody_runs_them(desk: Desk, tmp_path: Path) -> None:
    """Not of an installation that has just been made."""
    [found] = await examined(desk, tmp_path)
    assert (found.state, found.said) == ("ok", "4, none has run yet")
    await desk.transact(runs.ask, "pairs", desk.clock.now() - timedelta(hours=1))
    [found] = await examined(desk, tmp_path)
    assert (found.state, found.said) == ("warning", "nobody runs them, and pairs is due")
    lease = runs.lease_of_jobs()
    assert await desk.transact(take, lease, None, desk.clock.now())
    [found] = await examined(desk, tmp_path)
    assert found.said.endswith("runs them, and is late with pairs")


async def test_the_doctor_says_which_fails_and_why(desk: Desk, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    lease = runs.lease_of_jobs()
    assert await desk.transact(take, lease, None, now)
    await desk.transact(runs.begin, lease, "pairs", now, now + timedelta(hours=9))
    outcome = Outcome(result="failed", seconds=1.0, why="ValueError at x.py:1")
    await desk.transact(runs.end, lease, "pairs", now, outcome)
    await desk.transact(lambda c: c.execute(update(Job).values(failures=3)) and None)
    [found] = await examined(desk, tmp_path)
    assert (found.what, found.state) == ("job pairs", "warning")
    assert found.said.startswith("failed 3 times in a row")
    assert found.said.endswith("ValueError at x.py:1")


async def test_each_job_has_its_figures(desk: Desk, site: Site) -> None:
    """Of one that never ran, too; and whether this process is the one that runs them."""
    health = Health(load(site.file), frozenset({"bridge"}))
    of_jobs(health, desk, Scheduler(desk, system="x"))
    lease, now = runs.lease_of_jobs(), datetime(2026, 3, 2, tzinfo=UTC)
    assert await desk.transact(take, lease, None, now)
    await desk.transact(runs.begin, lease, "pairs", now, now + timedelta(hours=9))
    outcome = Outcome(result="failed", seconds=1.5)
    await desk.transact(runs.end, lease, "pairs", now, outcome)
    page = (await health.metrics.page()).decode()
    assert 'ringdesk_job_failures{name="pairs"} 1.0' in page
    assert 'ringdesk_job_duration_seconds{name="pairs"} 1.5' in page
    assert 'ringdesk_job_done_timestamp_seconds{name="worth"} 0.0' in page
    assert "ringdesk_jobs_owned 0.0" in page
