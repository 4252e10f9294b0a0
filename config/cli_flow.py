"""`ringdesk flow`: check a phone menu, and play it in the terminal."""

from __future__ import annotations

from pathlib import Path

import click

from config.cli_options import settings_option
from config.problems import Problem


@click.group()
def flow() -> None:
    """The phone menus: YAML files in config/flows and in the data folder's flows/."""


@flow.command()
@settings_option
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
def check(settings_file: Path, paths: tuple[Path, ...]) -> None:
    """Check flows: unknown nodes, dead ends, loops without input, missing languages.

    PATHS are files or folders; without any, the flows this installation uses. Exit status 2 if
    something is wrong, with a line for each mistake: file, line, node, message.
    """
    from config.parts_of import flow_paths
    from config.settings import load
    from ivr.loader import check_flows

    settings = load(settings_file)
    errors = check_flows(paths or flow_paths(settings), settings.queues)
    for error in errors:
        click.echo(str(error), err=True)
    if errors:
        raise SystemExit(2)
    click.echo("The flows are in order.")


@flow.command()
@settings_option
@click.argument("name", required=False)
@click.option("--from", "caller", default="+493055550142", show_default=True, help="Who calls.")
@click.option("--at", "at", type=click.DateTime(), help="When it is, in the company's time zone.")
@click.option("--reason", default="", help="Enter as if a queue gave up: full, timeout or closed.")
def simulate(settings_file: Path, name: str | None, caller: str, at: object, reason: str) -> None:
    """Play flow NAME (default: the default flow) here: no Asterisk, no database.

    Type the keys a caller would press and Enter; an empty line is silence; Ctrl-D hangs up.
    """
    from config.parts_of import flows_of, play_flow
    from config.settings import load

    settings = load(settings_file)
    flows = flows_of(settings)
    chosen = name or settings.default_flow
    if chosen not in flows:
        raise Problem(f"there is no flow {chosen!r}; there are: {', '.join(sorted(flows))}")
    play_flow(settings, flows, chosen, caller=caller, at=at, reason=reason)
