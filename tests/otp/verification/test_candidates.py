"""Candidates: which codes are right, which one is chosen, and how much is compared."""

import pytest

from swap_user.models import Authenticator
from swap_user.otp.authenticators.queries import AuthenticatorQuery
from swap_user.otp.authenticators.secrets import seal
from swap_user.otp.challenges.challenge import Challenge
from swap_user.otp.challenges.login_state import Pending
from swap_user.otp.challenges.resync import Far
from swap_user.otp.crypto import hotp
from swap_user.otp.verification.candidates import (
    Candidate,
    candidates,
    check_made_up,
    choose,
    far_ahead,
)
from swap_user.users import usernames
from tests.support import NOW, RFC_SECRET, configure, username

STEP = NOW // 30


def authenticator(type="totp", **fields):
    """Return an authenticator that is not saved, with the known secret."""
    row = Authenticator(type=type, **fields)
    seal(row, RFC_SECRET)
    return row


def pending(*counters, far=None):
    """Return the state of a login with these sent codes."""
    challenges = [Challenge("key", counter, NOW * 1000 + 1000) for counter in counters]
    return Pending(challenges, far, frozenset())


def found(row, state=None, *, sent_digits=6):
    """Return the candidates of one authenticator."""
    return candidates([row], state or pending(), sent_digits=sent_digits, now=NOW)


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(("past", "future"), [(1, 1), (2, 0), (0, 2)])
def test_the_steps_of_an_app(settings, past, future):
    """As many earlier and later ones as the settings say."""
    configure(settings, OTP_PAST_STEPS=past, OTP_FUTURE_STEPS=future)
    counters = [each.counter for each in found(authenticator())]
    assert counters == list(range(STEP - past, STEP + future + 1))


@pytest.mark.requirement("R12")
def test_the_counters_ahead(settings):
    """The last used one, those of the look-ahead, and the one after a code that was far ahead."""
    configure(settings, OTP_LOOK_AHEAD=2)
    used, new = authenticator("hotp", consumed=5), authenticator("hotp")
    assert [each.counter for each in found(used)] == [5, 6, 7]
    assert [each.counter for each in found(new)] == [0, 1]
    far = pending(far=Far(used.pk.hex, 50))
    assert [each.counter for each in found(used, far)] == [5, 6, 7, 51]
    assert [each.counter for each in found(new, far)] == [0, 1]


def test_sent_codes():
    """Each pending one, with the digits that were typed and with its challenge."""
    state = pending(1, 2)
    codes = [hotp.code_at(RFC_SECRET, counter, digits=10) for counter in (1, 2)]
    for digits in (6, 10):
        each = found(authenticator("sent"), state, sent_digits=digits)
        assert [candidate.expected for candidate in each] == [code[-digits:] for code in codes]
        assert [candidate.challenge for candidate in each] == state.challenges


@pytest.mark.requirement("R6")
def test_an_unused_code_is_chosen_before_a_used_one():
    """Two authenticators may show the same code; the last used counter is used as well."""
    used, fresh = (Candidate(Authenticator(consumed=5), counter, "123456") for counter in (5, 6))
    other = Candidate(Authenticator(consumed=0), 9, "654321")
    assert choose("123456", [other, used, fresh]) is fresh
    assert choose("123456", [fresh, used]) is fresh
    assert choose("123456", [other, used]) is used
    assert choose("000000", [other, used, fresh]) is None


@pytest.mark.requirement("R12")
def test_codes_far_ahead_are_those_of_counters(settings):
    """The first one after the look-ahead is found, and no code of another type is."""
    configure(settings, OTP_LOOK_AHEAD=2)
    row = authenticator("hotp", consumed=5)
    for counter, is_far in [(7, False), (8, True), (207, True), (208, False)]:
        far = far_ahead(hotp.code_at(RFC_SECRET, counter), [authenticator(), row])
        assert far == (Far(row.pk.hex, counter) if is_far else None)
    assert far_ahead(hotp.code_at(RFC_SECRET, 8), [authenticator()]) is None


@pytest.fixture
def work(monkeypatch):
    """The numbers of digits of the codes that were compared, and the usernames that were read."""
    compared, read = [], []
    matches, pretend = hotp.matches, usernames.pretend

    def counted(code, expected):
        compared.extend(len(each) for each in expected)
        return matches(code, expected)

    def noted(user, name):
        read.append(name)
        pretend(user, name)

    monkeypatch.setattr(hotp, "matches", counted)
    monkeypatch.setattr(usernames, "pretend", noted)
    return compared, read


@pytest.mark.django_db
@pytest.mark.requirement("R33")
@pytest.mark.parametrize("types", [[], ["sent"], ["totp"], ["sent", "totp"], ["totp", "totp"]])
@pytest.mark.parametrize("sent", [0, 1, 2])
@pytest.mark.parametrize("code", ["00000000", "0000000000"])
def test_a_wrong_code_is_compared_with_as_many(work, types, sent, code):
    """Whatever authenticators there are: four sent codes, and the codes of an app."""
    compared, read = work
    rows, state = [authenticator(each) for each in types], pending(*range(sent))
    # The digits of an app's code are its own.
    assert choose(code, candidates(rows, state, sent_digits=len(code), now=NOW)) is None
    query = AuthenticatorQuery(username(), browser="", since=0)
    check_made_up(code, rows, state, query=query, username=username(), now=NOW)
    assert compared.count(len(code)) == 4
    assert compared.count(6) == 3 * max(1, types.count("totp"))
    missing = ("sent" not in types) + ("totp" not in types)
    assert read == [username()] * missing
