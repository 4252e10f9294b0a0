"""The parts of a running Ringdesk, made out of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.parts_of import desk_settings
from config.settings import LocatedError, load
from service_desk.settings import Title

SETTINGS = """
queues:
  support: {title: {en: Help desk, zh: 服务台}}
  sales: {title: Sales}
  operator: {}
default_queue: support
data: {folder: FOLDER}
"""


def _file(folder: Path, text: str = SETTINGS) -> Path:
    file = folder / "ringdesk.yaml"
    file.write_text(text.replace("FOLDER", str(folder / "data")))
    return file


def test_a_queue_has_one_title_or_one_a_language(tmp_path: Path) -> None:
    """Of both the desk gives each reader theirs, of one it is everybody's; else it is the name."""
    desk = desk_settings(load(_file(tmp_path), {}))
    assert desk.titles == {
        "support": Title(en="Help desk", zh="服务台"),
        "sales": Title(en="Sales"),
        "operator": Title(en="operator"),
    }
    assert desk.targets("en")["q-support"] == "Help desk"
    zh = desk.targets("zh")
    assert [zh[f"q-{name}"] for name in desk.titles] == ["服务台", "Sales", "operator"]


@pytest.mark.parametrize("title", ["{zh: 服务台}", "{en: '', zh: 服务台}", "{en: Desk, de: Tisch}"])
def test_a_title_without_english_or_in_another_language_is_refused(
    tmp_path: Path, title: str
) -> None:
    text = SETTINGS.replace("{en: Help desk, zh: 服务台}", title)
    with pytest.raises(LocatedError, match=r"ringdesk\.yaml:3: queues\.support\.title"):
        load(_file(tmp_path, text), {})
