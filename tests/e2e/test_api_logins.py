"""Under uvicorn, 200 apps ask for a code at once, and no request waits for the mail server."""

from __future__ import annotations

import asyncio
import sys
from threading import Event
from typing import Any

import pytest

from benchmarks.api_logins import clients
from benchmarks.api_logins.__main__ import SETTINGS, UVICORN
from benchmarks.servers.trial import Site
from services.redis import RedisServer
from services.smtp import SMTPServer

pytest.importorskip("uvicorn")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such signals")

APPS = 200

# Those that have got their code first log in, while the other messages are sent.
FIRST = 50


class HoldingServer(SMTPServer):
    """Accepts no message before it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.released = Event()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        await asyncio.to_thread(self.released.wait, 60)
        return await super().handle_DATA(server, session, envelope)


@pytest.mark.requirement("R34")
def test_no_request_waits_for_the_mail_server(tmp_path):
    """All are answered while the server holds each message; then apps log in at once."""
    with RedisServer() as redis, HoldingServer() as smtp:
        site = Site(tmp_path, redis, smtp, messages=APPS, seconds=1)
        with site.running(UVICORN, **SETTINGS) as (_, port):
            apps = clients.apps_of(port, sorted(set(site.names.values())))
            clients.at_once(apps, clients.App.ask)
            assert smtp.messages == []
            assert len({app.flow for app in apps}) == APPS
            smtp.released.set()
            codes = clients.codes_in(smtp.wait_for(FIRST, seconds=60))
            first = [app for app in apps if app.name in codes]
            clients.at_once(first, lambda app: app.enter(codes[app.name]))
            first[0].look()
            assert len({app.token for app in first}) == len(first) >= FIRST
    assert "unavailable" not in site.log.read_text()
