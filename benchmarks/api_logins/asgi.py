"""
The ASGI application, and a clock beside it that measures the lag of the event loop.

The clock sleeps for 5 ms, again and again. The lag is by how much it wakes too late: for so long,
no other request could have been accepted.
"""

import asyncio
import json
from typing import Any

from django.core.asgi import get_asgi_application

from swap_user.asgi import drained

STEP = 0.005  # seconds

_lags: list[float] = []
_clocks: list[asyncio.Task[None]] = []


async def _measure() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + STEP
        await asyncio.sleep(STEP)
        _lags.append(loop.time() - due)


async def _answer_lags(send: Any) -> None:
    body = json.dumps(_lags).encode()
    _lags.clear()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


_django = get_asgi_application()


async def _measured(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Begin to measure, and answer ``/lag`` with the lags since the last such request."""
    if not _clocks:
        _clocks.append(asyncio.create_task(_measure()))
    if scope["path"] == "/lag":
        await _answer_lags(send)
    else:
        await _django(scope, receive, send)


application = drained(_measured)
