"""`ringdesk reconcile`: Asterisk's own records against the cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from config.cli_options import settings_option

DEFAULT = timedelta(days=1)


@click.command()
@settings_option
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]),
    help="Compare calls that arrived since then (UTC). Default: a day ago.",
)
def reconcile(settings_file: Path, since: datetime | None) -> None:
    """Compare Asterisk's own call records with the cases; repair what is certain.

    The running bridge does this every minute by itself. Exit status 1 if alarms are on, or if
    something could not be repaired.
    """
    from config.cli_desk import at_desk
    from config.reconcile import reconcile as compare
    from config.settings import load

    settings = load(settings_file)
    now = datetime.now(UTC)
    begin = now - DEFAULT if since is None else since.replace(tzinfo=UTC)
    if begin > now:  # else nothing would be looked at, and all of it be right
        raise click.BadParameter(
            f"{begin:%Y-%m-%d %H:%M} UTC is not over yet", param_hint="--since"
        )
    outcome = at_desk(settings_file, lambda desk: compare(settings, desk, begin))
    for line in outcome.lines():
        click.echo(line)
    if outcome.alarms or outcome.left:
        raise SystemExit(1)
