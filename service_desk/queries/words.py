"""One line of a story in words, for the API and for pages that have no words of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_EN = {
    "arrived": "Call from {number} to {dialed}",
    "menu": "Menu: {path}",
    "queued": "Waiting in {queue}, position {position}",
    "left_queue": "Left {queue}: {reason}, after {waited} s",
    "offered": "Offered",
    "not_taken": "Not taken: {reason}",
    "answered": "Answered",
    "transferred": "Transferred to {to}",
    "merged": "Joined with another call",
    "recording": "Recorded",
    "message": "Message left, {seconds} s",
    "ended": "Call ended: {outcome}",
    "status": "Status: {status}",
    "priority": "Priority: {priority}",
    "assigned": "Assigned to {to}",
    "disposition": "Disposition: {disposition}",
    "customer": "Customer chosen",
    "filed": "Call filed here",
    "opened": "Case opened",
    "promise": "Promised: {what}",
    "kept": "Promise kept: {what}",
    "offer": "Offer {product}: {outcome}",
}
_ZH = {
    "arrived": "来电 {number}，拨打 {dialed}",
    "menu": "菜单：{path}",
    "queued": "在 {queue} 排队，第 {position} 位",
    "left_queue": "离开 {queue}：{reason}，等待 {waited} 秒",
    "offered": "振铃",
    "not_taken": "未接：{reason}",
    "answered": "已接听",
    "transferred": "转接到 {to}",
    "merged": "与另一通电话合并",
    "recording": "已录音",
    "message": "留言 {seconds} 秒",
    "ended": "通话结束：{outcome}",
    "status": "状态：{status}",
    "priority": "优先级：{priority}",
    "assigned": "分配给 {to}",
    "disposition": "结果：{disposition}",
    "customer": "已选择客户",
    "filed": "通话归入此工单",
    "opened": "工单已建立",
    "promise": "承诺：{what}",
    "kept": "已兑现：{what}",
    "offer": "推荐 {product}：{outcome}",
}


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def story_line(kind: str, data: Mapping[str, Any], language: str) -> str:
    """The line; "" for a kind without words (a note carries its own text)."""
    words = (_ZH if language.startswith("zh") else _EN).get(kind)
    return words.format_map(_Blank(data)) if words else ""
