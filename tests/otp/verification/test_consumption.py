"""Single use under a race, and through everything that Redis can forget."""

import multiprocessing
import threading
from contextlib import ExitStack

import pytest
import redis
import time_machine
from django.core.cache import caches
from django.db import connections

from services.redis import RedisServer
from swap_user.models import Authenticator
from swap_user.otp.crypto import hotp
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.verification import verifier
from tests.otp.verification.codes import CODES, Challenges
from tests.support import NOW, RFC_SECRET, ask, enter, give, totp, visitor

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
    from swap_user.otp.verification import consumption, marks

    authenticator = give(user, "hotp")
    taken = {"counter": "7", "before": "", "codes": "", "left": 0}
    monkeypatch.setattr(marks, "_TAKE", lambda keys, **args: taken)
    results = race([lambda: consumption.consume("account", authenticator, 7)] * 20)
    assert sorted(results) == [False] * 19 + [True]


@pytest.mark.requirement("R8")
def test_redis_alone_lets_one_through(user, monkeypatch):
    """Should the database say yes to everybody, the script still says it once."""
    from swap_user.otp.durable import statements
    from swap_user.otp.verification import consumption

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
    from swap_user.otp.store import scripts

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
    assert "server=redis error=" in caplog.text
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
    from swap_user.otp.store import scripts

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
