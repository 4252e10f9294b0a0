"""The topics a socket may subscribe to: a TABLE. To add one: a line here, and its sections."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from agent_console.access import Permission, Viewer
from agent_console.live.hub import Client, Key
from agent_console.live.screens import BOARD, DESK, Screens
from agent_console.live.state import Sections


class Topic(Struct, frozen=True):
    """`key`: whose stream this viewer gets; `now`: its sections; `open`: called before the first.

    A viewer can only ever name the topic: whose desk it is comes from the session.
    """

    permission: Permission
    key: Callable[[Viewer], Key]
    now: Callable[[Screens, Viewer], Sections]
    open: Callable[[Screens, Client], None]


def _own_desk(viewer: Viewer) -> Key:
    return Key(DESK, viewer.user)


def _the_board(_viewer: Viewer) -> Key:
    return Key(BOARD)


TOPICS: Mapping[str, Topic] = {
    DESK: Topic(
        permission=Permission.DESK_USE,
        key=_own_desk,
        now=lambda screens, viewer: screens.desk(viewer.user),
        open=lambda screens, client: screens.watch_desk(client.viewer.user, client.language),
    ),
    BOARD: Topic(
        permission=Permission.BOARD_SEE,
        key=_the_board,
        now=lambda screens, _viewer: screens.board(),
        open=lambda screens, _client: screens.watch_board(),
    ),
}
