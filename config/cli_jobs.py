"""`ringdesk jobs`: what runs by itself, how it went, and having it run now."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from config.cli_options import settings_option

if TYPE_CHECKING:
    from service_desk.queries.jobs import JobView


@click.group("jobs", invoke_without_command=True)
@settings_option
@click.pass_context
def jobs_group(context: click.Context, settings_file: Path) -> None:
    """What runs by itself: when, how the last run went, and who runs it.

    One process runs the jobs, of `ringdesk serve` and `ringdesk bridge`, whichever is first. Exit
    status 1 if a job fails.
    """
    if context.invoked_subcommand is not None:
        return
    from config.cli_desk import at_desk
    from service_desk.queries.jobs import jobs

    found = at_desk(settings_file, jobs)
    for job in found.jobs:
        click.echo(_line(job))
    click.echo(f"run by: {found.owner or 'nobody at the moment'}")
    if any(job.failures for job in found.jobs):
        raise SystemExit(1)


@jobs_group.command("run")
@settings_option
@click.argument("name")
def jobs_run(settings_file: Path, name: str) -> None:
    """Have the job NAME run now, and wait for it; exit status 1 if it does not do its work.

    Whoever runs the jobs runs it; if nobody does, it is run here.
    """
    from config import logs
    from config.cli_desk import at_desk
    from config.settings import load
    from service_desk.jobs.now import run_now
    from service_desk.jobs.table import TABLE

    if name not in TABLE:
        raise click.BadParameter(f"there are {', '.join(TABLE)}", param_hint="NAME")
    logs.configure("WARNING")
    settings = load(settings_file)
    job = at_desk(settings_file, lambda desk: run_now(desk, name, system=settings.system))
    click.echo(_line(job))
    if job.result != "done":
        raise SystemExit(1)


def _line(job: JobView) -> str:
    when = f"daily {job.daily_at}" if job.daily_at else f"every {job.every_minutes} min"
    state = job.state if job.state == "running" else job.result or "never ran"
    took = "" if job.seconds is None else f"{job.seconds:.1f} s"
    many = "" if job.many is None else f"{job.many:,}"
    due = "now" if job.state == "due" else _at(job.due_at)
    why = f"  {job.why}" if job.why and job.result != "done" else ""
    return (
        f"{job.name:<12}{when:<14}{state:<10}{_at(job.ended_at):<18}{took:>9}{many:>12}"
        f"  due {due}{why}"
    )


def _at(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}Z"
