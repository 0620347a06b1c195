"""The system checks of OTP_DISPATCHER."""

import sys

import pytest
from django.core import checks

from swap_user.checks.dispatcher import check_dispatcher
from swap_user.otp import dispatchers
from tests.otp.dispatchers.helpers import use


class Unfinished(dispatchers.AbstractDispatcher):
    """Has no dispatch()."""


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("swap_user.otp.dispatchers.ThreadDispatcher", []),
        ("swap_user.otp.dispatchers.InlineDispatcher", []),
        ("swap_user.otp.dispatchers.TaskDispatcher", []),
        ("swap_user.otp.dispatchers.NoDispatcher", ["swap_user.E014"]),
        ("swap_user.otp.dispatchers.dispatch", ["swap_user.E015"]),
        ("swap_user.testing.MemoryOTPSender", ["swap_user.E015"]),
        (f"{__name__}.Unfinished", ["swap_user.E015"]),
        (7, []),  # E004 says so
    ],
)
def test_check(settings, path, ids):
    """E014 and E015, and that the check is registered."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_DISPATCHER": path}
    assert [message.id for message in check_dispatcher(None)] == ids
    found = {message.id for message in checks.run_checks()}
    assert found >= set(ids)


def test_check_of_the_task_queue(settings, monkeypatch):
    """E014 where there is no framework."""
    use(settings, dispatcher="Task")
    for name in ("swap_user.otp.background.django_tasks", "django.tasks", "django_tasks"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "swap_user.otp.background.django_tasks")
    (message,) = check_dispatcher(None)
    assert message.id == "swap_user.E014"
    assert "django-tasks" in message.hint
