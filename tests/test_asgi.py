"""`swap_user.asgi.drained`: the lifespan protocol, with an application that supports it or not."""

import asyncio

import pytest
from django.core.asgi import get_asgi_application

from swap_user.asgi import drained
from swap_user.otp.background import lifecycle, thread_pool
from tests.otp.background.helpers import PLENTY

pytestmark = pytest.mark.filterwarnings("ignore:.*StreamingHttpResponse")


class Server:
    """Calls an application as servers do, and notes what it answers."""

    def __init__(self, application, *events):
        self.answers, self.scope = [], {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._application, self._events = application, [*events]

    async def _receive(self):
        return {"type": self._events.pop(0)}

    async def _send(self, event):
        self.answers.append(event["type"])

    def run(self):
        """Run the lifespan, and return the types of the answers."""
        asyncio.run(
            asyncio.wait_for(self._application(self.scope, self._receive, self._send), PLENTY)
        )
        return self.answers


BOTH = ("lifespan.startup", "lifespan.shutdown")
COMPLETE = ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@pytest.fixture
def order(monkeypatch):
    """What happened, in order; the pool of this process is not closed."""
    seen = []
    monkeypatch.setattr(lifecycle, "end", lambda: seen.append("drained"))
    monkeypatch.setattr(lifecycle, "EXIT_LIMIT", lifecycle.EXIT_LIMIT)
    return seen


def supporting(order):
    """Return an application that supports the protocol."""

    async def application(scope, receive, send):
        while True:
            event = await receive()
            order.append(event["type"])
            await send({"type": f"{event['type']}.complete"})
            if event["type"] == "lifespan.shutdown":
                return

    return application


def test_django_has_no_lifespan(order):
    """Its application raises; the server gets its answers all the same."""
    assert Server(drained(get_asgi_application()), *BOTH).run() == COMPLETE
    assert order == ["drained"]


def test_one_that_supports_it(order):
    """Messages go out before the application closes what a sender may need."""
    assert Server(drained(supporting(order)), *BOTH).run() == COMPLETE
    assert order == ["lifespan.startup", "drained", "lifespan.shutdown"]


def test_the_state_is_the_applications(order):
    """The scope is passed on as it is."""
    scopes = []

    async def application(scope, receive, send):
        scopes.append(scope)
        await supporting(order)(scope, receive, send)

    server = Server(drained(application), *BOTH)
    server.run()
    assert scopes[0] is server.scope


def returning(scope, receive, send):
    return asyncio.sleep(0)


async def reading(scope, receive, send):
    await receive()
    raise NotImplementedError


@pytest.mark.parametrize("application", [returning, reading])
def test_other_ways_to_support_nothing(order, application):
    """An application that returns, and one that raises after it has read the event."""
    assert Server(drained(application), *BOTH).run() == COMPLETE
    assert order == ["drained"]


def test_an_application_that_cannot_start(order):
    """Its failure is the server's to see."""

    async def application(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        raise OSError("no database")

    server = Server(drained(application), *BOTH)
    with pytest.raises(OSError, match="no database"):
        server.run()
    assert server.answers == ["lifespan.startup.failed"]
    assert order == []


@pytest.mark.parametrize("fails", [True, False])
def test_an_application_whose_lifespan_ends_early(order, fails):
    """The messages are delivered all the same; what it raised is raised at the end."""

    async def application(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        if fails:
            raise ZeroDivisionError

    server = Server(drained(application), *BOTH)
    if fails:
        with pytest.raises(ZeroDivisionError):
            server.run()
    else:
        server.run()
    assert server.answers == COMPLETE
    assert order == ["drained"]


def test_an_application_that_cannot_end(order):
    """Its answer stands."""

    async def application(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "busy"})

    expected = ["lifespan.startup.complete", "lifespan.shutdown.failed"]
    assert Server(drained(application), *BOTH).run() == expected
    assert order == ["drained"]


def test_requests_are_passed_on(order):
    """With the same arguments."""
    calls = []

    async def application(*arguments):
        calls.append(arguments)

    scope = {"type": "http"}
    asyncio.run(drained(application)(scope, None, len))
    assert calls == [(scope, None, len)]


def test_a_process_may_start_again(order, monkeypatch):
    """A test client runs the lifespan more than once; each start accepts messages again."""
    pool = thread_pool.ThreadPool(delays=(0.0, 0.0), idle=0.05)
    monkeypatch.setattr(lifecycle, "_pool", pool)
    pool.close(PLENTY)
    assert pool.submit(list) == "the process ends"
    Server(drained(supporting(order)), *BOTH).run()
    assert pool.submit(list) == ""
    assert pool.drain(PLENTY)


def test_the_limit(order):
    """The project chooses how long to wait."""
    drained(returning, seconds=25)
    assert lifecycle.EXIT_LIMIT == 25
