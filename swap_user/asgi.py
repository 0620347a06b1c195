"""Deliver accepted messages when an ASGI server ends: ``application = drained(application)``."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from swap_user.otp.background import lifecycle, termination

logger = logging.getLogger("swap_user.asgi")

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Application = Callable[[Event, Receive, Send], Awaitable[None]]


def drained(application: Application, *, seconds: float = lifecycle.EXIT_LIMIT) -> Application:
    """
    Return an ASGI application that delivers accepted messages before the server ends.

    Some servers, such as uvicorn, end by a signal, and then Python calls no exit handlers. But they
    send ``lifespan.shutdown`` before that (ASGI specification, lifespan protocol). Events of this
    protocol are passed on. If ``application`` does not support it, as Django's does not, they are
    answered here. Signals that the server does not handle raise SystemExit, as in
    ``swap_user.wsgi.drained()``.

    Args:
        application: the ASGI application of the project, for example of ``get_asgi_application()``.
        seconds: how long to wait for messages. Those that are not sent by then are logged and
            signalled.
    """
    lifecycle.EXIT_LIMIT = seconds
    termination.exit_on_signals()

    async def wrapped(scope: Event, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _Lifespan(application, receive, send).run(scope)
        else:
            await application(scope, receive, send)

    return wrapped


class _Lifespan:
    """Passes the events of one lifespan on, and notes them."""

    def __init__(self, application: Application, receive: Receive, send: Send) -> None:
        self._application, self._receive, self._send = application, receive, send
        self._seen: set[str] = set()  # the types of all events

    async def run(self, scope: Event) -> None:
        """Run the application, and answer the events that it does not answer."""
        failure: Exception | None = None
        try:
            await self._application(scope, self.receive, self.send)
        except Exception as error:  # noqa: BLE001 - raised below, unless it means "unsupported"
            failure = error
        if "lifespan.startup.failed" not in self._seen:
            if "lifespan.startup.complete" not in self._seen:
                # The specification calls this an application that does not support the protocol.
                logger.info("The application has no lifespan: %s", failure)
                failure = None
            await self._answer("lifespan.startup")
            await self._answer("lifespan.shutdown")
        if failure is not None:
            raise failure

    async def _answer(self, event: str) -> None:
        if event not in self._seen:
            await self.receive()
        if not self._seen & {f"{event}.complete", f"{event}.failed"}:
            await self.send({"type": f"{event}.complete"})

    async def receive(self) -> Event:
        """Return the next event. Deliver the messages before the application closes anything."""
        event = await self._receive()
        self._seen.add(event["type"])
        if event["type"] == "lifespan.startup":
            lifecycle.current().open()
        elif event["type"] == "lifespan.shutdown":
            await asyncio.to_thread(lifecycle.end)
        return event

    async def send(self, event: Event) -> None:
        """Send an event to the server."""
        self._seen.add(event["type"])
        await self._send(event)
