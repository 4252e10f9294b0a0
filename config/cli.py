"""`ringdesk`: every way to start, look at and look after Ringdesk.

The commands are thin: they read the settings, call one function, and turn what people can put
right into one line and exit status 2.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click
import uvloop

from config.cli_options import settings_option
from config.problems import Problem
from config.secrets import SecretError
from ivr.located_yaml import LocatedError
from service_desk.errors import DeskError

if TYPE_CHECKING:
    from config.running import Ending

T = TypeVar("T")
ROLES = ("bridge", "ivr", "web", "live")
# What a person can put right; the system's own errors name the file or the address.
KNOWN = (Problem, LocatedError, DeskError, SecretError, OSError)
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
KEEPING = signal.SIGUSR2


def run(work: Coroutine[Any, Any, T], ending: Ending | None = None) -> T:
    """Run work to its end; Ctrl-C, SIGTERM and a closed terminal cancel it and it cleans up.

    With `ending`, SIGUSR2 cancels it too, and tells it to leave Asterisk to who comes next.
    """

    async def owned() -> T:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()

        def end() -> None:
            # Once: a second Ctrl-C must not cut short the ending of what was started.
            for number in (*ENDINGS, KEEPING):
                loop.remove_signal_handler(number)
                signal.signal(number, signal.SIG_IGN)
            task.cancel()

        def end_and_keep() -> None:
            if ending is not None:
                ending.keep_asterisk = True
            end()

        for number in ENDINGS:
            if signal.getsignal(number) != signal.SIG_IGN:  # as `nohup` wants it
                loop.add_signal_handler(number, end)
        if ending is not None:
            loop.add_signal_handler(KEEPING, end_and_keep)
        return await task

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(owned())
        except asyncio.CancelledError:
            raise SystemExit(0) from None


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ringdesk")
def ringdesk() -> None:
    """Contact-centre telephony and service desk on Asterisk.

    \b
    First steps:
      make run                  everything on this machine, with a demo company
      ringdesk doctor           what is missing or wrong, and what to do
      ringdesk flow simulate    play the phone menu in this terminal

    One machine runs `ringdesk serve`. A large site runs the roles apart, on PostgreSQL and Redis:
    one `bridge` per Asterisk, any number of `ivr`, `web`, `live` and `gate`.
    """


keep_option = click.option(
    "--keep-asterisk",
    is_flag=True,
    help="Leave Asterisk and its calls running at the end, as SIGUSR2 does.",
)


def _role_command(name: str, text: str) -> None:
    @settings_option
    def start(settings_file: Path, keep_asterisk: bool = False) -> None:
        from config.bootstrap import serve
        from config.running import Ending
        from config.settings import load

        ending = Ending(keep_asterisk=keep_asterisk)
        roles = frozenset({name})
        run(serve(load(settings_file), roles, say=click.echo, ending=ending), ending)

    if name == "bridge":
        start = keep_option(start)

    start.__doc__ = text
    ringdesk.command(name)(start)


@ringdesk.command()
@settings_option
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(ROLES),
    help="Leave a part out (repeat for several). Without `ivr` callers reach the default queue.",
)
@keep_option
def serve(settings_file: Path, without: tuple[str, ...], keep_asterisk: bool) -> None:
    """Run everything in one process: bridge, phone menu, pages and live screens.

    With `asterisk: {mode: own}` in the settings Asterisk is started and stopped too. For an upgrade
    with calls running end it by SIGUSR2: Asterisk stays, and the next start takes it over.
    """
    from config import bootstrap
    from config.problems import Problem
    from config.running import Ending
    from config.settings import load

    roles = frozenset(ROLES) - frozenset(without)
    if not roles:
        raise Problem("--without leaves nothing to run")
    ending = Ending(keep_asterisk=keep_asterisk)
    settings = load(settings_file)
    run(
        bootstrap.serve(settings, roles, say=click.echo, apart=False, ending=ending),
        ending,
    )


_role_command(
    "bridge",
    """Run only the link with Asterisk and the case intake.

    One is active per Asterisk; a second waits as a standby. Needs `bus: {url: redis://...}` if the
    other roles run in processes of their own.""",
)
_role_command("ivr", "Run only the phone menu: the FastAGI server that Asterisk asks.")
_role_command("web", "Run only the pages and the JSON API.")
_role_command("live", "Run only the websocket of the live screens.")


@ringdesk.command()
@settings_option
def gate(settings_file: Path) -> None:
    """Run only the gate of the browser phones, before somebody else's Asterisk.

    With `asterisk: {mode: own}` whoever starts Asterisk starts it. It needs the settings and the
    cookie key (RINGDESK_COOKIE_KEY), no database.
    """
    from config.bootstrap import serve_gate
    from config.settings import load

    run(serve_gate(load(settings_file), say=click.echo))


@ringdesk.command()
@settings_option
def demo(settings_file: Path) -> None:
    """Run everything with a demo company, and print three links with their logins.

    One for an agent, one for a supervisor, one for a customer's phone. The demo company (300
    customers, 40 products, 2,000 past cases) is loaded when the database is empty.
    """
    from config.demo import serve_demo
    from config.settings import load

    run(serve_demo(load(settings_file), say=click.echo))


@ringdesk.group()
def pbx() -> None:
    """Asterisk: render its files, start it, look at it."""


@pbx.command("render")
@settings_option
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
def pbx_render(settings_file: Path, folder: Path | None) -> None:
    """Write Asterisk's configuration files into FOLDER.

    Default: asterisk/etc in the data folder.
    """
    from config.bootstrap import render_pbx
    from config.settings import load

    target = asyncio.run(render_pbx(load(settings_file), folder))
    click.echo(f"rendered into {target}")


@pbx.command("start")
@settings_option
def pbx_start(settings_file: Path) -> None:
    """Run only Asterisk with our configuration, until Ctrl-C.

    Calls then live on when Ringdesk itself is restarted; set `asterisk: {mode: external}` for it.
    """
    from config.bootstrap import serve_pbx
    from config.settings import load

    run(serve_pbx(load(settings_file), say=click.echo))


@ringdesk.command()
@settings_option
@click.option("--json", "as_json", is_flag=True, help="One JSON array, for programs.")
def doctor(settings_file: Path, as_json: bool) -> None:
    """Check this installation and say what to do; exit status 1 if something is wrong.

    Settings, programs, folders, database, ports, Asterisk's account, version, modules and clock,
    trunks. A warning (`warn`) leaves the status at 0. Harmless while calls go on.
    """
    from config import logs
    from config.doctor import examine

    logs.configure("CRITICAL")  # what is found is said once, by the doctor
    findings = run(examine(settings_file))
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(findings), indent=2))
    else:
        for finding in findings:
            click.echo(finding.line())
    if any(not finding.ok for finding in findings):
        raise SystemExit(1)


@pbx.command("stop")
@settings_option
def pbx_stop(settings_file: Path) -> None:
    """End an Asterisk of ours that was left running, and its calls."""
    from config.bootstrap import stop_pbx
    from config.settings import load

    pid = run(stop_pbx(load(settings_file)))
    click.echo("no Asterisk of ours is running" if pid is None else f"ended (process {pid})")


def _add_groups() -> None:
    from config.cli_backup import backup, restore
    from config.cli_desk import db, token, user
    from config.cli_flow import flow
    from config.cli_import import import_file
    from config.cli_jobs import jobs_group
    from config.cli_journal import reconcile

    for command in (db, user, token, flow, backup, restore, reconcile, jobs_group, import_file):
        ringdesk.add_command(command)


_add_groups()


def guarded(command: Callable[[], None]) -> None:
    """Call `command`; what a person can put right becomes one line on stderr and exit status 2."""
    try:
        command()
    except BrokenPipeError:
        raise  # who read our output has gone: main() minds it
    except KNOWN as error:
        _give_up(error)
    except ExceptionGroup as group:
        known = group.subgroup(KNOWN)
        if known is None:
            raise
        _give_up(_first(known))


def _give_up(error: BaseException) -> NoReturn:
    from config.problems import one_line

    click.echo(f"ringdesk: {one_line(error)}", err=True)
    raise SystemExit(2) from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def main() -> None:
    """The `ringdesk` command."""
    with contextlib.suppress(BrokenPipeError):
        guarded(ringdesk)


if __name__ == "__main__":
    main()
