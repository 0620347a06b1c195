"""What ``limited()`` tells a visitor: only limits of the visitor's own, the same for any name."""

import re

import pytest

from swap_user.otp import limited, send_code
from swap_user.otp.pages.login.text import limit_in_words
from tests.otp.throttling.helpers import from_, guess
from tests.support import configure, enter, make_user, username, visitor

pytestmark = [
    pytest.mark.requirement("R49"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("clock"),
]

LONG = "0" * 10
NOBODY = 77


@pytest.fixture
def names(user):
    """Accounts of every kind, and one that nobody has; what others have done is different."""
    for number in (2, 3, 4):
        make_user(number, is_active=number != 4)
    guess(40)  # strangers have used up all of the first
    enter(from_(1), "12345678", username(2))
    return [username(number) for number in (1, 2, 3, 4, NOBODY)]


def told(request):
    """Return what is said, without the seconds that have passed on a real server."""
    limit = limited(request)
    return limit and (limit.scope, limit.longer, limit_in_words(limit))


def test_short_codes_are_never_said_to_be_limited(names):
    """Neither at a spent account nor at any other."""
    for number, name in enumerate(names):
        for code in ("12345678", "123456"):
            request = from_(number)
            assert enter(request, code, name) is None
            assert told(request) is None


def test_an_address_is_told_of_its_own(names, settings):
    """After as many guesses, in the same words, whatever name was tried."""
    configure(settings, OTP_LIMITS={"guesses_per_address": "3/1h"})
    answers = []
    for number, name in enumerate(names):
        found = []
        for _ in range(5):
            request = visitor(REMOTE_ADDR=f"198.51.100.{number}")
            enter(request, "12345678", name)
            found.append(told(request))
        answers.append(found)
    assert [limit is not None for limit in answers[0]] == [False] * 3 + [True] * 2
    assert all(found == answers[0] for found in answers)


def test_a_flow_is_told_of_its_own(names):
    """After as many tries at long codes, in the same words, whether or not there was a message."""
    answers = []
    for number, name in enumerate(names):
        request = from_(number)
        send_code(request, name)
        found = []
        for _ in range(7):
            enter(request, LONG, name)
            found.append(told(request))
        send_code(request, name)
        enter(request, LONG, name)
        answers.append([*found, told(request)])
    assert [limit is not None for limit in answers[0]] == [False] * 5 + [True] * 2 + [False]
    assert all(found == answers[0] for found in answers)


def test_no_words_have_a_number(names, settings):
    """No date, no count, and no time of others."""
    configure(settings, OTP_LIMITS={"guesses_per_address": "0/1h"})
    short, long = from_(1), from_(2)
    enter(short, "12345678")
    send_code(long, username())
    for _ in range(6):
        enter(long, LONG)
    words = [told(request)[2] for request in (short, long)]
    assert len(set(words)) == 2
    assert not any(re.search(r"\d", each) for each in words)


def test_another_flow_is_not_told(names):
    """A limit of somebody else's flow or address is none of this visitor's."""
    request = from_(1)
    send_code(request, username(2))
    for _ in range(7):
        enter(request, LONG, username(2))
    assert told(request)
    other = from_(2)
    send_code(other, username(2))
    enter(other, LONG, username(2))
    assert told(other) is None
