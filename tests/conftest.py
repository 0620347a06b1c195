"""What all tests share: their own servers, an empty Redis, and the table of requirements."""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.core.management.commands import flush
from django.utils.module_loading import import_string

from services.mariadb import MariaDBServer
from services.postgres import PostgresServer
from services.redis import RedisServer
from services.smtp import SMTPServer
from swap_user.testing import MemoryOTPSender, outbox
from tests.clock import Clock, travelled
from tests.neighbours.registry import NEIGHBOURS, table
from tests.simulation.report import PROPERTY, lines
from tests.support import NOW, aenter, enter, make_user
from tests.user_models import skip_other_models

DATABASE_SERVERS = {"postgres": PostgresServer, "mariadb": MariaDBServer}

REQUIREMENTS = [f"R{number}" for number in range(1, 57)]


# Servers


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Iterator[None]:
    """Hold the run's folder (and the chosen database's server) around all tests of all workers."""
    if hasattr(session.config, "workerinput") or session.config.option.collectonly:
        return (yield)
    run_dir: Path = django_settings.RUN_DIR
    run_dir.mkdir(mode=0o755)
    try:
        database = os.environ.get("DATABASE", "")
        if database in DATABASE_SERVERS:
            with DATABASE_SERVERS[database](run_dir / database):
                return (yield)
        return (yield)
    finally:
        shutil.rmtree(run_dir, ignore_errors=True)


# Django creates these rows after each migration. They do not change during the tests.
KEPT_TABLES = {"django_content_type", "auth_permission"}


@pytest.fixture(scope="session", autouse=True)
def _quick_flush() -> Iterator[None]:
    """
    Keep content types and permissions when Django empties the tables after a test.

    To create them again would take about a tenth of the time of the tests.
    """

    def sql_flush(style: Any, connection: Any, **options: Any) -> Any:
        found = connection.introspection.django_table_names(only_existing=True, include_views=False)
        emptied = [name for name in found if name not in KEPT_TABLES]
        if connection.vendor == "postgresql" and _are_small(connection, emptied):
            # TRUNCATE writes new files for each table and index, which takes ten times as long.
            return [f"DELETE FROM {connection.ops.quote_name(name)};" for name in emptied]
        return connection.ops.sql_flush(style, emptied, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "sql_flush", sql_flush)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *args, **options: None)
        yield


def _are_small(connection: Any, tables: list[str]) -> bool:
    """Return whether all these tables of PostgreSQL together have less than a megabyte."""
    sizes = "SELECT sum(pg_relation_size(oid)) FROM pg_class WHERE relname = ANY(%s)"
    with connection.cursor() as cursor:
        cursor.execute(sizes, [tables])
        return int(cursor.fetchone()[0] or 0) < 2**20


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    """The server that the settings name, one for each xdist worker."""
    with RedisServer(socket_path=django_settings.REDIS_SOCKET) as server:
        yield server


@pytest.fixture(autouse=True)
def _nothing_from_the_test_before(shared_redis: RedisServer) -> None:
    shared_redis.flush()
    outbox.clear()


@pytest.fixture(autouse=True)
def _no_job_for_the_test_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a thread that can't save a mark, because the database is gone, give up soon."""
    monkeypatch.setattr("swap_user.otp.durable.statements._TRY_FOR", 3)


@pytest.fixture(autouse=True)
def _clocks(monkeypatch: pytest.MonkeyPatch) -> list[Clock]:
    """The clocks of the test. Where one moves the clock of Python, the Redis server moves too."""
    clocks: list[Clock] = []
    for name in ("guesses._server_time", "messages.server_time"):
        path = f"swap_user.otp.throttling.{name}"
        current = travelled(import_string(path), lambda: clocks[-1] if clocks else None)
        monkeypatch.setattr(path, current)
    return clocks


@pytest.fixture
def redis_server(settings) -> Iterator[RedisServer]:
    """A server of the test's own, to kill, pause and restart; `CACHES` points to it."""
    with RedisServer(persistent=True) as server:
        settings.CACHES = {"default": django_settings.CACHES["default"] | {"LOCATION": server.url}}
        yield server
        caches.close_all()


@pytest.fixture
def smtp_server() -> Iterator[SMTPServer]:
    """A real SMTP server; read its `messages`."""
    with SMTPServer() as server:
        yield server


# Users, clocks, doors


@pytest.fixture
def user(db: None) -> Any:
    """An active user."""
    return make_user()


@pytest.fixture
def staff(db: None) -> Any:
    """A superuser, who may enter the admin."""
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture
def no_stamp(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user model whose sessions nothing but their deletion ends."""
    for name in ("rotate_security_stamp", "arotate_security_stamp"):
        for base in get_user_model().__mro__:
            if name in vars(base):
                monkeypatch.delattr(base, name)


@pytest.fixture(params=[enter, aenter], ids=["sync", "async"])
def door(request: pytest.FixtureRequest) -> Any:
    """Both doors of the backend: ``authenticate`` and ``aauthenticate``."""
    return request.param


@pytest.fixture
def clock(_clocks: list[Clock]) -> Iterator[Clock]:
    """A clock that stands still until it is moved."""
    with time_machine.travel(NOW, tick=False) as traveller:
        _clocks.append(Clock(traveller))
        yield _clocks[-1]


@pytest.fixture
def no_log() -> Iterator[None]:
    """Write no log: thousands of lines would only cost time."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def notices(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, str]]:
    """What users were notified of; phone models have no address that mail could go to."""
    told: list[tuple[Any, str]] = []

    def notify(self: Any, user: Any, subject: str, text: str) -> None:
        told.append((user, text))

    monkeypatch.setattr(MemoryOTPSender, "notify", notify)
    return told


# Requirements


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--requirements` and `--neighbours`."""
    parser.addoption(
        "--requirements",
        action="store_true",
        help="print which tests show which requirement, and run none",
    )
    parser.addoption(
        "--neighbours",
        action="store_true",
        help="print the table of docs/reference/neighbours.md, with what these tests have run",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Only collect when the table was asked for."""
    if config.option.requirements:
        config.option.collectonly = True
        config.option.verbose = -2  # the table alone, not each test's name


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out or skip what is not for this run, and refuse requirements that don't exist."""
    if os.environ.get("DATABASE") != "postgres" and not config.option.requirements:
        left_out = [item for item in items if item.get_closest_marker("postgres")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    if "year" not in config.option.markexpr and not config.option.requirements:
        left_out = [item for item in items if item.get_closest_marker("year")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        skip_other_models(item)
        for marker in item.iter_markers("requirement"):
            if unknown := [name for name in marker.args if name not in REQUIREMENTS]:
                raise pytest.UsageError(f"{item.nodeid}: no such requirement: {unknown}")
        for marker in item.iter_markers("neighbour"):
            if unknown := [name for name in marker.args if name not in NEIGHBOURS]:
                raise pytest.UsageError(f"{item.nodeid}: not in the registry: {unknown}")
            item.user_properties.append(("neighbours", marker.args))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print what tests have noted, or the table of requirement and tests."""
    noted = _noted(terminalreporter)
    if config.option.markexpr == "year" and noted[PROPERTY]:
        for line in lines(noted[PROPERTY]):
            terminalreporter.write_line(line)
    if hostile := noted["hostile inputs"]:
        terminalreporter.write_line(f"{sum(hostile):,} hostile inputs")
    if steps := noted["steps"]:
        made, accepted = (sum(each) for each in zip(*steps, strict=True))
        terminalreporter.write_line(
            f"{made:,} steps of the state machine, {accepted:,} codes were accepted"
        )
    for line in (line for report in noted["schemathesis"] for line in report):
        terminalreporter.write_line(line)
    if config.option.neighbours:
        for line in table(_noted(terminalreporter, "passed"), _noted(terminalreporter, "failed")):
            terminalreporter.write_line(line)
    if config.option.requirements:
        _write_requirements(terminalreporter)


def _write_requirements(terminalreporter: pytest.TerminalReporter) -> None:
    shown: dict[str, dict[str, None]] = defaultdict(dict)
    for item in terminalreporter._session.items if terminalreporter._session else []:
        for marker in item.iter_markers("requirement"):
            for name in marker.args:
                shown[name][re.sub(r"\[.*", "", item.nodeid)] = None
    terminalreporter.write_line("| requirement | shown by |\n| --- | --- |")
    for name in REQUIREMENTS:
        terminalreporter.write_line(f"| {name} | {', '.join(shown[name]) or '–'} |")


def _noted(terminalreporter: pytest.TerminalReporter, *outcomes: str) -> dict[str, list[Any]]:
    """Return the properties that tests with these outcomes have recorded, by their names."""
    noted: dict[str, list[Any]] = defaultdict(list)
    for outcome in outcomes or ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            for name, value in getattr(report, "user_properties", ()):
                noted[name].append(value)
    return noted
