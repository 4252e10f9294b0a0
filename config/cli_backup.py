"""`ringdesk backup | restore`: everything into one file, and back into a clean place."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path

import click

from config.cli_options import settings_option


def _end_tidily() -> None:
    """SIGTERM as Ctrl-C: what was half made is removed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@click.command()
@settings_option
@click.option(
    "--to",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The archive to write. Default: ringdesk-SYSTEM-TIME.tar.gz here.",
)
def backup(settings_file: Path, target: Path | None) -> None:
    """Write everything into one archive, while calls go on.

    Database, recordings, Asterisk's call records, flows, settings and secrets: whoever has the
    archive can listen and sign in. It is readable by its owner alone; keep it so.
    """
    from config.backup import back_up, named
    from config.settings import load

    _end_tidily()
    settings = load(settings_file)
    place = target or named(settings, datetime.now(UTC))
    made = back_up(settings_file, settings, place, say=click.echo)
    click.echo(f"{made.file}: {made.files:,} files, {made.size / 1e6:,.1f} MB")
    click.echo(f"SHA-256 {made.sha256}")


@click.command()
@settings_option
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--sha256", default="", help="Only the very archive that `backup` told this of.")
def restore(settings_file: Path, file: Path, sha256: str) -> None:
    """Put the archive FILE into a clean place.

    Where, the settings file says; one that is missing is written from the archive. The folders must
    be empty or missing, a PostgreSQL database empty. Nothing is started.
    """
    from config.restore import restore as put_back

    _end_tidily()
    done = put_back(file, settings_file, sha256=sha256, say=click.echo)
    made = done.head.made_at
    click.echo(f"{done.data}: {done.files:,} files as of {made:%Y-%m-%d %H:%M:%S} UTC")
    if done.wrote_settings:
        click.echo(f"{done.settings}: written from the archive")
    click.echo(f"Next: ringdesk doctor --settings {done.settings}")
