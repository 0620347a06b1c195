"""What a request costs a site, and what its visitor gets to see: all that could be probed."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import pytest
import redis
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from swap_user.otp.background import thread_pool
from swap_user.otp.crypto import keyring
from swap_user.otp.dispatchers import AbstractDispatcher

GREETING = {"HELLO", "CLIENT", "SELECT", "AUTH"}


@dataclass
class Work:
    """
    What one thread did between two moments.

    Args:
        queries: every statement, without its values.
        commands: every command to Redis; each is a round trip of its own.
        done: how many HMACs, decryptions and the like.
        jobs: those that were given to the dispatcher, by name.
        lines: how many were logged, by their level.
    """

    queries: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    jobs: list[str] = field(default_factory=list)
    lines: Counter[str] = field(default_factory=Counter)


@contextmanager
def observed() -> Iterator[Work]:
    """Write down what this thread does within; the threads of the dispatcher don't count."""
    work, here = Work(), threading.get_ident()

    def counting(original: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() == here:
                work.done[name] += 1
            return original(*args, **kwargs)

        return call

    def send(self: Any, command: Any, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() == here:
            packed = command if isinstance(command, bytes) else b"".join(command)
            names = re.findall(r"\*\d+\r\n\$\d+\r\n(\w+)", packed.decode("latin-1"))
            # A thread may hold the connection that was open, whoever it is busy for.
            work.commands += [name for name in names if name not in GREETING]
        return original_send(self, command, *args, **kwargs)

    def submit(self: Any, job: Any, **options: Any) -> str:
        work.jobs.append(job.args[0].__qualname__)
        return original_submit(self, job, **options)

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if threading.get_ident() == here:
                work.lines[record.levelname] += 1

    owner = redis.connection.AbstractConnection
    original_send: Any = owner.send_packed_command
    original_submit: Any = thread_pool.ThreadPool.submit
    logger, handler = logging.getLogger("swap_user.security"), Lines()
    logger.addHandler(handler)
    try:
        with pytest.MonkeyPatch.context() as patch, CaptureQueriesContext(connection) as captured:
            patch.setattr(owner, "send_packed_command", send)
            patch.setattr(thread_pool.ThreadPool, "submit", submit)
            # hmac.new() makes one of these; pyotp and Django call it so.
            patch.setattr(hmac.HMAC, "__init__", counting(hmac.HMAC.__init__, "HMAC"))
            patch.setattr(hmac, "digest", counting(hmac.digest, "HMAC"))
            patch.setattr(hashlib, "pbkdf2_hmac", counting(hashlib.pbkdf2_hmac, "PBKDF2"))
            patch.setattr(keyring, "AESGCM", _counted_aes(work, here))
            RecordingDispatcher.work = work
            yield work
    finally:
        RecordingDispatcher.work = None
        logger.removeHandler(handler)
    work.queries = [without_values(query["sql"]) for query in captured.captured_queries]


def without_values(sql: str) -> str:
    """Return a statement in which all values are gone, also those of an INSERT that are NULL."""
    values = r"'(?:[^']|'')*'|\b[0-9a-f]{32}\b|\b\d+\b|(?<=[(,] )NULL|(?<=\()NULL"
    return re.sub(values, "?", sql)


class RecordingDispatcher(AbstractDispatcher):
    """Writes down which jobs there are, and runs none."""

    work: Work | None = None

    def dispatch(self, job: Any, args: Any, kwargs: Any) -> None:
        if self.work:
            self.work.jobs.append(job.__qualname__)


def _counted_aes(work: Work, here: int) -> Callable[[bytes], Any]:
    original = keyring.AESGCM  # can't be subclassed

    class Counted:
        def __init__(self, key: bytes) -> None:
            self.ring = original(key)
            self.encrypt = self.ring.encrypt

        def decrypt(self, *args: Any) -> bytes:
            if threading.get_ident() == here:
                work.done["AES-GCM"] += 1
            return self.ring.decrypt(*args)

    return Counted


def seen(response: HttpResponse, name: str, *, timed: bool = False) -> dict[str, Any]:
    """
    Return all that a visitor gets to see, without what is random in every answer.

    Args:
        response: the answer.
        name: what the visitor typed and may be shown again.
        timed: the clock runs, so that times of day and numbers of seconds differ.
    """
    body = response.content.decode()
    body = re.sub(r'(name="csrfmiddlewaretoken" value=")\w+', r"\1", body)
    body = body.replace(name, "NAME") if name else body
    cookies = {
        key: {"length": len(morsel.value), **{k: v for k, v in morsel.items() if v}}
        for key, morsel in response.cookies.items()
    }
    parts = {"headers": str(response.headers), "cookies": str(cookies), "body": body}
    if timed:
        parts = {key: re.sub(r"\w{3}, .{20} GMT|\b\d+\b", "?", parts[key]) for key in parts}
    return {"status": response.status_code, **parts}
