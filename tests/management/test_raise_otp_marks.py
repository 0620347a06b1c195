"""The database is restored from yesterday's backup: codes that were used since then (R10)."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command

from swap_user.models import Authenticator, RecoveryCode
from swap_user.otp import generate_recovery_codes
from swap_user.otp.crypto import hotp
from swap_user.otp.verification.restoring import raise_marks
from tests.otp.verification.codes import Challenges
from tests.support import NOW, ask, enter, give, make_user, totp, username, visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.requirement("R10")]


@pytest.fixture
def restore(shared_redis, clock) -> Any:
    """Make a backup; the returned function restores it, and Redis is empty then."""

    def begin() -> Any:
        authenticators = list(Authenticator.objects.all())
        codes = list(RecoveryCode.objects.all())

        def end() -> None:
            shared_redis.flush()
            for row in (*authenticators, *codes):
                row.save()

        return end

    return begin


def test_what_counts_again(user, restore, shared_redis, capsys):
    """Sent codes and time-based apps are safe after the command; it says what it can't know."""
    give(user, "totp")
    give(user, "hotp", secret="A" * 32)
    recovery_code = generate_recovery_codes(user)[0]
    request = visitor()
    sent = ask(request)
    challenges = Challenges(shared_redis)
    end = restore()
    used = [sent, totp(NOW), hotp.code_at("A" * 32, 0), recovery_code]
    assert [enter(request, code) for code in used] == [user] * 4
    end()
    challenges.restore()
    call_command("raise_otp_marks")
    assert [enter(request, code) for code in used] == [None, None, user, user]
    raised, counter_based, recovery = capsys.readouterr().out.splitlines()
    assert raised == "Raised marks of authenticators: 2."
    assert counter_based.startswith("Counter-based authenticators: 1. Codes that were used after")
    assert recovery.startswith("Unused recovery codes: 10. Those that were used after the backup")
    # What comes next is accepted.
    assert enter(None, totp(NOW + 30)) is None  # it may have been used, on a fast clock
    assert enter(request, ask(request)) == user
    assert enter(None, hotp.code_at("A" * 32, 1)) == user


def test_time_goes_on(user, restore, clock):
    """A minute later, sent codes and apps work as before."""
    give(user, "totp")
    request = visitor()
    ask(request)
    call_command("raise_otp_marks")
    clock.shift(61)
    assert enter(None, totp(NOW + 61)) == user
    assert enter(request, ask(request)) == user


def test_recovery_codes_can_be_marked_too(user, restore, capsys):
    """All that are unused, of all users or of some."""
    other = make_user(2)
    codes, others = generate_recovery_codes(user), generate_recovery_codes(other)
    assert enter(None, codes[1]) == user
    assert raise_marks(now=NOW, users=[user.pk]).recovery_codes == 9
    call_command("raise_otp_marks", username(), "--recovery-codes")
    assert "Recovery codes marked as used: 9." in capsys.readouterr().out
    assert enter(None, codes[0]) is None
    assert enter(None, others[0], username(2)) == other
    call_command("raise_otp_marks", "--recovery-codes")
    assert enter(None, others[1], username(2)) is None


def test_no_mark_is_lowered(user, clock):
    """Each period has its own steps; a mark that is higher stays."""
    slow, fast = give(user, "totp", period=60), give(user, "totp", secret="A" * 32)
    Authenticator.objects.filter(pk=fast.pk).update(consumed=NOW)
    assert raise_marks(now=NOW).raised == 1
    slow.refresh_from_db()
    fast.refresh_from_db()
    assert (slow.consumed, fast.consumed) == (NOW // 60 + 1, NOW)
