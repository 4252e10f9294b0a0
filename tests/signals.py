"""What a test starts has its default signals, whoever started the tests.

`nohup`, a shell's background job and some CI runners hand down SIGINT or SIGHUP ignored, a program
hands on what it ignores, and then nobody could end by Ctrl-C what a test starts.
"""

from __future__ import annotations

import signal

# What people and supervisors end a program by.
ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


def hand_down_defaults() -> None:
    """From here on children start with defaults; what ignored a signal still takes no notice.

    A handler is no more after `exec`, while "ignored" stays.
    """
    for number in ENDING:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _take_no_notice)


def _take_no_notice(_number: int, _frame: object) -> None: ...
