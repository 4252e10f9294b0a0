"""`ringdesk db | user | token`: the database, and who may come in."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from config.cli_options import settings_option
from service_desk.actor import SYSTEM, Role

if TYPE_CHECKING:  # SQLAlchemy takes a second, which `--help` has not to spare
    from service_desk.desk import Desk

T = TypeVar("T")
ROLES = click.Choice(["agent", "supervisor", "administrator"])


def at_desk(settings_file: Path, work: Callable[[Desk], Awaitable[T]]) -> T:
    """Open the desk, do one thing, close it."""
    from config.bootstrap import open_desk
    from config.settings import load

    async def do() -> T:
        desk = await open_desk(load(settings_file))
        try:
            return await work(desk)
        finally:
            await desk.close()

    return asyncio.run(do())


@click.group()
def db() -> None:
    """The database: bring its schema up to date, look at it, load the demo company."""


@db.command()
@settings_option
def migrate(settings_file: Path) -> None:
    """Create the tables or bring them up to date. Make a backup first."""
    from config.problems import can_be_written
    from config.settings import load
    from service_desk.migrations import migrate as upgrade

    settings = load(settings_file)
    can_be_written(settings.data_folder, "data.folder")
    click.echo(f"schema: {asyncio.run(upgrade(settings.database.url))}")


@db.command()
@settings_option
def check(settings_file: Path) -> None:
    """Say whether the database answers and has the schema this program needs."""

    async def nothing(desk: Desk) -> str:
        return desk.engine.dialect.name

    click.echo(f"{at_desk(settings_file, nothing)}: in order")


@db.command("load-demo")
@settings_option
def load_demo(settings_file: Path) -> None:
    """Load the demo company into an empty database."""
    from config.demo import load_company
    from config.settings import load

    folder = load(settings_file).data_folder
    at_desk(settings_file, lambda desk: load_company(desk, folder=folder, say=click.echo))


@click.group()
def user() -> None:
    """The staff: agents, supervisors, administrators."""


def _password(given_on_stdin: bool) -> tuple[str, bool]:
    """The password, and whether it was made up here."""
    if given_on_stdin:
        return sys.stdin.readline().rstrip("\n"), False
    return secrets.token_urlsafe(12), True


password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)


@user.command("add")
@settings_option
@click.argument("name")
@click.option("--role", type=ROLES, default="agent", show_default=True)
@click.option("--shown", default="", help="The name people see.")
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@password_option
def user_add(settings_file: Path, name: str, role: Role, shown: str, **more: Any) -> None:
    """Add NAME. Without --password-stdin a random password is made and printed once.

    An agent also needs an entry under `agents` in the settings: extension, device, queues.
    """
    from service_desk.actions.staff import create_staff

    password, made = _password(more["password_stdin"])
    at_desk(
        settings_file,
        lambda desk: create_staff(
            desk,
            name=name,
            role=role,
            shown=shown or name,
            password=password,
            language=more["language"],
            by=SYSTEM,
        ),
    )
    click.echo(f"{name} is {role}" + (f"; password: {password}" if made else ""))


@user.command("password")
@settings_option
@click.argument("name")
@password_option
def user_password(settings_file: Path, name: str, password_stdin: bool) -> None:
    """Give NAME another password; their sessions end."""
    from service_desk.actions.staff import set_password

    password, made = _password(password_stdin)
    at_desk(
        settings_file,
        lambda desk: set_password(desk, name=name, password=password, by=SYSTEM),
    )
    click.echo(f"password of {name}: {password}" if made else f"{name} has another password")


@user.command("deactivate")
@settings_option
@click.argument("name")
def user_deactivate(settings_file: Path, name: str) -> None:
    """Keep NAME out: sessions end, the telephone is no longer let in, nor rung."""
    from service_desk.actions.staff import set_active

    at_desk(settings_file, lambda desk: set_active(desk, name=name, active=False, by=SYSTEM))
    click.echo(f"{name} is kept out")


@user.command("activate")
@settings_option
@click.argument("name")
def user_activate(settings_file: Path, name: str) -> None:
    """Let NAME in again."""
    from service_desk.actions.staff import set_active

    at_desk(settings_file, lambda desk: set_active(desk, name=name, active=True, by=SYSTEM))
    click.echo(f"{name} may sign in")


@user.command("role")
@settings_option
@click.argument("name")
@click.argument("role", type=ROLES)
def user_role(settings_file: Path, name: str, role: Role) -> None:
    """Make NAME an agent, a supervisor or an administrator; what they had open is closed."""
    from service_desk.actions.staff import set_role

    at_desk(settings_file, lambda desk: set_role(desk, name=name, role=role, by=SYSTEM))
    click.echo(f"{name} is {role}")


@user.command("sign-out")
@settings_option
@click.argument("name")
def user_sign_out(settings_file: Path, name: str) -> None:
    """Sign NAME out everywhere; the telephone gets another password."""
    from service_desk.actions.sessions import sign_out_everywhere

    many = at_desk(settings_file, lambda desk: sign_out_everywhere(desk, name=name, by=SYSTEM))
    click.echo(f"{name}: {many} sessions ended")


@user.command("phone")
@settings_option
@click.argument("name")
def user_phone(settings_file: Path, name: str) -> None:
    """Print the SIP password that NAME's desk phone registers with."""
    from config.parts_of import secrets_of
    from config.settings import load
    from service_desk.queries.staff import phone_generation

    settings = load(settings_file)
    agent = settings.agents.get(name)
    if agent is None or agent.device.kind == "contact":
        raise click.ClickException(f"{name} has no telephone that registers")
    generation = at_desk(settings_file, lambda desk: phone_generation(desk, name))
    click.echo(secrets_of(settings).sip_password(name, generation))


@user.command("list")
@settings_option
def user_list(settings_file: Path) -> None:
    """List the staff."""
    from service_desk.queries.staff import staff_list

    for person in at_desk(settings_file, staff_list):
        state = "" if person.active else "  (not active)"
        click.echo(f"{person.name:<20} {person.role:<14} {person.shown}{state}")


@click.group()
def token() -> None:
    """Bearer tokens for the JSON API (/api/v1/openapi.json)."""


@token.command("create")
@settings_option
@click.argument("label")
@click.option("--role", type=ROLES, default="supervisor", show_default=True)
def token_create(settings_file: Path, label: str, role: Role) -> None:
    """Create a token for LABEL (what uses it) and print it once."""
    from service_desk.actions.staff import issue_token

    def issue(desk: Desk) -> Awaitable[str]:
        return issue_token(desk, label=label, role=role, by=SYSTEM)

    click.echo(at_desk(settings_file, issue))


@token.command("list")
@settings_option
def token_list(settings_file: Path) -> None:
    """List the tokens (not their secrets)."""
    from service_desk.queries.staff import token_list as all_tokens

    for row in at_desk(settings_file, all_tokens):
        state = "" if row.revoked_at is None else f"  (revoked {row.revoked_at:%Y-%m-%d})"
        click.echo(f"{row.id:>5}  {row.role:<14} {row.label}{state}")


@token.command("revoke")
@settings_option
@click.argument("token_id", type=int)
def token_revoke(settings_file: Path, token_id: int) -> None:
    """Revoke the token with this id."""
    from service_desk.actions.staff import revoke_token

    at_desk(settings_file, lambda desk: revoke_token(desk, token_id=token_id, by=SYSTEM))
    click.echo("revoked")
