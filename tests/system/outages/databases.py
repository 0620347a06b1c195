"""Databases that can be taken away and brought back."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database


class SQLiteFile:
    """The test database: its file can't be opened, or another process holds the lock."""

    def __init__(self) -> None:
        self.path = Path(database.settings_dict["NAME"])
        self.aside = self.path.with_name(f"{self.path.name}.aside")

    def take_away(self) -> None:
        """Put a folder in its place: SQLite would make a new file."""
        database.close()
        self.path.rename(self.aside)
        self.path.mkdir()

    def bring_back(self) -> None:
        """As it was."""
        if self.aside.exists():
            self.path.rmdir()
            self.aside.rename(self.path)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Let another connection hold the lock for longer than this one waits."""
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            database.close()
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(database.settings_dict["OPTIONS"], "timeout", 0.05)
                yield
            other.execute("ROLLBACK")
        database.close()


class PostgresConnections:
    """
    PostgreSQL cuts all connections of this database and takes no new ones.

    The server is that of the whole run: other workers go on using it meanwhile.
    """

    def take_away(self) -> None:
        """End every connection, this one's included."""
        self._allow(False)

    def bring_back(self) -> None:
        """As it was."""
        self._allow(True)

    def _allow(self, allowed: bool) -> None:
        import psycopg
        from psycopg import sql

        settings = database.settings_dict
        name = settings["NAME"]
        with psycopg.connect(
            host=settings["HOST"], user="postgres", dbname="postgres", autocommit=True
        ) as admin:
            command = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
            admin.execute(command.format(sql.Identifier(name), sql.Literal(allowed)))
            if not allowed:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [name],
                )


KINDS: dict[str, Any] = {"sqlite": SQLiteFile, "postgresql": PostgresConnections}
