"""Count statements, jobs and Redis round trips, on the wire and once more on the server."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import pytest
import redis
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from services.redis import RedisServer
from swap_user.otp import dispatchers
from swap_user.otp.background import registry
from swap_user.otp.dispatchers import AbstractDispatcher

# What our scripts do on the server, and what counting itself sends.
INSIDE_SCRIPTS = {"get", "set", "del", "exists", "rename", "time"}
INSIDE_SCRIPTS |= {"incrby", "decrby", "expire", "ttl", "pttl"}
INSIDE_SCRIPTS |= {"zadd", "zcard", "zrem", "zremrangebyscore"}
COUNTING = {"info", "config|resetstat", "hello", "client|setinfo", "select", "ping"}

_USER: Any = get_user_model()
_IDENTIFYING = re.compile(rf"FROM .{_USER._meta.db_table}. WHERE [^ ]+ IN \([^()]+\)$")


@dataclass
class Cost:
    """
    What was spent between two moments.

    ``identifying`` counts the queries for the stored spelling of a username, which are not among
    the statements. They are made where the column ignores case, as in MariaDB. ``jobs`` are the
    names of the jobs that were left to others.
    """

    statements: list[str] = field(default_factory=list)
    identifying: int = 0
    jobs: list[str] = field(default_factory=list)
    sends: list[bytes] = field(default_factory=list)
    served: Counter[str] = field(default_factory=Counter)

    @property
    def database(self) -> dict[str, int]:
        """How many statements of each kind, BEGIN and COMMIT included."""
        return dict(Counter(statement.split()[0].upper() for statement in self.statements))

    @property
    def trips(self) -> int:
        """How often the client wrote to the server and waited; a pipeline would be one."""
        return len(self.sends)


class LeavingDispatcher(AbstractDispatcher):
    """Leaves jobs to others, as a task queue does: what is counted is the request."""

    def __init__(self, jobs: list[str]) -> None:
        self.jobs = jobs

    def dispatch(self, job: Any, args: Any, kwargs: Any) -> None:
        """Write down the name of the job."""
        self.jobs.append(registry.name_of(job))


@contextmanager
def counted(server: RedisServer) -> Iterator[Cost]:
    """
    Count what happens within, on the wire and once more on the server. Jobs don't run.

    Each time redis-py writes to a socket counts, its greeting of a new connection included.
    """
    cost = Cost()
    owner = redis.connection.AbstractConnection
    original: Callable[..., Any] = owner.send_packed_command

    @wraps(original)
    def send(self: Any, command: Any, *args: Any, **kwargs: Any) -> Any:
        cost.sends.append(command if isinstance(command, bytes) else b"".join(command))
        return original(self, command, *args, **kwargs)

    with redis.Redis.from_url(server.url) as client:
        client.config_resetstat()
        with pytest.MonkeyPatch.context() as patch, CaptureQueriesContext(connection) as queries:
            patch.setattr(owner, "send_packed_command", send)
            patch.setattr(dispatchers, "load_dispatcher", lambda: LeavingDispatcher(cost.jobs))
            yield cost
        for query in queries.captured_queries:
            if _IDENTIFYING.search(query["sql"]):
                cost.identifying += 1
            else:
                cost.statements.append(query["sql"])
        for name, stats in client.info("commandstats").items():
            command = name.removeprefix("cmdstat_")
            if command not in INSIDE_SCRIPTS | COUNTING:
                cost.served[command] = stats["calls"]
    # Neither count trusts the other: every command in these sends is one that the server served.
    assert Counter(map(_command, cost.sends)) == cost.served


def _command(packed: bytes) -> str:
    """Return the one command that was sent: *3 $4 MGET …; a second one would be a pipeline."""
    lines = packed.split(b"\r\n")
    assert packed.startswith(b"*")
    assert not any(line.startswith(b"*") for line in lines[1:])
    return lines[2].decode().lower()
