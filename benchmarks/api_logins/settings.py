"""The site of ``benchmarks.servers``, with the JSON API."""

from benchmarks.servers.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.api_logins.urls"
# Readers and the one writer that SQLite allows don't wait for each other.
DATABASES["default"]["OPTIONS"]["init_command"] = (  # noqa: F405
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
)
