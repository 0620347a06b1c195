"""Start the demo: take a port, start a Redis server, create a database with one user, serve.

The environment variable REDIS_URL names a Redis server to use, and PORT a port.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from wsgiref.simple_server import WSGIServer

import django
import redis
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from demo import ACCOUNT
from services.redis import NoRedisServer, RedisServer

HOST = "127.0.0.1"
PORTS = range(8000, 8100)


class CannotStart(Exception):
    """Raised when something that the demo needs is missing. The message is one line."""


def run() -> None:
    """Serve the demo until interrupted.

    Raises:
        CannotStart: there is no free port or no Redis server.
    """
    with _listen() as server, _redis() as url:
        os.environ["REDIS_URL"] = url
        django.setup()
        _prepare_database()
        server.set_app(StaticFilesHandler(get_wsgi_application()))
        _greet(server.server_port)
        server.serve_forever()


def _listen() -> WSGIServer:
    """Listen on the port in PORT, or on the first free one from 8000 on."""
    wanted = os.environ.get("PORT")
    if wanted and not (wanted.isdecimal() and 0 < int(wanted) < 2**16):
        raise CannotStart(f"PORT={wanted} is not a port: choose one from 1 to 65535.")
    for port in [int(wanted)] if wanted else PORTS:
        with contextlib.suppress(OSError):
            return ThreadedWSGIServer((HOST, port), WSGIRequestHandler)
    ports = wanted or f"{PORTS[0]} to {PORTS[-1]}"
    raise CannotStart(f"Port {ports} is in use: set PORT=… to use another one.")


@contextlib.contextmanager
def _redis() -> Iterator[str]:
    """Yield the URL of the Redis server in REDIS_URL, or of one that is started here."""
    if url := os.environ.get("REDIS_URL"):
        try:
            redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5).ping()
        except (redis.RedisError, ValueError) as error:
            raise CannotStart(f"REDIS_URL={url} can't be used: {error}") from error
        yield url
        return
    try:
        server = RedisServer().start()
    except NoRedisServer as error:
        raise CannotStart(str(error)) from error
    with server:
        yield server.url


def _prepare_database() -> None:
    """Migrate, and create the first member of the staff."""
    call_command("migrate", verbosity=0)
    users = get_user_model()._default_manager
    if not users.filter(email=ACCOUNT).exists():
        users.create_superuser(email=ACCOUNT)


def _greet(port: int) -> None:
    moved = "" if port == PORTS[0] or os.environ.get("PORT") else f"   ({PORTS[0]} is in use)"
    print(
        f"""
  django-swap-user demo

  Open     http://{HOST}:{port}/{moved}
  Sign up  as a customer of the shop, with any address: no mail is sent
  Staff    log in as {ACCOUNT}
  Codes    are printed here, and shown on the page "Mails" of the shop

  Press Ctrl-C to stop the demo.
""",
        flush=True,
    )
