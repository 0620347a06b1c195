"""Calls with a time limit."""

import sys
import threading

import pytest

from swap_user.otp.background import deadline as time_limit
from tests.otp.background.helpers import PLENTY, wait_until


def test_what_a_call_raises_is_raised():
    """As if it had been called here."""
    with pytest.raises(ZeroDivisionError):
        time_limit.call(lambda: 1 / 0, seconds=PLENTY)
    with pytest.raises(time_limit.Stopped, match="SystemExit"):
        time_limit.call(sys.exit, seconds=PLENTY)


def test_calls_that_hang_are_left_behind_and_counted(release):
    """So many at most; when they return, there is room again."""
    for _ in range(time_limit.MOST_ABANDONED):
        with pytest.raises(time_limit.TimedOut, match=r"not done after 0\.001 s"):
            time_limit.call(release.wait, seconds=0.001)
    called = []
    with pytest.raises(time_limit.TooManyHanging, match="16 earlier calls"):
        time_limit.call(lambda: called.append(1), seconds=PLENTY)
    assert not called
    release.set()
    wait_until(lambda: time_limit._abandoned.count == 0)
    time_limit.call(lambda: called.append(1), seconds=PLENTY)
    assert called == [1]


def test_one_receiver_holds_up_only_two(release):
    """A third call for them isn't begun; one for another receiver is. Then there is room again."""
    for _ in range(time_limit.MOST_AT_ONCE):
        with pytest.raises(time_limit.TimedOut):
            time_limit.call(release.wait, seconds=0.001, lane="slow")
    called = []
    with pytest.raises(time_limit.ReceiverBusy):
        time_limit.call(lambda: called.append("slow"), seconds=PLENTY, lane="slow")
    time_limit.call(lambda: called.append("other"), seconds=PLENTY, lane="other")
    release.set()
    wait_until(lambda: not time_limit._abandoned.lanes)
    time_limit.call(lambda: called.append("slow"), seconds=PLENTY, lane="slow")
    assert called == ["other", "slow"]


def test_without_limit_it_is_called_here():
    """As InlineDispatcher does it."""
    with time_limit.unlimited():
        called = []
        time_limit.call(lambda: called.append(threading.current_thread()), seconds=0.001)
    assert called == [threading.current_thread()]
