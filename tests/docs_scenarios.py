"""
What test_docs.py does in the projects that it builds from the pages.

This is a program that serves: it loads Django once, then forks for every project. Loading takes
longer than all that is done in most of them. A request is a line of JSON on stdin: the project's
folder and environment, commands for its manage.py, the name of a scenario that follows them ("" for
none), and a file for what is printed. The answer is a line with the exit status.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import shlex
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

EMAIL, PHONE = "me@example.com", "+447400123456"

SCENARIOS: dict[str, Callable[[], None]] = {}


def scenario(*names: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    def register(function: Callable[[], None]) -> Callable[[], None]:
        SCENARIOS.update(dict.fromkeys(names, function))
        return function

    return register


def mailed() -> str:
    from django.core import mail

    return re.search(r"\b\d{6}\b", mail.outbox[-1].body)[0]


def pushed() -> str:
    from mysite import push

    return re.search(r"\b\d{6}\b", push.sent[-1][2])[0]


def remembered() -> str:
    from swap_user.testing import outbox

    return outbox[-1].otp


def user_known_by(name: str, **fields: Any) -> Any:
    """Return the superuser that the page made, or make one."""
    from django.contrib.auth import get_user_model

    users = get_user_model()._default_manager
    found = users.filter(**{users.model.USERNAME_FIELD: name}).first()
    return found or users.create_superuser(name, **fields)


def log_in(
    name: str, read: Callable[[], str], site: str = "/admin/", *, secure: bool = False
) -> None:
    """Log in to an admin over its two pages."""
    from django.test import Client

    client = Client(HTTP_HOST="www.example.com") if secure else Client()
    asked = client.post(f"{site}login/", {"username": name, "next": site}, secure=secure)
    assert asked.status_code == 302, asked.content.decode()
    entered = client.post(asked["Location"], {"otp": read(), "next": site}, secure=secure)
    assert entered.status_code == 302, entered.content.decode()
    assert entered["Location"] == site
    assert "Site administration" in client.get(site, secure=secure).content.decode()


@scenario("readme", "readme-django-redis", "readme-passwords", "passwords")
def _log_in_by_email() -> None:
    user_known_by(EMAIL)
    log_in(EMAIL, mailed)


@scenario("log_in_by_phone")
def _log_in_by_phone() -> None:
    user_known_by(PHONE)
    log_in("+44 7400 123456", remembered)


@scenario("tutorial")
def _tutorial() -> None:
    from django.test import override_settings

    _log_in_by_email()
    with override_settings(SWAP_USER={}):  # as before step 7
        terminal = io.StringIO()
        with contextlib.redirect_stdout(terminal):
            log_in(EMAIL, lambda: re.search(r"\b\d{6}\b", terminal.getvalue())[0])


@scenario("readme-sender", "senders")
def _push() -> None:
    from mysite import push

    user_known_by(EMAIL)
    log_in(EMAIL, pushed)
    ((to, title, _),) = push.sent
    assert to == EMAIL
    assert title.endswith(" testserver")


@scenario("senders-receiver")
def _other_receiver() -> None:
    from mysite import push

    user = user_known_by(EMAIL)
    log_in(EMAIL, pushed)
    assert push.sent[-1][0] == f"push:{user.pk}"


@scenario("phone")
def _sms() -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    from django.test import override_settings

    got: list[dict[str, str]] = []

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Gateway) as gateway:
        Thread(target=gateway.serve_forever, daemon=True).start()
        with override_settings(SMS_GATEWAY=f"http://127.0.0.1:{gateway.server_port}"):
            log_in("07400 123-456", lambda: got[-1]["text"][:6])
        gateway.shutdown()
    assert got[-1]["to"] == PHONE
    assert "is your code for My site" in got[-1]["text"]


@scenario("email")
def _email() -> None:
    from django.core import mail
    from django.test import override_settings

    user_known_by(EMAIL)
    log_in(EMAIL, mailed)
    assert mail.outbox[-1].subject == "Your code from us"
    with override_settings(
        SWAP_USER={"OTP_SENDER_CLASS": "swap_user.otp.senders.EmailOTPSender", "OTP_ISSUER": "Us"}
    ):
        log_in(EMAIL, mailed)
    assert mail.outbox[-1].subject == f"{mailed()} is your code for Us"
    assert mail.outbox[-1].from_email == "My site <no-reply@example.com>"
    assert "It is good for 5 minutes." in mail.outbox[-1].body


@scenario("auth-user")
def _auth_user() -> None:
    user_known_by("me", email=EMAIL)
    log_in("me", mailed)


@scenario("user-model")
def _own_user_model() -> None:
    from django.core.management import call_command
    from django.test import Client

    call_command("makemigrations", check=True, verbosity=0)
    user = user_known_by(EMAIL)
    assert user.get_full_name() == EMAIL
    log_in(EMAIL, mailed)
    client = Client()
    client.force_login(user)
    for address in ("", "add/", f"{user.pk}/change/"):
        assert client.get(f"/admin/members/member/{address}").status_code == 200
    client.post("/admin/members/member/add/", {"email": "NEW@example.com"})
    assert user_known_by("new@example.com").is_superuser is False


@scenario("admin-sites")
def _admin_sites() -> None:
    from django.contrib import admin
    from django.contrib.auth.models import Group

    user = user_known_by(EMAIL)
    for site in ("/admin/", "/support/"):
        log_in(EMAIL, mailed, site)
    user.is_superuser = False
    user.save()
    with contextlib.suppress(AssertionError):
        log_in(EMAIL, mailed, "/support/")
        raise RuntimeError("got in without the group")
    user.groups.add(Group.objects.create(name="support"))
    log_in(EMAIL, mailed, "/support/")
    assert admin.site.site_header == "Support"


def walk_the_views() -> None:
    """Log in over two views of the project's own, in two steps."""
    from django.test import Client

    user_known_by(EMAIL)
    client = Client()
    assert 'name="username"' in client.get("/login/").content.decode()
    asked = client.post("/login/", {"username": EMAIL})
    assert asked["Location"] == "/login/code/"
    assert 'name="otp"' in client.get("/login/code/").content.decode()
    wrong = client.post("/login/code/", {"otp": "12"})
    assert wrong.status_code == 200
    assert "_auth_user_id" not in client.session
    client.post("/login/code/", {"otp": mailed()})
    assert "_auth_user_id" in client.session


@scenario("readme-views")
def _views() -> None:
    walk_the_views()


@scenario("class-views")
def _class_views() -> None:
    from django.test import Client

    walk_the_views()
    client = Client()
    client.post("/login/", {"username": EMAIL})
    again = client.post("/login/resend/", follow=True).content.decode()
    assert "You can ask for another code in" in again


@scenario("async-views")
def _async_views() -> None:
    from asgiref.sync import async_to_sync
    from django.core.cache import caches
    from django.test import AsyncClient, override_settings

    user_known_by(EMAIL)

    async def walk() -> None:
        client = AsyncClient()
        assert (await client.get("/login/")).status_code == 200
        await client.post("/login/", {"username": EMAIL})
        assert (await client.post("/login/code/", {"otp": "12"})).status_code == 200
        answer = await client.post("/login/code/", {"otp": mailed()})
        assert answer.content == b"You are in."

    async_to_sync(walk)()

    from django.conf import settings
    from django.test import Client

    away = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1"}}
    caches.close_all()
    with override_settings(CACHES=away):
        answer = Client().post("/login/", {"username": EMAIL})
    assert answer.status_code == 503
    assert "not possible right now" in answer.content.decode()


@scenario("api")
def _api() -> None:
    from django.test import Client

    user_known_by(EMAIL)

    def post(path: str, **data: str) -> Any:
        return Client().post(path, data, content_type="application/json")

    for name in (EMAIL, "nobody@example.com"):
        assert post("/api/code/", username=name).status_code == 202
    assert post("/api/token/", username=EMAIL, otp="12").status_code == 400
    assert post("/api/token/", username=EMAIL, otp=mailed()).json()["token"]
    assert post("/api/token/", username=EMAIL, otp=mailed()).status_code == 400


@scenario("production")
def _production() -> None:
    from django.core.cache import caches

    user_known_by(EMAIL)
    log_in(EMAIL, mailed, secure=True)
    assert caches["otp"]._cache.get_client().keys("otp:*")  # type: ignore[attr-defined]


@scenario("keys")
def _keys() -> None:
    from django.conf import settings
    from django.test import override_settings

    from swap_user.models import Authenticator

    user_known_by(EMAIL)
    keys = settings.SWAP_USER["OTP_ENCRYPTION_KEYS"]

    def sealed_after_a_login(*keys: str) -> str:
        with override_settings(
            SWAP_USER={
                "OTP_SENDER_CLASS": "swap_user.testing.MemoryOTPSender",
                "OTP_ENCRYPTION_KEYS": keys,
            }
        ):
            log_in(EMAIL, remembered)
        return Authenticator.objects.get().secret

    old = sealed_after_a_login(keys[1])
    assert (
        sealed_after_a_login(*keys) == old
    )  # the first key is for new ones, the second reads this one
    assert sealed_after_a_login(keys[0]) != old  # a key is gone: a new secret, nobody locked out


@scenario("api-reference")
def _authenticate() -> None:
    from mysite.example import check

    from swap_user.otp import send_code

    user = user_known_by(EMAIL)
    for _ in range(2):
        send_code(None, EMAIL)
        code = mailed()
        assert check(None, f" {EMAIL.upper()}", f"{code[:3]} {code[3:]}") == user
        assert check(None, EMAIL, code) is None


# --- The server ---

SECONDS = 60

# What most projects need, and what needs no settings to be loaded.
PRELOADED = [
    "cryptography.hazmat.primitives.ciphers.aead",
    "django.contrib.auth.hashers",
    "django.core.cache.backends.redis",
    "django.core.mail.backends.locmem",
    "django.core.management.commands.check",
    "django.core.management.commands.migrate",
    "django.db.backends.sqlite3.base",
    "django.test",
    "django.views.debug",
    "phonenumbers",
    "pyotp",
    "redis",
]


def main(name: str, commands: list[str]) -> None:
    """Run the commands in the project of the current folder, then check it and play a scenario."""
    import django
    from django.core.management import call_command, execute_from_command_line
    from django.test.utils import setup_test_environment

    for command in commands:
        execute_from_command_line(shlex.split(command))
    if name:
        django.setup()
        call_command("check", fail_level="WARNING")
        call_command("migrate", verbosity=0)
        setup_test_environment()
        SCENARIOS.get(name, lambda: None)()


def child(request: dict[str, Any]) -> None:
    """Become a process of the project."""
    signal.alarm(SECONDS)
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["env"], DJANGO_SETTINGS_MODULE="mysite.settings")
    sys.path.insert(0, request["folder"])
    status = 1
    try:
        main(request["scenario"], request["commands"])
        status = 0
    except SystemExit as end:
        status = 1 if end.code else 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def serve() -> None:
    """Answer requests until there are no more."""
    for module in PRELOADED:
        importlib.import_module(module)
    for line in sys.stdin:
        if not (pid := os.fork()):
            child(json.loads(line))
        _, status = os.waitpid(pid, 0)
        print(status, flush=True)


if __name__ == "__main__":
    serve()
