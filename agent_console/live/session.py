"""One socket's side of the commands: who sends them, and what they act on."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent_console.access import Viewer
from agent_console.context import ConsoleContext
from agent_console.i18n import Translator
from agent_console.live.hub import Client, Hub
from agent_console.live.screens import Screens
from agent_console.live.watch import Watch
from service_desk.actor import Actor


@dataclass(kw_only=True)
class Session:
    """Made at the handshake; `address` is where the socket came from, for the audit."""

    context: ConsoleContext
    hub: Hub
    screens: Screens
    client: Client
    watch: Watch
    translator: Translator
    address: str = ""
    topics: set[str] = field(default_factory=set)

    @property
    def viewer(self) -> Viewer:
        """Who sends the commands."""
        return self.client.viewer

    @property
    def actor(self) -> Actor:
        """The same, as the desk's actions name them."""
        viewer = self.viewer
        return Actor(viewer.user, viewer.role, viewer.staff_id, self.address)
