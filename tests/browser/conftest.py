"""
Chromium, a server under a strict Content-Security-Policy, and axe-core.

Skipped where they are missing, but not in CI.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.test import override_settings
from pytest_django.live_server_helper import LiveServer

from tests.clock import Clock
from tests.support import NOW

AXE_VERSION = "4.14.1"

CHROMIUM_FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]

NewPage = Callable[..., Any]


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    executable = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return missing("Playwright is not installed")
    if executable is None:
        return missing("there is no chromium on the path")
    flags = [*CHROMIUM_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    # Playwright's loop runs in this thread, where Django would refuse the tests their database.
    # The package alone has it, because async_to_sync does not work under a running loop.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=executable, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def live_server() -> Iterator[LiveServer]:
    """The tests' project under the strict policy."""
    middleware = ["tests.browser.csp.strict_csp", *django_settings.MIDDLEWARE]
    with override_settings(MIDDLEWARE=middleware):
        server = LiveServer("localhost")
        yield server
        server.stop()


@pytest.fixture
def new_page(browser: Any, live_server: LiveServer) -> Iterator[NewPage]:
    """
    Open a page in a browser of its own; the arguments are those of Playwright's ``new_context``.

    What the browser complains of (errors, warnings, breaches of the policy) fails the test.
    """
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_page(**options: Any) -> Any:
        context = browser.new_context(
            base_url=live_server.url, **{"reduced_motion": "reduce", **options}
        )
        # Every browser asks for it, and no login page is to blame that the project has none.
        context.route("**/favicon.ico", lambda route: route.fulfill(status=204))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text) if message.type in {"error", "warning"} else None
            ),
        )
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(new_page: NewPage) -> Any:
    """A page in a wide, light browser."""
    return new_page()


@pytest.fixture(scope="session")
def axe_source() -> str:
    """The text of axe-core, from npm once and then from this machine's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    script = cache / f"swap-user-tests/axe-core-{AXE_VERSION}.min.js"
    if not script.exists():
        npm = shutil.which("npm")
        if npm is None:
            missing("there is no npm to fetch axe-core with")
        with tempfile.TemporaryDirectory() as folder:
            package = f"axe-core@{AXE_VERSION}"
            command = [npm, "install", "--no-audit", "--no-fund", "--prefix", folder, package]
            fetched = subprocess.run(command, capture_output=True, text=True, check=False)
            if fetched.returncode:
                missing(f"npm can't fetch {package}: {fetched.stderr[-300:]}")
            script.parent.mkdir(parents=True, exist_ok=True)
            # Another worker may do the same just now: a rename is one step.
            part = script.with_suffix(f".{os.getpid()}")
            shutil.copyfile(Path(folder) / "node_modules/axe-core/axe.min.js", part)
            part.replace(script)
    return script.read_text()


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where screenshots go."""
    folder = Path(os.environ.get("SCREENSHOTS") or tempfile.mkdtemp(prefix="swap-user-shots-"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def stand_still(_clocks: list[Clock]) -> Callable[[], AbstractContextManager[Clock]]:
    """Let the clock stand still while pages are rendered. A browser needs a clock that runs."""

    @contextmanager
    def still() -> Iterator[Clock]:
        with time_machine.travel(NOW, tick=False) as traveller:
            _clocks.append(Clock(traveller))
            yield _clocks[-1]

    return still


def missing(what: str) -> Any:
    """Skip, but fail in CI, where nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}.")
    pytest.skip(f"{what}.")
