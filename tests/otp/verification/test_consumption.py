"""Single use under a race, and through everything that Redis can forget."""

import multiprocessing
import threading
from contextlib import ExitStack

import pytest
import redis
import time_machine
from django.core.cache import caches
from django.db import OperationalError, connection, connections

from services.redis import RedisServer
from swap_user.models import Authenticator, RecoveryCode
from swap_user.otp import generate_recovery_codes
from swap_user.otp.authenticators import recovery_codes
from swap_user.otp.crypto import hotp
from swap_user.otp.crypto.keyring import encrypted_with
from swap_user.otp.durable import statements
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.store import scripts
from swap_user.otp.throttling import guesses
from swap_user.otp.verification import consumption, marks, verifier
from swap_user.otp.visitors.visitor import Visitor
from tests.otp.verification.codes import CODES, HOUR, Challenges
from tests.support import NOW, RFC_SECRET, ask, configure, enter, give, totp, visitor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def make_redis(settings):
    """Start a server of the test's own, which forgets or keeps across a restart."""
    with ExitStack() as stack:

        def make(*, persistent):
            server = stack.enter_context(RedisServer(persistent=persistent))
            settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": server.url}}
            return server

        yield make
        caches.close_all()


def race(contestants):
    """Run the functions at once, each in a thread; return what they returned."""
    barrier = threading.Barrier(len(contestants))
    results = []

    def run(contestant):
        barrier.wait()
        try:
            results.append(contestant())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[contestant]) for contestant in contestants]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == len(contestants)
    return results


@pytest.mark.requirement("R8")
def test_fifty_threads_with_one_sent_code(user):
    """Fifty tabs of one session offer the right code at once: one login."""
    request = visitor()
    code = ask(request)
    results = race([lambda: enter(request, code)] * 50)
    assert sorted(map(bool, results)) == [False] * 49 + [True]


@pytest.mark.requirement("R8")
@pytest.mark.parametrize(
    ("type", "make_code"),
    [("totp", lambda: totp(NOW)), ("hotp", lambda: hotp.code_at(RFC_SECRET, 3))],
)
def test_fifty_threads_with_one_authenticator_code(user, type, make_code):
    """The same with the code of an authenticator."""
    give(user, type)
    with time_machine.travel(NOW, tick=False):
        code = make_code()
        results = race([lambda: enter(None, code)] * 50)
    assert sorted(map(bool, results)) == [False] * 49 + [True]


def _offer(code, attempts, start, queue):
    """Offer ``code`` in a process of its own, as a second worker of the site would."""
    start.wait()
    accepted = sum(bool(enter(None, code)) for _ in range(attempts))
    connections.close_all()
    queue.put(accepted)


@pytest.mark.requirement("R8")
def test_four_processes_with_one_code(user):
    """Four processes offer one code ten times each: one login."""
    code = ask(None)
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    start, queue = fork.Event(), fork.Queue()
    processes = [
        fork.Process(target=_offer, args=(code, 10, start, queue), daemon=True) for _ in range(4)
    ]
    for process in processes:
        process.start()
    start.set()
    accepted = [queue.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(timeout=60)
    assert sum(accepted) == 1


@pytest.mark.requirement("R8")
def test_the_database_alone_lets_one_through(user, monkeypatch):
    """Should Redis say yes to everybody (restored, split in two), the UPDATE still says it once."""
    authenticator = give(user, "hotp")
    taken = {"counter": "7", "before": "", "codes": "", "left": 0}
    monkeypatch.setattr(marks, "_TAKE", lambda keys, **args: taken)
    results = race([lambda: consumption.consume("account", authenticator, 7)] * 20)
    assert sorted(results) == [False] * 19 + [True]


@pytest.mark.requirement("R8")
def test_redis_alone_lets_one_through(user, monkeypatch):
    """Should the database say yes to everybody, the script still says it once."""
    authenticator = give(user, "hotp")
    monkeypatch.setattr(statements, "run", lambda *args, **options: True)
    results = race([lambda: consumption.consume("account", authenticator, 7)] * 20)
    assert sorted(results) == [False] * 19 + [True]


LOSSES = {
    "FLUSHALL": lambda server: server.flush(),
    "restart": lambda server: server.restart(),
    "kill -9": lambda server: (server.kill(), server.start()),
}


@pytest.mark.requirement("R10")
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", ["sent", "totp", "hotp"])
@pytest.mark.parametrize("persistent", [True, False], ids=["kept", "forgotten"])
def test_no_loss_of_redis_lets_a_used_code_in_again(user, make_redis, loss, kind, persistent):
    """Used once; then Redis forgets, restarts or dies; the same code stays used."""
    server = make_redis(persistent=persistent)
    request = visitor()
    with time_machine.travel(NOW, tick=False):
        if kind == "sent":
            code = ask(request)
        else:
            give(user, kind)
            code = totp(NOW) if kind == "totp" else hotp.code_at(RFC_SECRET, 0)
        assert enter(request, code) == user
        LOSSES[loss](server)
        assert enter(request, code) is None
        assert enter(request, ask(request)) == user


@pytest.mark.requirement("R10")
def test_a_challenge_that_comes_back_from_a_backup_is_used_up(user, shared_redis):
    """Redis is restored to the moment before the login: the code in it does not count again."""
    request = visitor()
    code = ask(request)
    with scripts._reached() as client:
        backup = {key: client.dump(key) for key in client.keys("*")}
        assert enter(request, code) == user
        client.flushall()
        for key, value in backup.items():
            client.restore(key, 0, value)
    assert enter(request, code) is None


@pytest.mark.requirement("R10")
@pytest.mark.parametrize("outage", ["kill", "stop"])
def test_without_redis_nobody_gets_in(user, make_redis, outage, caplog):
    """Refused with an exception of its own, the reason in the log; in again once Redis is back."""
    server = make_redis(persistent=True)
    give(user)
    request = visitor()
    code = ask(request)
    getattr(server, outage)()
    for otp in (code, totp(NOW)):
        with time_machine.travel(NOW, tick=False), pytest.raises(LoginUnavailable):
            enter(request, otp)
    with pytest.raises(LoginUnavailable):
        ask(request)
    with pytest.raises(LoginUnavailable):
        ask(request, "nobody@example.com")
    assert "login unavailable: server=redis location=unix://" in caplog.text
    assert code not in caplog.text
    server.restart()
    assert enter(request, ask(request)) == user


@pytest.mark.requirement("R8")
def test_a_challenge_that_goes_while_its_code_is_compared(user, shared_redis, monkeypatch):
    """Another request has used it up, or Redis was emptied: the code is refused."""
    request = visitor()
    code = ask(request)
    original = verifier.ask_policy

    def ask_policy(*args, **options):
        shared_redis.flush()
        return original(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(verifier, "ask_policy", ask_policy)
        assert enter(request, code) is None
    assert Authenticator.objects.get(user=user).consumed == -1
    assert enter(request, ask(request)) == user


@pytest.mark.requirement("R6")
def test_the_challenge_of_an_accepted_code_is_used_up(user, shared_redis):
    """It says so itself: the mark is lost here, and the database restored."""
    request = visitor()
    code = ask(request)
    assert enter(request, code) == user
    Authenticator.objects.update(consumed=-1)
    with redis.Redis.from_url(shared_redis.url) as client:
        assert client.delete(*client.keys("*consumed*")) == 1
    assert enter(request, code) is None


@pytest.mark.requirement("R6", "R10")
@pytest.mark.parametrize(("kind", "seconds"), [("sent", 280), ("totp", 59), ("hotp", 3500)])
def test_the_mark_outlives_the_code(user, clock, shared_redis, kind, seconds):
    """The database is restored from a backup: Redis alone refuses the code as long as it lives."""
    request = visitor()
    code = CODES[kind](user, request)
    challenges = Challenges(shared_redis)
    assert enter(request, code) == user
    Authenticator.objects.update(consumed=-1)
    clock.shift(seconds)
    challenges.restore()
    assert enter(request, code) is None
    with redis.Redis.from_url(shared_redis.url) as client:
        client.delete(*client.keys("*consumed*"))
    assert enter(request, code) == user  # or else the test would show nothing


def test_scripts_survive_a_flushed_script_cache(user):
    """SCRIPT FLUSH costs one more round trip, no login."""
    request = visitor()
    code = ask(request)
    with scripts._reached() as client:
        client.script_flush()
    assert enter(request, code) == user


def test_the_mark_is_durable(user):
    """After a login the database knows the counter, and when it was."""
    authenticator = give(user, "hotp")
    assert enter(None, hotp.code_at(RFC_SECRET, 5)) == user
    authenticator.refresh_from_db()
    assert authenticator.consumed == 5
    assert authenticator.last_used_at is not None
    assert Authenticator.objects.filter(consumed=5).count() == 1


YEAR = 365 * 24 * HOUR


def lifetime(mark):
    """Return for how long Redis keeps a mark: "an hour", "a year" or None."""
    with scripts._reached() as client:
        left = client.pttl(mark.key)
    names = {"an hour": HOUR, "a year": YEAR}
    return next((name for name, most in names.items() if most - 60_000 < left <= most), None)


@pytest.mark.requirement("R10")
def test_how_long_a_mark_is_kept():
    """A year while the database may not have it, and an hour otherwise."""
    mark = marks.take("account", "owner", 5)
    assert lifetime(mark) == "an hour"
    mark.keep()
    assert lifetime(mark) == "a year"
    mark.settle()
    assert lifetime(mark) == "an hour"
    assert marks.take("account", "owner", 5) is None


def test_the_log_says_if_a_use_could_not_be_saved(caplog):
    """And that Redis keeps it; administrators look for this text."""
    mark = marks.take("account", "owner", 5)
    later = statements._Later(type(connection), {}, "default", lambda *args: True, mark, 0)
    later._report("disk full")
    assert "use of a code not saved: kept_in=redis reason=disk full" in caplog.text


@pytest.mark.requirement("R18")
def test_a_right_code_is_no_guess(user, settings):
    """What the attempt was charged is refunded, also if the code was used before."""
    configure(settings, OTP_LIMITS={"guesses_per_address": "1/1h"})
    authenticator, at = give(user, "hotp"), Visitor(address="203.0.113.7")
    for is_unused in (True, False):
        attempt, _ = guesses.begin("account", "123456", at, now=NOW, is_known=False)
        assert attempt.position == 1
        assert consumption.consume("account", authenticator, 0, attempt=attempt) is is_unused
    attempt, _ = guesses.begin("account", "123456", at, now=NOW, is_known=False)
    assert attempt.position == 1


class Conflict(OperationalError):
    """What PostgreSQL raises if a transaction can't be serialized."""

    sqlstate = "40001"


@pytest.fixture
def failing(monkeypatch):
    """Let the UPDATE fail with an error; the returned list gets the mark."""
    seen = []

    def fail_with(error):
        def run(alias, update, mark, **options):
            seen.append(mark)
            raise error

        monkeypatch.setattr(statements, "run", run)
        return seen

    return fail_with


@pytest.mark.requirement("R43")
@pytest.mark.parametrize(
    ("error", "kept"), [(OperationalError("away"), "a year"), (Conflict(), None)]
)
def test_an_update_that_fails(user, failing, error, kept):
    """The mark is kept, unless the caller can run the transaction again."""
    authenticator = give(user, "hotp")
    seen = failing(error)
    with pytest.raises(OperationalError):
        consumption.consume("account", authenticator, 0)
    assert lifetime(seen[0]) == kept


@pytest.mark.requirement("R43")
def test_redis_goes_away_as_well(user, failing, monkeypatch):
    """The error of the database is raised."""
    authenticator, error = give(user, "hotp"), OperationalError("away")
    failing(error)

    def away(*args, **options):
        raise LoginUnavailable

    monkeypatch.setattr(marks, "_KEEP", away)
    with pytest.raises(OperationalError) as raised:
        consumption.consume("account", authenticator, 0)
    assert raised.value is error


def test_a_row_is_updated_where_it_was_read(user, monkeypatch):
    """In the database of the row, if a router has chosen another one for it."""
    seen = {}

    def run(alias, update, mark, *, updated):
        seen[alias] = updated
        return True

    monkeypatch.setattr(statements, "run", run)
    authenticator = give(user, "hotp")
    authenticator._state.db = "another"
    assert consumption.consume("account", authenticator, 0)
    assert seen == {"another": authenticator}


@pytest.mark.requirement("R29")
@pytest.mark.parametrize("is_rotated", [False, True])
def test_the_secret_of_a_used_code(user, settings, is_rotated):
    """It is encrypted again if, and only if, there is a newer key."""
    authenticator = give(user, "hotp")
    before = authenticator.secret
    if is_rotated:
        configure(settings, OTP_ENCRYPTION_KEYS=["A" * 43 + "="])
    assert enter(None, hotp.code_at(RFC_SECRET, 0)) == user
    authenticator.refresh_from_db()
    assert (authenticator.secret != before) is is_rotated
    assert (encrypted_with(authenticator.secret) != encrypted_with(before)) is is_rotated
    assert enter(None, hotp.code_at(RFC_SECRET, 1)) == user


def test_a_recovery_code_that_an_earlier_release_has_used(user):
    """Its mark in Redis is enough to refuse the code."""
    code = recovery_codes.normalize(generate_recovery_codes(user)[0])
    rows = list(RecoveryCode.objects.all())
    match = recovery_codes.choose(code, rows)
    assert marks.take("account", recovery_codes.mark_name(match), 1) is not None
    assert not consumption.consume_recovery_code("account", match, rows)
