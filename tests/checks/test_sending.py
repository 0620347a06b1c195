"""The system checks of OTP_DISPATCHER, and of what a sender says about itself."""

import sys
from importlib import import_module
from importlib.util import find_spec

import pytest
from django.core import checks

from swap_user.checks.sending import check_dispatcher, check_sender_itself
from swap_user.contrib.chain import ChainSender
from swap_user.otp import dispatchers
from swap_user.testing import MemoryOTPSender
from tests.otp.dispatchers.helpers import use


class Unfinished(dispatchers.AbstractDispatcher):
    """Has no dispatch()."""


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("swap_user.otp.dispatchers.ThreadDispatcher", []),
        ("swap_user.otp.dispatchers.InlineDispatcher", []),
        ("swap_user.otp.dispatchers.TaskDispatcher", []),
        pytest.param(
            "swap_user.otp.dispatchers.CeleryDispatcher",
            [],
            marks=pytest.mark.skipif(find_spec("celery") is None, reason="Celery is not installed"),
        ),
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


def test_check_of_celery(settings, monkeypatch):
    """E014 where it is not installed. The task module of the app can still be imported."""
    use(settings, dispatcher="Celery")
    monkeypatch.setitem(sys.modules, "celery", None)
    for name in ("swap_user.otp.background.celery_task", "swap_user.tasks"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (message,) = check_dispatcher(None)
    assert (message.id, message.hint) == ("swap_user.E014", "Install celery.")
    assert not hasattr(import_module("swap_user.tasks"), "run_job")


class EmptyChain(ChainSender):
    """Names no channels."""


class Frank(MemoryOTPSender):
    """A sender of a project that says what is wrong with it."""

    @classmethod
    def problems(cls):
        yield "has no stamps.", "Buy some."


class Raising(MemoryOTPSender):
    """Fails when it is asked."""

    @classmethod
    def problems(cls):
        raise ValueError


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        ("swap_user.testing.MemoryOTPSender", []),
        (f"{__name__}.EmptyChain", ["EmptyChain has no channels."]),
        (f"{__name__}.Frank", ["Frank has no stamps."]),
        (f"{__name__}.Raising", []),
        ("no.such.Sender", []),  # E009 says so
        (7, []),  # E004 says so
    ],
)
def test_check_of_the_sender_itself(settings, path, texts):
    """E026, and that the check is registered."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_SENDER_CLASS": path}
    found = check_sender_itself(None)
    assert [message.msg for message in found] == texts
    assert {message.id for message in found} <= {"swap_user.E026"}
    everything = checks.run_checks()
    assert [each.msg for each in everything if each.id == "swap_user.E026"] == texts
