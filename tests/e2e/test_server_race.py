"""One code counts once: in many server processes at once, and whatever becomes of Redis meanwhile.

The servers are `manage.py runserver --noreload`: threads in real processes around the project's
WSGI application, as in gunicorn with its gthread workers, and nothing more to install.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier

import pytest
import redis

from services.redis import RedisServer
from tests.e2e.browser import Browser
from tests.e2e.project import Server
from tests.e2e.steps import CACHES, PHONE_OTP, Site, ask, follow

SERVERS = 4
CLIENTS = 50
INDEX = "/admin/"
REFUSED = "That code did not work"
# Those who come after the code was used have made wrong guesses. If these spend the account, the
# next code has ten digits, of which each session has five tries.
LIMITED = "Too many wrong codes"
UNAVAILABLE = "This is not possible right now"

# Many processes share the file: readers and the writer don't wait for one another.
DATABASE = "'NAME': BASE_DIR / 'db.sqlite3',"
SHARED = """
        'OPTIONS': {
            'timeout': 20,
            'transaction_mode': 'IMMEDIATE',
            'init_command': 'PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;',
        },"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A project with one account; its Redis keeps nothing on disk."""
    caches = CACHES[
        "django-redis" if os.environ.get("REDIS_BACKEND") == "django_redis" else "RedisCache"
    ]
    with follow(PHONE_OTP, tmp_path_factory.mktemp("race"), caches) as site:
        site.project.replace(DATABASE, f"{DATABASE}{SHARED}")
        site.project.sh("python manage.py createsuperuser --noinput", **PHONE_OTP.superuser)
        yield site


@pytest.fixture(scope="module")
def server(site: Site) -> Iterator[Server]:
    """One server process."""
    with Server(site.project) as server:
        yield server


@pytest.fixture
def servers(site: Site, server: Server) -> Iterator[list[Server]]:
    """Four server processes, which share the database and Redis."""
    with ExitStack() as stack:
        more = [Server(site.project, f"server-{number}") for number in range(1, SERVERS)]
        for other in more:
            stack.callback(other.stop)
            other.start()  # all at once
        yield [server, *(other.wait() for other in more)]


def ask_for_code(site: Site, server: Server) -> tuple[Browser, str]:
    """Return a browser that has been sent a code, and the code."""
    browser = Browser(server.url)
    sent = len(site.inbox.wait_for(0))
    ask(browser, INDEX, PHONE_OTP.typed)
    return browser, site.inbox.wait_for(sent + 1)[-1][1]


def is_in(browser: Browser) -> bool:
    """Say whether the admin opens for this browser."""
    return browser.copy().get(INDEX).status == 200


# --- At once --------------------------------------------------------------------------------------


def rush(browsers: Sequence[Browser], code: str) -> tuple[list[Browser], list[Browser]]:
    """Let all browsers send the code at the same moment; return who got in, and who didn't."""
    together = Barrier(len(browsers))

    def enter(browser: Browser) -> Browser:
        together.wait(timeout=60)
        return browser.submit(otp=code)

    with ThreadPoolExecutor(len(browsers)) as pool:
        answered = list(pool.map(enter, browsers))
    let_in = [browser for browser in answered if browser.location == INDEX]
    return let_in, [browser for browser in answered if browser not in let_in]


@pytest.mark.requirement("R8")
def test_one_code_at_four_servers(site, servers):
    """Each client has the flow in a session of its own: only single use is between them."""
    asked, code = ask_for_code(site, servers[0])
    before = site.project.logged_in_sessions()
    browsers = [
        site.project.copy_session(asked, at=servers[number % SERVERS].url)
        for number in range(CLIENTS)
    ]
    let_in, refused = rush(browsers, code)
    assert len(let_in) == 1
    assert [browser.status for browser in refused] == [200] * (CLIENTS - 1)
    assert all(REFUSED in browser.page or LIMITED in browser.page for browser in refused)
    assert site.project.logged_in_sessions() == before + 1
    assert is_in(let_in[0])
    assert not any(is_in(browser) for browser in refused[:SERVERS])


@pytest.mark.requirement("R8")
def test_one_code_and_one_cookie_at_four_servers(site, servers):
    """All clients have the same session cookie, as after fifty clicks."""
    asked, code = ask_for_code(site, servers[0])
    before = site.project.logged_in_sessions()
    browsers = [asked.copy(servers[number % SERVERS].url) for number in range(CLIENTS)]
    let_in, refused = rush(browsers, code)
    assert len(let_in) == 1
    for browser in refused:
        # The login took the shared session with it: who comes after that begins anew.
        if browser.status == 302:
            assert browser.location.startswith("/admin/login/")
        else:
            assert browser.status == 200, browser.said
            assert REFUSED in browser.page or LIMITED in browser.page, browser.said
    assert site.project.logged_in_sessions() == before + 1
    assert is_in(let_in[0])
    assert not any(is_in(browser) for browser in refused[:SERVERS])


# --- When Redis is lost in between ----------------------------------------------------------------


def flushall(server: RedisServer) -> None:
    """Everything is forgotten."""
    server.flush()


def restart(server: RedisServer) -> None:
    """Ended in good order, and started empty."""
    server.restart()


def kill(server: RedisServer) -> None:
    """`kill -9`, and started empty."""
    server.kill()
    server.restart()


def fail_over(server: RedisServer) -> None:
    """As `kill`; what a replica without the last write would still have is put back by the test."""
    kill(server)


@pytest.mark.requirement("R10")
@pytest.mark.parametrize("happens", [flushall, restart, kill, fail_over])
def test_redis_is_lost_between_two_uses(happens: Callable[[RedisServer], None], site, server):
    """No second login by the same code, in no session; and the next code works."""
    first, code = ask_for_code(site, server)
    second = site.project.copy_session(first)
    with redis.Redis.from_url(site.redis.url) as client:
        before = {key: client.dump(key) for key in client.scan_iter()}
    first.submit(otp=code)
    assert first.location == INDEX, first.said

    happens(site.redis)
    if happens is fail_over:
        with redis.Redis.from_url(site.redis.url) as client:
            for key, value in before.items():
                client.restore(key, 60_000, value)

    second.submit(otp=code)
    assert second.status == 200, second.said
    assert REFUSED in second.page, second.said
    assert not is_in(second)

    third, fresh = ask_for_code(site, server)
    third.submit(otp=code)
    assert third.status == 200, third.said
    assert REFUSED in third.page, third.said
    third.submit(otp=fresh)
    assert third.location == INDEX, third.said
    assert is_in(third)


@pytest.mark.requirement("R10")
def test_redis_is_down(site, server):
    """Both pages say so, no login is possible, and when it is back the server goes on."""
    waiting, code = ask_for_code(site, server)
    newcomer = Browser(server.url)
    site.redis.kill()
    try:
        newcomer.get(INDEX).follow()
        for browser, fields in [
            (newcomer, {"username": PHONE_OTP.typed}),
            (waiting, {"otp": code}),
        ]:
            browser.submit(**fields)
            assert browser.status == 503, browser.said
            assert UNAVAILABLE in browser.page, browser.said
            assert not is_in(browser)
        assert "login unavailable: server=redis" in server.said
    finally:
        site.redis.restart()

    # From the page that said so.
    sent = len(site.inbox.wait_for(0))
    newcomer.submit(username=PHONE_OTP.typed)
    newcomer.follow()
    newcomer.submit(otp=site.inbox.wait_for(sent + 1)[-1][1])
    assert newcomer.location == INDEX, newcomer.said
    assert is_in(newcomer)
    # Redis has forgotten the other one's code.
    assert waiting.submit(otp=code).status == 200
    assert not is_in(waiting)
