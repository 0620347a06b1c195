"""Real servers that end by a signal: each message is sent, or logged and signalled (issue 8)."""

import signal
import sys
from importlib.util import find_spec

import pytest

from benchmarks.servers.trial import Site
from services.redis import RedisServer
from services.smtp import SMTPServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such signals")

MESSAGES = 20
PLENTY, SCARCE = 30, 3  # seconds for the messages; SCARCE is not enough for all of them

SERVERS = [
    "uvicorn",
    "uvicorn --workers 2",
    "gunicorn, sync",
    "gunicorn, gthread, --preload",
    "waitress",
    "runserver --noreload",
]


def make_site(folder, redis, smtp, seconds):
    return Site(folder, redis, smtp, messages=MESSAGES, seconds=seconds)


@pytest.fixture(scope="module")
def redis():
    """One server for all sites."""
    with RedisServer() as redis:
        yield redis


def is_installed(server):
    """Return whether there is a server with this name; runserver is Django's."""
    name = server.split(",")[0].split()[0]
    return name == "runserver" or find_spec(name) is not None


@pytest.mark.requirement("R34")
@pytest.mark.parametrize("server", SERVERS)
def test_all_are_sent(redis, tmp_path, server):
    """If there is time enough, by SIGTERM."""
    if not is_installed(server):
        pytest.skip("this server is not installed")
    with SMTPServer(seconds=0.05) as smtp:
        result = make_site(tmp_path, redis, smtp, PLENTY).end(server, signal.SIGTERM)
    assert result.is_peaceful, result
    assert (len(result.sent), len(result.logged)) == (MESSAGES, 0), result.output


@pytest.mark.requirement("R34")
@pytest.mark.parametrize(
    ("server", "number"),
    [
        ("uvicorn", signal.SIGTERM),
        ("uvicorn", signal.SIGINT),
        ("gunicorn, sync", signal.SIGTERM),
        ("waitress", signal.SIGTERM),
    ],
)
def test_none_is_lost(redis, tmp_path, server, number):
    """If there isn't: each is sent, or logged and signalled, and none is sent twice."""
    if not is_installed(server):
        pytest.skip("this server is not installed")
    with SMTPServer(seconds=4) as smtp:
        result = make_site(tmp_path, redis, smtp, SCARCE).end(server, number)
    assert result.is_peaceful, result
    assert result.logged, result
