"""`ringdesk import`: files of other programs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from config.cli_options import settings_option

if TYPE_CHECKING:
    from service_desk.desk import Desk
    from service_desk.imports.run import Brought

# Said twice, so that `--help` need not load what brings them in.
KINDS = ("products", "purchases")


@click.command("import")
@settings_option
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_file(settings_file: Path, kind: str, file: Path) -> None:
    """Bring the products or purchases of a CSV file in; docs/imports.md tells its columns.

    Each line that is wrong is told (`file:line: why`) and left out; exit status 1 if there are any.
    A file brought in again changes nothing, and one that was cut off goes on. Harmless while calls
    go on. What is offered is counted anew when it is through.
    """
    from config import logs
    from config.cli_desk import at_desk

    logs.configure("WARNING")
    brought = at_desk(settings_file, lambda desk: _bring(desk, kind, file))
    lines = brought.made + brought.changed + brought.same + brought.refused
    click.echo(
        f"{lines:,} lines: {brought.made:,} new, {brought.changed:,} changed, "
        f"{brought.same:,} as they were, {brought.refused:,} refused"
    )
    if brought.refused:
        raise SystemExit(1)


async def _bring(desk: Desk, kind: str, file: Path) -> Brought:
    from config.problems import Problem
    from config.progress import Progress
    from service_desk.actor import SYSTEM
    from service_desk.imports.lines import BadFile
    from service_desk.imports.products import Products
    from service_desk.imports.purchases import Purchases
    from service_desk.imports.run import Kind, bring_in
    from service_desk.jobs.work import Work

    what: Kind = Products(desk) if kind == "products" else Purchases(desk)
    told = Progress(lambda said: click.echo(said, err=True), f"{file}: bytes read")
    with file.open("rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        try:
            return await bring_in(
                Work(desk),
                what,
                opened,
                by=SYSTEM,
                refused=lambda line, why: click.echo(f"{file}:{line}: {why}", err=True),
                passed_over=lambda name: click.echo(
                    f"{file}:1: the column {name!r} is passed over", err=True
                ),
                progress=lambda: told(opened.tell(), size),
            )
        except BadFile as error:
            raise Problem(f"{file}:{error.number}: {error.why}") from None
