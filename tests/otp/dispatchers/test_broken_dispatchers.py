"""A dispatcher that raises, because its broker is down, say: the visitor sees no difference."""

import pytest

from swap_user import signals
from swap_user.otp import send_code
from swap_user.otp.dispatchers import AbstractDispatcher, ThreadDispatcher
from swap_user.otp.store import keys
from swap_user.testing import MemoryOTPSender
from tests.otp.dispatchers.helpers import use, what_is_seen
from tests.support import configure, make_user, username, visitor


class BrokenDispatcher(AbstractDispatcher):
    """Can't reach its broker."""

    def dispatch(self, job, args, kwargs):
        raise ConnectionError("no broker\r\nat all")


class AbstractOne(AbstractDispatcher):
    """Can't be instantiated."""


class BrokenThreads(ThreadDispatcher):
    """A subclass of one of ours."""

    def dispatch(self, job, args, kwargs):
        super().dispatch(job, args, kwargs)
        raise ConnectionError("after all")


def break_it(settings, name="BrokenDispatcher"):
    configure(settings, OTP_DISPATCHER=f"{__name__}.{name}")


@pytest.mark.requirement("R34")
@pytest.mark.parametrize("name", ["BrokenDispatcher", "AbstractOne", "Missing", "BrokenThreads"])
def test_the_visitor_sees_no_difference(user, settings, name, shared_redis, clock):
    """Status, body, headers and cookies are those of a dispatcher that works."""
    usual = what_is_seen()
    shared_redis.flush()
    break_it(settings, name)
    assert what_is_seen() == usual


@pytest.mark.requirement("R34")
@pytest.mark.parametrize("number", [1, 2], ids=["an account", "no account"])
@pytest.mark.django_db
def test_it_is_logged_and_signalled(settings, caplog, told, number):
    """Once, in one line, with the account key; send_code returns None as always."""
    make_user(1)
    break_it(settings)
    accounts = []

    def note(account, **kwargs):
        accounts.append(account)

    signals.delivery_failed.connect(note)
    try:
        assert send_code(visitor(), username(number)) is None
    finally:
        signals.delivery_failed.disconnect(note)
    account = keys.account_key(username(number))
    (line,) = [each for each in caplog.messages if each.startswith("job dropped")]
    start = f"job dropped: job=send_code account={account} reason=ConnectionError: no broker\\x0d"
    assert line.startswith(start)
    ((what, sender, owner, error),) = told
    assert (what, sender, owner) == ("failed", MemoryOTPSender, None)
    assert "no broker" in error
    assert accounts == [account]


def test_an_event_is_not_undone(user, settings, caplog):
    """A notice that nobody takes is logged with its user; what caused it goes on."""
    break_it(settings)
    signals.recovery_code_used.send(None, user=user, remaining=1)
    (line,) = [each for each in caplog.messages if each.startswith("job dropped")]
    assert line.startswith(f"job dropped: job=notify user={user.pk} reason=ConnectionError")


@pytest.mark.django_db
@pytest.mark.parametrize("dispatcher", ["Inline", "Thread"])
def test_a_job_that_raises_inline_still_raises(settings, monkeypatch, dispatcher):
    """In a test, the fault of a job is the test's to see."""
    use(settings, dispatcher=dispatcher)
    make_user()
    monkeypatch.setattr("swap_user.otp.delivery.send_code_job.find_active_user", lambda name: 1 / 0)
    with pytest.raises(ZeroDivisionError) as raised:
        send_code(visitor(), username())
    assert raised.value.__context__ is None
