"""Policies: which codes let in, one at a time or two in turn."""

from functools import partial
from typing import Any, ClassVar

import pytest

from swap_user.otp import AnotherCodeNeeded, generate_recovery_codes, policies, send_code
from swap_user.otp.dispatchers import AbstractDispatcher
from swap_user.otp.verification import completion
from swap_user.testing import outbox
from tests.support import (
    NOW,
    ask,
    configure,
    enter,
    give,
    make_user,
    totp,
    use_policy,
    username,
    visitor,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_any_code_lets_in(user):
    """The default: a sent code, an authenticator's, a recovery code."""
    give(user)
    request = visitor()
    assert enter(request, ask(request)) == user
    assert enter(request, totp(NOW)) == user
    assert enter(request, generate_recovery_codes(user)[0]) == user


def test_once_enrolled_sent_codes_no_longer_let_in(user, settings):
    """Before enrollment they do; after, the app and recovery codes do."""
    use_policy(settings, "AuthenticatorOnceEnrolled")
    request = visitor()
    assert enter(request, ask(request)) == user
    code = ask(request)
    give(user)
    assert enter(request, code) is None
    assert enter(request, totp(NOW)) == user
    assert enter(request, generate_recovery_codes(user)[0]) == user


@pytest.mark.user_model("no password")
@pytest.mark.parametrize("recovery", [False, True])
def test_both_needs_two_codes_in_turn(user, settings, recovery):
    """A sent code and then the app's (or a recovery code), in either order, in one session."""
    use_policy(settings, "Both")
    give(user)
    for turn, sent_first in enumerate((True, False)):
        request = visitor()
        second = generate_recovery_codes(user)[0] if recovery else totp(NOW + 30 * turn)
        steps = [ask(request), second]
        first, second = steps if sent_first else reversed(steps)
        with pytest.raises(AnotherCodeNeeded) as caught:
            enter(request, first)
        assert len(caught.value.missing) == 1
        assert enter(request, first) is None  # used up
        assert enter(request, second) == user


class Queue(AbstractDispatcher):
    """Keeps all jobs until ``run()``."""

    jobs: ClassVar[list[Any]] = []

    def dispatch(self, job, args, kwargs):
        self.jobs.append(partial(job, *args, **kwargs))

    @classmethod
    def run(cls):
        while cls.jobs:
            cls.jobs.pop(0)()


@pytest.mark.requirement("R53", "R55")
@pytest.mark.user_model("no password")
def test_a_code_that_waits_in_a_queue_follows_the_login(user, settings):
    """The app's code is typed before the job has run, and the session has got another flow."""
    use_policy(settings, "Both")
    configure(settings, OTP_DISPATCHER="tests.otp.test_policies.Queue")
    give(user)
    request, stranger = visitor(), visitor()
    send_code(request, username())
    with pytest.raises(AnotherCodeNeeded):
        enter(request, totp(NOW))
    Queue.run()
    assert enter(stranger, outbox[-1].otp) is None
    assert enter(request, outbox[-1].otp) == user


@pytest.mark.user_model("no password")
def test_both_forgets_after_a_login(user, settings):
    """The next login of the same session starts from the beginning."""
    use_policy(settings, "Both")
    give(user)
    request = visitor()
    with pytest.raises(AnotherCodeNeeded):
        enter(request, ask(request))
    assert enter(request, totp(NOW)) == user
    with pytest.raises(AnotherCodeNeeded):
        enter(request, totp(NOW + 30))


@pytest.mark.user_model("no password")
def test_half_a_login_belongs_to_the_user_not_to_the_name(user, settings):
    """The first factor of a user does not count for another user who gets the same name."""
    use_policy(settings, "Both")
    give(user)
    heir = make_user(2)
    give(heir)
    request = visitor()
    with pytest.raises(AnotherCodeNeeded):
        enter(request, ask(request))
    field = user.USERNAME_FIELD
    type(user).objects.filter(pk=user.pk).update(**{field: username(3)})
    type(user).objects.filter(pk=heir.pk).update(**{field: username()})
    with pytest.raises(AnotherCodeNeeded):
        enter(request, totp(NOW))


@pytest.mark.user_model("no password")
def test_who_starts_over_is_not_stuck(user, settings):
    """Another sent code after the first is right, and the app's is still asked for."""
    use_policy(settings, "Both")
    give(user)
    request = visitor()
    for _ in range(2):
        with pytest.raises(AnotherCodeNeeded) as caught:
            enter(request, ask(request))
        assert caught.value.missing == (policies.NOT_SENT,)
    assert enter(request, totp(NOW)) == user


@pytest.mark.user_model("password")
def test_the_password_may_come_second(user, settings):
    """A code, then the password, then another code: in, not stuck."""
    use_policy(settings, "Both")
    request = visitor()
    with pytest.raises(AnotherCodeNeeded):
        enter(request, ask(request))
    completion.note_password(user, request)
    assert enter(request, ask(request)) == user


@pytest.mark.user_model("no password")
def test_both_is_bound_to_the_session(user, settings):
    """Half a login in one session is none of another's, and without a session there is no half."""
    use_policy(settings, "Both")
    give(user)
    mine, other = visitor(), visitor()
    with pytest.raises(AnotherCodeNeeded):
        enter(mine, ask(mine))
    ask(other)
    with pytest.raises(AnotherCodeNeeded):
        enter(other, totp(NOW))
    assert enter(None, ask(None)) is None
    assert enter(None, totp(NOW + 30)) is None


@pytest.mark.user_model("no password")
def test_both_before_enrollment_takes_the_sent_code_alone(user, settings):
    """Otherwise no user could ever enroll."""
    use_policy(settings, "Both")
    request = visitor()
    assert enter(request, ask(request)) == user


@pytest.mark.user_model("password")
def test_both_needs_the_password_first(user, settings):
    """On models with passwords no code lets in alone; after the password, any does."""
    use_policy(settings, "Both")
    request = visitor()
    assert policies.load_policy().asks_password()
    assert enter(None, ask(None)) is None
    other = visitor()
    with pytest.raises(AnotherCodeNeeded) as caught:
        enter(other, ask(other))
    assert caught.value.missing == (frozenset({"password"}),)
    completion.note_password(user, request)
    assert enter(request, ask(request)) == user


def test_a_code_that_would_not_count_is_not_sent(user, settings):
    """The caller sees no difference."""
    give(user)
    use_policy(settings, "AuthenticatorOnceEnrolled")
    before = len(outbox)
    assert send_code(visitor(), username()) is None
    assert len(outbox) == before


def test_a_code_that_a_policy_does_not_take_is_not_used_up(user, settings):
    """It works as soon as the policy takes it."""
    give(user)
    request = visitor()
    code = ask(request)
    use_policy(settings, "AuthenticatorOnceEnrolled")
    assert enter(request, code) is None
    use_policy(settings, "AnyCode")
    assert enter(request, code) == user


class WorkersOnly(policies.AnyCode):
    """A project's own: recovery codes are for superusers."""

    def groups(self, user, *, enrolled):
        return (policies.ANY_CODE - ({"recovery"} if not user.is_superuser else set()),)


def test_a_project_writes_its_own(user, settings):
    """One overridable method decides, for each user."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_POLICY_CLASS": f"{__name__}.WorkersOnly"}
    code = generate_recovery_codes(user)[0]
    assert enter(None, code) is None
    type(user).objects.update(is_superuser=True)
    assert enter(None, code) == user
