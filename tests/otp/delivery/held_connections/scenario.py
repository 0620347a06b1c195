"""A process with a pool of two database connections, whose mail server is slow."""

import asyncio
import os
import threading

from services.smtp import SMTPServer

MESSAGES = 6
PLENTY = 30  # seconds


class WaitingServer(SMTPServer):
    """Takes no mail before it may."""

    def __init__(self):
        super().__init__()
        self.began, self.may = threading.Semaphore(0), threading.Event()

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.began.release()
        await asyncio.to_thread(self.may.wait, PLENTY)
        return await super().handle_DATA(server, session, envelope)


class Router:
    """Sends some queries to a second alias."""

    def db_for_read(self, model, **hints):
        return "other" if model._meta.label == "contenttypes.ContentType" else None


def in_use(alias):
    """Return how many connections of the pool of this alias are in use."""
    from django.db import connections

    stats = connections[alias].pool.get_stats()
    return stats["pool_size"] - stats["pool_available"]


def other_requests():
    """Query the database in more threads than there are connections, and return the answers."""
    from concurrent.futures import ThreadPoolExecutor

    from django.contrib.auth import get_user_model
    from django.db import connections

    def request(number):
        try:
            return get_user_model().objects.count()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(MESSAGES) as pool:
        return list(pool.map(request, range(MESSAGES)))


def play(smtp):
    """Send messages, and return what is in use while the mail server has all of them."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import connections

    from swap_user import signals
    from swap_user.otp import send_code
    from swap_user.testing import wait_for_deliveries
    from tests.support import make_user, username, visitor

    call_command("migrate", verbosity=0)
    for number in range(MESSAGES):
        make_user(number)
    connections.close_all()
    seen = {}

    def look(what):
        for _ in range(1 if what == "worker" else MESSAGES):
            assert smtp.began.acquire(timeout=PLENTY)
        seen[f"{what}: in use"] = [in_use("default"), in_use("other")]
        seen[f"{what}: others"] = other_requests()
        smtp.may.set()

    if os.environ["HELD_DISPATCHER"] == "Task":
        send_code(visitor(), username(0))
        connections.close_all()
        watcher = threading.Thread(target=look, args=["worker"])
        watcher.start()
        call_command("db_worker", batch=True, startup_delay=False, reload=False, verbosity=0)
        watcher.join()
    else:
        for number in range(MESSAGES):
            send_code(visitor(REMOTE_ADDR=f"203.0.113.{number}"), username(number))
        connections.close_all()
        look("codes")
        assert wait_for_deliveries(PLENTY)
        smtp.may.clear()
        for user in get_user_model().objects.all():
            signals.recovery_code_used.send(None, user=user, remaining=1)
        connections.close_all()
        look("notices")
        assert wait_for_deliveries(PLENTY)
    seen["sent"] = len(smtp.messages)
    return seen
