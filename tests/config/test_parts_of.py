"""The parts of a running Ringdesk, made out of the settings."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from config.parts_of import bridge_of
from config.secrets import open_secrets
from config.settings import load
from cti.bus import InProcessBus
from service_desk.desk import Desk, connect

SETTINGS = """
queues:
  support: {title: Help desk}
  sales: {}
default_queue: support
data: {folder: FOLDER}
"""


async def test_the_bridge_knows_a_queue_as_people_read_it(tmp_path: Path) -> None:
    file = tmp_path / "ringdesk.yaml"
    file.write_text(SETTINGS.replace("FOLDER", str(tmp_path / "data")))
    settings = load(file, {})
    secrets = open_secrets(settings.data_folder, {})
    desk = Desk(connect(settings.database.url))
    bridge = bridge_of(settings, secrets, InProcessBus(), desk, lock=nullcontext)
    names = [bridge.roster.title_of(queue) for queue in ("support", "sales", "of old")]
    assert names == ["Help desk", "sales", "of old"]
    await desk.close()
