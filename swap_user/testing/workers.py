"""Keeps the Redis keys of processes that run tests in parallel apart."""

import os
import sys

from swap_user.otp.store import keys

_NAMESPACE = keys.NAMESPACE


def worker() -> str:
    """
    Return the name of this process among those that run tests in parallel, or "" if it is alone.

    pytest-xdist and Django's ``test --parallel`` are recognized.
    """
    runner = sys.modules.get("django.test.runner")
    return os.environ.get("PYTEST_XDIST_WORKER") or str(getattr(runner, "_worker_id", 0) or "")


def isolate_worker() -> None:
    """Give the keys of this package names of their own in each of these processes."""
    name = worker()
    keys.NAMESPACE = f"{_NAMESPACE}-{name}" if name else _NAMESPACE
