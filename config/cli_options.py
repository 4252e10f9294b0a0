"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

DEFAULT_SETTINGS = "config/ringdesk.yaml"

settings_option = click.option(
    "--settings",
    "-s",
    "settings_file",
    default=DEFAULT_SETTINGS,
    envvar="RINGDESK_SETTINGS",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The settings file (docs/configuration.md tells every key).",
)
