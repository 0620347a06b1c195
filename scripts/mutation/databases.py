"""The database of the tests, which a test that is killed may leave with rows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db import connection


class EmptyDatabase(Protocol):
    """A copy of the empty database."""

    def restore(self) -> None:
        """Replace the database of the tests by the copy."""


def empty_database() -> EmptyDatabase:
    """Copy the database of the tests, which must be empty and without connections."""
    if connection.vendor == "postgresql":
        return _PostgreSQL()
    return _SQLite()


class _SQLite:
    def __init__(self) -> None:
        self._path = Path(settings.DATABASES["default"]["TEST"]["NAME"])
        shutil.copy(self._path, f"{self._path}.empty")

    def restore(self) -> None:
        for name in ("", "-wal", "-shm"):
            Path(f"{self._path}{name}").unlink(missing_ok=True)
        shutil.copy(f"{self._path}.empty", self._path)


class _PostgreSQL:
    def __init__(self) -> None:
        self._name = connection.settings_dict["NAME"]
        self._run(f"CREATE DATABASE {self._name}_empty TEMPLATE {self._name}")

    def restore(self) -> None:
        self._run(
            f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)",
            f"CREATE DATABASE {self._name} TEMPLATE {self._name}_empty",
        )

    def _run(self, *statements: str) -> None:
        import psycopg

        # Outside of a test, pytest-django refuses the connections of Django.
        options = connection.settings_dict
        with psycopg.connect(
            host=options["HOST"], user=options["USER"], dbname="postgres", autocommit=True
        ) as own:
            for statement in statements:
                own.execute(statement)
