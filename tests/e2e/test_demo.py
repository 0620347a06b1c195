"""`make demo`, as a person uses it: start it, log in with the code from the terminal, end it."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.redis import RedisServer, free_port
from tests import ROOT
from tests.e2e.demo import Browser, Demo


def log_in(demo: Demo) -> Browser:
    """Log in by the code that it prints."""
    address = demo.address
    browser = Browser()
    front = browser.get(address)
    account = re.search(r"\S+@\S+\.com", demo.said)[0]
    assert account in front
    assert "the admin</a>" in front

    browser.get(f"{address}account/sign-in-methods/")
    browser.post(username=account)
    code = demo.wait_for(r"\b(\d{6})\b(?!/)")[1]
    assert "Your sign-in methods" in browser.post(otp=code)
    assert "Site administration" in browser.get(f"{address}admin/")
    return browser


def processes_naming(folder: Path) -> list[str]:
    """Return the command lines of running programs that name this folder."""
    if Path("/proc/self").exists():
        lines = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                lines.append(path.read_text(errors="replace").replace("\0", " "))
    else:
        ps = subprocess.run(["ps", "ax", "-o", "args="], capture_output=True, text=True, check=True)
        lines = ps.stdout.splitlines()
    return [line for line in lines if str(folder) in line]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_log_in_then_interrupt(start, folder, number):
    """The whole of it; then no process, socket or folder is left, and the database stays."""
    demo = start()
    log_in(demo)
    assert processes_naming(folder)
    demo.end(number)
    assert not processes_naming(folder)
    assert not list(folder.glob("swap-user-*"))
    assert sorted(path.name for path in (folder / "demo/.data").iterdir()) == [
        "secret_key",
        "shop.sqlite3",
    ]


def test_killed_demo_leaves_no_server(start, folder):
    """Not even `kill -9` does."""
    demo = start()
    demo.wait_for("Ctrl-C")
    assert processes_naming(folder)
    demo.process.kill()
    demo.process.wait()
    deadline = time.monotonic() + 10
    while processes_naming(folder) or list(folder.glob("swap-user-*")):
        assert time.monotonic() < deadline, processes_naming(folder)
        time.sleep(0.05)


def test_second_run_keeps_the_account_and_the_session(start):
    """The first account is made once, and who was logged in still is."""
    port = str(free_port())
    first = start(PORT=port)
    browser = log_in(first)
    first.end()
    second = start(PORT=port)
    second.wait_for("Ctrl-C")
    assert "Site administration" in browser.get(f"http://127.0.0.1:{port}/admin/")
    second.end()


@pytest.mark.heavy
def test_redis_url_is_used(start, folder):
    """REDIS_URL names the server; none is started."""
    with RedisServer() as server:
        demo = start(REDIS_URL=server.url)
        log_in(demo)
        assert not processes_naming(folder)
        demo.end()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"REDIS_URL": "redis://127.0.0.1:1"}, "REDIS_URL=redis://127.0.0.1:1 can't be used: "),
        ({"REDIS_URL": "nonsense"}, "REDIS_URL=nonsense can't be used: "),
        ({"PORT": "http"}, "PORT=http is not a port: "),
        ({"REDIS_SERVER": "redis-server", "PATH": "/nowhere"}, "No redis-server server here"),
    ],
)
def test_what_is_missing_is_one_line(start, environment, said):
    """It says in one line what is wrong, and ends."""
    demo = start(**environment)
    assert demo.process.wait(timeout=30) == 1
    (line,) = demo.said.splitlines()
    assert line.startswith(said)


@pytest.mark.heavy
def test_busy_port_that_was_asked_for(start):
    """PORT is not changed behind one's back."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        demo = start(PORT=str(port))
        assert demo.process.wait(timeout=30) == 1
    assert demo.said == f"Port {port} is in use: set PORT=… to use another one.\n"


@pytest.mark.heavy
def test_busy_default_port(start):
    """With 8000 in use the next free one is taken, and said."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # when somebody else has it, that is just as good
            stack.enter_context(socket.create_server(("127.0.0.1", 8000)))
        demo = start(PORT="")
        demo.wait_for(r"Open +http://127\.0\.0\.1:80\d[1-9]/   \(8000 is in use\)")
        log_in(demo)
        demo.end()


def interpreter(path: Path, *, version: str, has_ensurepip: bool = True) -> Path:
    """Make a stand-in for an interpreter that this machine may not have."""
    code = (
        "import sys\n"
        f"version = tuple(map(int, {version!r}.split('.')))\n"
        "sys.version_info = (*version, 'final', 0)\n"
        f"sys.modules.update({{}} if {has_ensurepip} else {{'ensurepip': None}})\n"
        "exec(sys.argv[2])\n"
    )
    path.with_suffix(".py").write_text(code)
    path.write_text(f'#!/bin/sh\nexec {sys.executable} {path.with_suffix(".py")} "$@"\n')
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("version", "has_ensurepip", "said"),
    [
        (
            "3.9.2",
            True,
            r"Python 3\.11 or newer is required, but \S+ is 3\.9\.2\. Set PYTHON=\S+ to .+ one\.",
        ),
        (
            "3.11.2",
            False,
            r"\S+ can't create virtual environments\. On Debian .+: apt install python3-venv",
        ),
    ],
    ids=["too old", "Debian's without venv"],
)
def test_set_up_says_in_one_line_what_is_missing(folder, version, has_ensurepip, said):
    """`make demo` and `make test` end before they have done anything."""
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    shutil.copy(ROOT / "pyproject.toml", folder)
    python = interpreter(folder / "python", version=version, has_ensurepip=has_ensurepip)
    done = subprocess.run(
        ["sh", "scripts/venv", "test"],
        cwd=folder,
        env=os.environ | {"PYTHON": str(python)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert not done.stdout
    assert re.fullmatch(said, done.stderr.rstrip("\n"))
    assert not (folder / ".venv").exists()
