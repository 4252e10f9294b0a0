"""One line of a story in words, for the API and for pages that have no words of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service_desk.phone_number import is_withheld, shown

_EN = {
    "arrived": "Call from {number} to {dialed}",
    "placed": "Call to {dialed}",
    "menu": "Menu: {path}",
    "queued": "Waiting in {queue}, position {position}",
    "left_queue": "Left {queue}: {reason}, after {waited} s",
    "turned_away": "Turned away by {queue}: {reason}",
    "offered": "Offered",
    "not_taken": "Not taken: {reason}",
    "answered": "Answered",
    "cut_off": "Connection to the agent lost: the caller is kept",
    "back": "Connected again",
    "transferred": "Transferred to {to}",
    "merged": "Joined with another call",
    "recording": "Recording switched on",
    "message": "Message left, {seconds} s",
    "ended": "Call ended: {outcome}",
    "ended_with_asterisk": "Call lost: Asterisk ended or was restarted",
    "status": "Status: {status}",
    "priority": "Priority: {priority}",
    "subject": "Subject: {subject}",
    "assigned": "Assigned to {to}",
    "disposition": "Disposition: {disposition}",
    "customer": "Customer chosen",
    "nobody": "It is none of the customers we know",
    "filed": "Call filed here",
    "joined": "Case {number} is now part of this one",
    "opened": "Case opened",
    "promise": "Promised: {what}",
    "kept": "Promise kept: {what}",
    "offer": "Offer {product}: {outcome}",
}
_ZH = {
    "arrived": "来电 {number}，拨打 {dialed}",
    "placed": "拨打 {dialed}",
    "menu": "菜单：{path}",
    "queued": "在 {queue} 排队，第 {position} 位",
    "left_queue": "离开 {queue}：{reason}，等待 {waited} 秒",
    "turned_away": "未能进入 {queue}：{reason}",
    "offered": "振铃",
    "not_taken": "未接：{reason}",
    "answered": "已接听",
    "cut_off": "与坐席的连接中断：来电者在线等候",
    "back": "已重新接通",
    "transferred": "转接到 {to}",
    "merged": "与另一通电话合并",
    "recording": "录音已开启",
    "message": "留言 {seconds} 秒",
    "ended": "通话结束：{outcome}",
    "ended_with_asterisk": "通话中断：Asterisk 已终止或重新启动",
    "status": "状态：{status}",
    "priority": "优先级：{priority}",
    "subject": "主题：{subject}",
    "assigned": "分配给 {to}",
    "disposition": "结果：{disposition}",
    "customer": "已选择客户",
    "nobody": "不是我们已知的客户",
    "filed": "通话归入此工单",
    "joined": "工单 {number} 已并入此工单",
    "opened": "工单已建立",
    "promise": "承诺：{what}",
    "kept": "已兑现：{what}",
    "offer": "推荐 {product}：{outcome}",
}
# Codes inside a line. English shows a code's own words unless they would puzzle.
_CODES_EN = {
    "abandoned": "gave up waiting",
    "message": "left a message",
    "menu": "served by the menu",
    "lost": "lost track",
    "timeout": "waited too long",
    "full": "the queue was full",
    "closed": "nobody was there",
    "unknown": "reason unknown",
    "merged": "filed elsewhere",
    "": "withheld",
}
_CODES_ZH = {
    "answered": "已接听",
    "abandoned": "放弃等待",
    "message": "已留言",
    "menu": "由菜单处理",
    "failed": "失败",
    "lost": "失去跟踪",
    "timeout": "等待超时",
    "overflow": "转到其他队列",
    "full": "队列已满",
    "closed": "无人在席",
    "unknown": "原因不明",
    "no_answer": "无人接听",
    "rejected": "拒接",
    "new": "新建",
    "open": "处理中",
    "waiting": "等待中",
    "resolved": "已解决",
    "merged": "已归入其他工单",
    "low": "低",
    "normal": "普通",
    "high": "高",
    "urgent": "紧急",
    "accepted": "已接受",
    "declined": "已拒绝",
    "later": "以后再说",
    "not_presented": "未介绍",
    "": "号码未显示",
}
_CODED = ("reason", "outcome", "status", "priority")
# Lines that name a member of staff.
NAMING = ("assigned", "transferred")


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def story_line(
    kind: str, data: Mapping[str, Any], language: str, names: Mapping[str, str] | None = None
) -> str:
    """The line; "" for a kind without words (a note carries its own text).

    `names`: user names, extensions and `q-<queue>` -> as people say them. A value that
    is kept in Chinese too (`product_zh` beside `product`) is said in it.
    """
    zh = language.startswith("zh")
    if kind == "ended" and data.get("lost") and data.get("by") == "asterisk":
        kind = "ended_with_asterisk"
    if kind == "arrived" and data.get("direction", "inbound") != "inbound":
        kind = "placed"  # the line's actor is who dialled
    words = (_ZH if zh else _EN).get(kind)
    if not words:
        return ""
    said = _Blank(data)
    for key in _CODED:
        if key in said:
            said[key] = _code(str(said[key]), zh=zh)
    number = str(said.get("number", "?"))
    if is_withheld(number):
        number = ""
    said["number"] = shown(number) if number.startswith("+") else _code(number, zh=zh)
    names = names or {}
    dialed = str(said.get("dialed", "?"))
    if kind == "placed":
        said["dialed"] = shown(dialed) if dialed.startswith("+") else names.get(dialed, dialed)
    to, queue = str(said.get("to", "?")), str(said.get("queue", "?"))
    said["to"] = names.get(to, to.removeprefix("q-"))
    said["queue"] = names.get(f"q-{queue}", queue)
    if zh and not said["queue"].isascii():  # a space stands only between words of two scripts
        words = words.replace(" {queue} ", "{queue}").replace(" {queue}", "{queue}")
    if isinstance(said.get("waited"), float):
        said["waited"] = round(said["waited"])
    if zh:
        said.update({key: data[f"{key}_zh"] for key in data if data.get(f"{key}_zh")})
    return words.format_map(said)


def _code(code: str, *, zh: bool) -> str:
    table = _CODES_ZH if zh else _CODES_EN
    return table.get(code, code.replace("_", " "))
