"""Senders that fail in several ways, and what a visitor sees of them."""

import re
import sys
import threading

import django
from django.test import Client

from swap_user.otp.senders import AbstractOTPSender
from swap_user.testing import MemoryOTPSender
from tests.support import username

PLENTY = 30  # seconds, for what takes none


class Told:
    """What the signals say, and what the senders below do."""

    release = threading.Event()
    began = threading.Event()
    failures_left = 0
    codes: list[str] = []


class LeavingSender(AbstractOTPSender):
    """Wants the whole program to end."""

    def send(self, receiver: str, otp: str, **kwargs):
        sys.exit(otp)


class RaisingSender(AbstractOTPSender):
    """Repeats the code in what it raises."""

    def send(self, receiver: str, otp: str, **kwargs):
        raise ConnectionError(f"could not\r\nsend {otp}")


class HangingSender(AbstractOTPSender):
    """Hangs until the test lets it go."""

    def send(self, receiver: str, otp: str, **kwargs):
        Told.began.set()
        Told.release.wait(PLENTY)
        MemoryOTPSender().send(receiver, otp, **kwargs)


class FlakySender(AbstractOTPSender):
    """Fails a few times."""

    def send(self, receiver: str, otp: str, **kwargs):
        Told.codes.append(otp)
        if Told.failures_left:
            Told.failures_left -= 1
            raise ConnectionError(f"busy, says {otp}")
        MemoryOTPSender().send(receiver, otp, **kwargs)


def use(settings, sender=None, dispatcher="Thread", **others):
    """Name a sender and a dispatcher in the settings."""
    settings.SWAP_USER = {
        **settings.SWAP_USER,
        "OTP_DISPATCHER": f"swap_user.otp.dispatchers.{dispatcher}Dispatcher",
        **({"OTP_SENDER_CLASS": f"{__name__}.{sender}"} if sender else {}),
        **others,
    }


def what_is_seen():
    """Ask for a code on the page of the admin; return all of both answers but for random parts."""
    client = Client()
    seen = []
    for response in (
        client.post("/admin/login/", {"username": username()}),
        client.get("/admin/check-otp/"),
    ):
        body = re.sub(r'(csrfmiddlewaretoken" value=")\w+', "", response.content.decode())
        cookies = {
            name: {key: value for key, value in morsel.items() if key != "expires"}
            for name, morsel in response.cookies.items()
        }
        headers = {k: v for k, v in response.items() if k not in ("Expires", "Last-Modified")}
        seen.append((response.status_code, body, headers, cookies))
    return seen


def backend(settings, name):
    """Use one of the backends that Django (or the backport) brings along."""
    package = "django.tasks" if django.VERSION >= (6, 0) else "django_tasks"
    settings.TASKS = {"default": {"BACKEND": f"{package}.backends.{name}"}}
    use(settings, dispatcher="Task")
    from swap_user.otp.background.django_tasks import run_job

    return run_job
