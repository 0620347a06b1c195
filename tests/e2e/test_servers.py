"""Real servers that end by a signal: each message is sent, or logged and signalled (issue 8)."""

import signal
import sys
from importlib.util import find_spec

import pytest

from benchmarks.servers.trial import Site
from services.redis import RedisServer
from services.smtp import SMTPServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such signals")

MESSAGES = 30

SERVERS = [
    "uvicorn",
    "uvicorn --workers 2",
    "gunicorn, sync",
    "gunicorn, gthread, --preload",
    "waitress",
    "runserver --noreload",
]


@pytest.fixture(scope="module", params=[0.05, 3.0], ids=["quick", "slow"])
def site(request, tmp_path_factory):
    """A mail server that is quick enough for all messages, or too slow for some."""
    with RedisServer() as redis, SMTPServer(seconds=request.param) as smtp:
        folder = tmp_path_factory.mktemp("servers")
        yield Site(folder, redis, smtp, messages=MESSAGES, seconds=4)


@pytest.mark.requirement("R34")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("server", SERVERS)
def test_no_message_is_lost(site, server, number):
    """Nor is one sent twice."""
    if find_spec(server.split(",")[0].split()[0].replace("runserver", "django")) is None:
        pytest.skip("this server is not installed")
    result = site.end(server, number)
    assert result.is_peaceful, result
    if site.smtp.seconds < 1:
        assert len(result.sent) == MESSAGES, result.output
