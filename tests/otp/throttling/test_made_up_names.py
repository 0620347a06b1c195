"""Names that were made up: nothing tells them from others, and nothing stays of them (R48)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from services.aging import age
from swap_user.models import WrongGuess
from swap_user.otp import limited, send_code
from swap_user.otp.throttling import wrong_guesses
from tests.otp.throttling.helpers import DAY, HOUR, MINUTE, from_, guess, known, log_in, wrong
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
)
from tests.work import RecordingDispatcher, observed

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("clock"),
]


@pytest.fixture
def client(shared_redis) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(shared_redis.url, decode_responses=True) as client:
        yield client


@pytest.fixture
def recording(settings):
    """Write down which jobs there are."""
    configure(settings, OTP_DISPATCHER=f"{RecordingDispatcher.__module__}.RecordingDispatcher")


def attempt(request: Any, code: str, name: str | None = None) -> tuple[list[str], list[str], Any]:
    """Return the statements, the commands to Redis and the jobs of a refused attempt."""
    with observed() as work:
        assert enter(request, code, name) is None
    assert limited(request) is None
    # The row of a name without an account has no user.
    return [query.partition("VALUES")[0] for query in work.queries], work.commands, work.jobs


@pytest.mark.requirement("R33")
def test_all_refused_short_codes_do_the_same(user, recording, settings):
    """
    Wrong, used, not accepted by the policy, inactive, no guess left, and no such account.

    One SELECT, one upsert, two trips and one job: what a visitor could measure is the same.
    """
    attempt(from_(0), wrong())
    found = {
        "wrong": attempt(from_(1), wrong()),
        "unknown": attempt(from_(2), wrong(), username(77)),
    }
    assert enter(from_(3), totp(NOW)) == user
    type(user).objects.update(is_active=False)
    found["inactive"] = attempt(from_(5), totp(NOW + 30))
    type(user).objects.update(is_active=True)
    use_policy(settings, "Both")
    without_session = from_(6)
    del without_session.session
    found["policy"] = attempt(without_session, totp(NOW + 30))
    use_policy(settings, "AnyCode")
    guess(20)
    found["spent"] = attempt(from_(7), wrong())
    found["spent, right"] = attempt(from_(8), totp(NOW + 30))
    select, upsert = found["wrong"][0]
    assert (select.split()[0], upsert.split()[0]) == ("SELECT", "INSERT")
    assert found["wrong"][1:] == (["EVALSHA", "EVALSHA"], ["after_wrong_guess"])
    for name, work in found.items():
        assert work == found["wrong"], name


@pytest.mark.requirement("R33")
def test_the_size_of_a_job_shows_no_account(user, monkeypatch):
    """What a queue stores is as long for every name, whatever a guess at its codes weighs."""
    give(make_user(2), "hotp")
    sizes = []
    monkeypatch.setattr(
        "swap_user.otp.verification.verifier.dispatch_despite_rollback",
        lambda pk, job, name, *args: sizes.append(len(json.dumps([pk, *args]))),
    )
    for number in (1, 2, 7):
        enter(from_(number), "000000", username(number))
    assert len(sizes) == 3
    assert len(set(sizes)) == 1


@pytest.mark.requirement("R33")
def test_long_codes_do_the_same(user, recording):
    """One SELECT, one trip and no job."""
    mine, other = from_(1), from_(2)
    send_code(mine, username())
    send_code(other, username(77))
    attempt(mine, "0" * 10)
    found = attempt(mine, "0" * 10), attempt(other, "0" * 10, username(77))
    assert found[0] == found[1]
    assert [query.split()[0] for query in found[0][0]] == ["SELECT"]
    assert found[0][1:] == (["EVALSHA"], [])


@pytest.mark.requirement("R33")
def test_a_browser_that_is_not_known_any_more(user, recording):
    """It has a cookie, so it has had an account: one trip and one SELECT more."""
    cookie = log_in(from_(0), code=totp(NOW))
    user.otp_known_browsers.all().delete()
    queries, commands, jobs = attempt(known(cookie), wrong())
    usual_queries, usual_commands, usual_jobs = attempt(from_(1), wrong())
    assert len(queries) - len(usual_queries) == len(commands) - len(usual_commands) == 1
    assert jobs == usual_jobs


@pytest.mark.requirement("R33")
def test_three_days_in_a_row(recording, clock):
    """Asked and tried, day after day: what was done before makes no difference."""
    give(make_user())
    days = []
    for _ in range(3):
        today = []
        for name in (username(), username(77)):
            for number in range(30):
                send_code(from_(number), name)
                attempt(from_(number), "000000", name)
            request = from_(50)
            with observed() as asking:
                send_code(request, name)
            today.append(
                [asking.queries, asking.commands, asking.jobs, attempt(request, "12345678", name)]
            )
        days.append(today)
        clock.shift(DAY)
    for known_name, unknown_name in days:
        assert known_name == unknown_name
    assert days[0] == days[1] == days[2]


@pytest.mark.requirement("R48")
def test_the_table_does_not_grow(monkeypatch):
    """Names without an account overwrite the same few rows, which count for no account."""
    monkeypatch.setattr(wrong_guesses, "_MADE_UP", 5)
    user = make_user()
    for number in range(100, 160):
        assert enter(from_(number), "000000", username(number)) is None
    assert WrongGuess.objects.count() == 5
    assert not WrongGuess.objects.exclude(user=None).exists()
    give(user)
    assert guess(20) == 16
    # The rows of an account are never overwritten.
    for number in range(100, 160):
        assert enter(from_(number), "000000", username(number)) is None
    assert WrongGuess.objects.filter(user=user).count() == 16


@pytest.mark.requirement("R48")
def test_many_names_at_the_same_time_do_not_wait_for_each_other():
    """There are a thousand rows, chosen at random."""
    for number in range(100, 140):
        enter(from_(number), "000000", username(number))
    assert WrongGuess.objects.count() > 20


@pytest.mark.requirement("R48")
def test_nothing_stays_in_redis(client):
    """Of names that were asked for and tried: a key for a minute, and those of addresses."""
    for number in range(100, 400):
        request = from_(number % 7)
        send_code(request, username(number))
        enter(request, "000000", username(number))
        enter(from_(number % 7), "0" * 10, username(number))
    names = client.keys("*")
    of_addresses = [name for name in names if "_per_address" in name]
    of_flows = [name for name in names if ":code_tries:" in name]
    in_flight = [name for name in names if name.endswith(":open")]
    assert len(of_addresses) == 2 * 7
    assert len(names) == len(of_addresses) + len(of_flows) + len(in_flight)
    assert all(0 < client.ttl(name) <= MINUTE for name in in_flight)
    assert all(0 < client.ttl(name) <= 10 * MINUTE for name in of_flows)
    age(client, MINUTE)
    assert not [name for name in client.keys("*") if name.endswith(":open")]
    age(client, HOUR)
    assert client.keys("*") == []


@pytest.mark.requirement("R48")
def test_strangers_at_a_real_name_leave_nothing_either(client, clock):
    """Two days later; the year is in the database."""
    give(make_user())
    for number in range(60):
        request = from_(number)
        send_code(request, username())
        enter(request, "000000", username())
    assert client.dbsize() > 60
    clock.shift(2 * DAY)
    assert [name for name in client.keys("*") if not name.endswith(":newcomers")] == []


@pytest.mark.requirement("R48")
def test_a_flood_of_names_refuses_nobody(user, client):
    """Nothing is full: an owner gets in, at another address."""
    for number in range(100, 400):
        enter(from_(number), "000000", username(number))
    home = from_(1)
    assert enter(home, ask(home)) == user


def test_what_counts_no_more_is_deleted(user, clock):
    """With the next guess at the account, after a year and a day."""
    guess(16)
    clock.shift(366 * DAY + 1)
    guess(1)
    assert WrongGuess.objects.filter(user=user).count() == 1
