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
from collections.abc import Callable, Iterator
from typing import Any

EMAIL, PHONE = "me@example.com", "+447400123456"

SCENARIOS: dict[str, Callable[[], None]] = {}


def scenario(*names: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    def register(function: Callable[[], None]) -> Callable[[], None]:
        SCENARIOS.update(dict.fromkeys(names, function))
        return function

    return register


def code_mails() -> list[Any]:
    """Return the messages that carry a code, and none of those that tell of a change."""
    from django.core import mail

    return [each for each in mail.outbox if re.search(r"\b\d{6}\b", each.body)]


def mailed() -> str:
    return re.search(r"\b\d{6}\b", code_mails()[-1].body)[0]


def pushed() -> str:
    from mysite import push

    return re.search(r"\b\d{6}\b", push.sent[-1][2])[0]


def remembered() -> str:
    from swap_user.testing import outbox

    return outbox[-1].otp


def app_code(secret: str, *, steps: int = 0) -> str:
    """Return what an app with this secret shows, or will in so many steps."""
    import time

    import pyotp

    return pyotp.TOTP(secret).at(time.time(), counter_offset=steps)


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
    code, *_ = got  # what follows tells of the login from a new browser
    assert code["to"] == PHONE
    assert re.fullmatch(
        r"(\d{6}) is your code to log in to My site\. It is valid for 5 minutes\. "
        r"Never pass it on\.\n\n@testserver #\1",
        code["text"],
    )


@scenario("email")
def _email() -> None:
    from django.test import override_settings

    user_known_by(EMAIL)
    log_in(EMAIL, mailed)
    assert code_mails()[-1].subject == "Your code from us"
    with override_settings(
        SWAP_USER={"OTP_SENDER_CLASS": "swap_user.otp.senders.EmailOTPSender", "OTP_ISSUER": "Us"}
    ):
        log_in(EMAIL, mailed)
    message = code_mails()[-1]
    assert message.subject == f"{mailed()} is your code for Us"
    assert message.from_email == "My site <no-reply@example.com>"
    assert "It is good for 5 minutes." in message.body


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


@scenario("limits")
def _limits() -> None:
    from django.test import RequestFactory

    from swap_user.otp.visitors.client_ip import client_address

    user_known_by(EMAIL)
    log_in(EMAIL, mailed)
    forwarded = "192.0.2.66, 203.0.113.7, 198.51.100.1"  # made up, the visitor's, the balancer's
    request = RequestFactory().get("/", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == "203.0.113.7"


@scenario("limits-views")
def _views_with_limits() -> None:
    from django.test import Client

    walk_the_views()
    known, strange = Client(), Client()
    known.post("/login/", {"username": EMAIL})
    known.post("/login/code/", {"otp": mailed()})
    del known.cookies["sessionid"]
    for _ in range(17):
        strange.post("/login/", {"username": EMAIL})
        page = strange.post("/login/code/", {"otp": "000000"}).content.decode()
    assert "Too many wrong codes. Come back in" in page
    assert "it will be longer" in page
    known.post("/login/", {"username": EMAIL})
    assert "did not work" in known.post("/login/code/", {"otp": "12"}).content.decode()
    known.post("/login/code/", {"otp": mailed()})
    assert "_auth_user_id" in known.session


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
    for _ in range(20):
        refused = post("/api/token/", username=EMAIL, otp="000000")
    assert refused.status_code == 429


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
    new = sealed_after_a_login(*keys)  # the second key reads it, the first one writes it
    assert new.split(".")[1] != old.split(".")[1]
    assert sealed_after_a_login(keys[0]) == new
    assert sealed_after_a_login(keys[1]) != new  # a key is gone: a new secret, nobody locked out


@scenario("key-rotation")
def _key_rotation() -> None:
    from io import StringIO

    from django.conf import settings
    from django.core.management import CommandError, call_command
    from django.test import Client, override_settings

    from swap_user.models import Authenticator
    from swap_user.otp import enroll
    from swap_user.otp.crypto.keyring import decode_key, key_id

    user = user_known_by(EMAIL)
    (k2,) = settings.SWAP_USER["OTP_ENCRYPTION_KEYS"]
    k1 = "azEsIG9sZCwgb25seSBmb3IgdGhlc2UgZG9jcyEhISE="
    shown: dict[str, str] = {}

    def using(*keys: str) -> Any:
        sender = "swap_user.testing.MemoryOTPSender"
        return override_settings(
            SWAP_USER={"OTP_SENDER_CLASS": sender, "OTP_ENCRYPTION_KEYS": keys}
        )

    def app_lets_in() -> bool:
        Authenticator.objects.exclude(type="sent").update(consumed=0)
        from django.core.cache import cache

        cache.clear()
        client = Client()
        client.post("/admin/login/", {"username": EMAIL})
        answer = client.post("/admin/check-otp/", {"otp": app_code(shown["secret"])})
        return bool(answer.status_code == 302)

    def rotate() -> str:
        out = StringIO()
        call_command("rotate_otp_keys", stdout=out)
        return out.getvalue()

    with using():  # before the first key of one's own
        enrollment = enroll(user)
        shown["secret"] = enrollment.secret
        enrollment.confirm(app_code(enrollment.secret))
        assert app_lets_in()
    with using(k1):
        assert app_lets_in()
        rotate()
    with using(k1, k2):
        assert app_lets_in()
    with using(k2, k1):
        said = rotate()
        assert f"secrets now use the key {key_id(decode_key(k2))} (" in said
        assert app_lets_in()
    with using(k2):
        assert app_lets_in()
    with using(k1):
        assert not app_lets_in()
        log_in(EMAIL, remembered)  # the sent code does
        with contextlib.suppress(CommandError):
            rotate()
            raise RuntimeError("nothing was said of the secret that can't be read")
    with using(k1, k2):
        assert app_lets_in()


@scenario("authenticators")
def _authenticators() -> None:
    from django.core import mail
    from django.test import Client, override_settings

    from swap_user.models import Authenticator

    user = user_known_by(EMAIL)
    from_terminal = Authenticator.objects.exclude(type="sent").get()
    assert (from_terminal.name, from_terminal.user) == ("Work phone", user)
    assert mail.outbox == []  # that was another process

    client, elsewhere = Client(), Client()
    for each in (client, elsewhere):
        each.post("/admin/login/", {"username": EMAIL})
        each.post("/admin/check-otp/", {"otp": mailed()})
    assert elsewhere.get("/admin/").status_code == 200
    page = client.get("/app/")
    text = page.content.decode()
    assert "<svg" in text
    assert "no-store" in page["Cache-Control"]
    secret = re.search(r"<code>(\w+)</code>", text)[1]
    wrong = client.post("/app/", {"otp": "12"}).content.decode()
    assert "That is not the code" in wrong
    assert secret not in wrong
    assert secret not in str(dict(client.session.items()))
    added = client.post("/app/", {"otp": app_code(secret)})
    assert added["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302
    assert Authenticator.objects.exclude(type="sent").count() == 2
    assert "was added" in mail.outbox[-1].subject
    assert "Site: My site" in mail.outbox[-1].body
    log_in(EMAIL, lambda: app_code(secret, steps=1))
    with override_settings(SWAP_USER={"OTP_FRESH_LOGIN": 30}):
        import time
        from unittest.mock import patch

        with patch("swap_user.otp.sessions.sessions.time.time", return_value=time.time() + 31):
            stale = client.get("/app/")
    assert stale["Location"] == "/admin/login/?next=/app/"
    assert client.get("/admin/").status_code == 302


@scenario("recovery")
def _recovery() -> None:
    from django.core import mail
    from django.test import Client

    user_known_by(EMAIL)
    client = Client()
    client.post("/admin/login/", {"username": EMAIL})
    client.post("/admin/check-otp/", {"otp": mailed()})
    assert "You have 0 recovery codes" in client.get("/recovery/").content.decode()
    page = client.post("/recovery/")
    assert "no-store" in page["Cache-Control"]
    codes = re.findall(r"<code>([\w-]+)</code>", page.content.decode())
    assert len(codes) == 10
    assert "You have 10 recovery codes" in client.get("/recovery/").content.decode()
    log_in(EMAIL, lambda: codes[0].lower().replace("-", " ").replace("0", "o"))
    assert any("9 codes are left" in each.body for each in mail.outbox)
    assert "You have 9 recovery codes" in client.get("/recovery/").content.decode()
    with contextlib.suppress(AssertionError):
        log_in(EMAIL, lambda: codes[0])
        raise RuntimeError("got in twice")


@scenario("recovery-reset")
def _reset() -> None:
    from django.core.management import call_command
    from django.test import Client, override_settings

    from swap_user.models import Authenticator, RecoveryCode
    from swap_user.otp import enroll, generate_recovery_codes

    user = user_known_by(EMAIL)
    enrollment = enroll(user)
    enrollment.confirm(app_code(enrollment.secret))
    generate_recovery_codes(user)
    client = Client()
    client.force_login(user)
    out = io.StringIO()
    call_command("reset_otp", EMAIL, "--limits-only", stdout=out)
    assert "limits lifted" in out.getvalue()
    assert RecoveryCode.objects.count() == 10
    assert client.get("/admin/").status_code == 200
    call_command("reset_otp", EMAIL.upper(), stdout=out)
    assert "revoked authenticators: 1, recovery codes: 10." in out.getvalue()
    assert not RecoveryCode.objects.exists()
    assert client.get("/admin/").status_code == 302
    for policy in ("AnyCode", "AuthenticatorOnceEnrolled", "Both"):
        with override_settings(
            SWAP_USER={
                "OTP_SENDER_CLASS": "swap_user.testing.MemoryOTPSender",
                "OTP_POLICY_CLASS": f"swap_user.otp.policies.{policy}",
            }
        ):
            log_in(EMAIL, remembered)
    assert Authenticator.objects.get().type == "sent"


def give_app(user: Any) -> str:
    """Enroll an app, whose next code is still to be had, and return its secret."""
    from swap_user.otp import enroll

    enrollment = enroll(user)
    enrollment.confirm(app_code(enrollment.secret))
    return enrollment.secret


@scenario("policies", "policies-own")
def _app_once_enrolled() -> None:
    user = user_known_by(EMAIL)
    log_in(EMAIL, mailed)
    secret = give_app(user)
    before = code_mails()
    log_in(EMAIL, lambda: app_code(secret, steps=1))
    assert code_mails() == before


@scenario("policies-staff")
def _staff_must_enroll() -> None:
    from django.test import Client

    user = user_known_by(EMAIL)
    client = Client()
    client.post("/admin/login/", {"username": EMAIL})
    client.post("/admin/check-otp/", {"otp": mailed()})
    assert client.get("/admin/")["Location"] == "/admin/sign-in-methods/add/"
    page = client.post("/admin/sign-in-methods/add/", {"name": "Phone"}).context
    secret = page["secret"].replace(" ", "")
    client.post("/admin/sign-in-methods/add/", {"otp": app_code(secret)})
    assert client.get("/admin/").status_code == 200
    assert user.otp_authenticators.get(type="totp").name == "Phone"
    log_in(EMAIL, lambda: app_code(secret, steps=1))


@scenario("policies-both")
def _both() -> None:
    from django.test import Client

    user = user_known_by(EMAIL)
    secret = give_app(user)
    client = Client()
    for _ in range(2):  # who begins again begins with the first half
        client.post("/login/", {"username": EMAIL})
        second = client.post("/login/code/", {"otp": mailed()}).content.decode()
        assert "Now the code of your app" in second
    assert "_auth_user_id" not in client.session
    client.post("/login/code/", {"otp": app_code(secret, steps=1)})
    assert "_auth_user_id" in client.session


@scenario("policies-password")
def _password_then_code() -> None:
    from unittest.mock import patch

    from django.test import Client

    user = user_known_by(EMAIL, password="right")

    def first_step(password: str) -> Any:
        return client.post("/login/", {"username": EMAIL, "password": password})

    client = Client()
    assert "is wrong" in first_step("wrong").content.decode()
    assert first_step("right")["Location"] == "/login/code/"
    assert "_auth_user_id" not in client.session
    client.post("/login/code/", {"otp": mailed()})
    assert client.session["_auth_user_id"] == str(user.pk)

    client = Client()  # who comes too late begins again
    with patch("swap_user.otp.challenges.factors_shown.add"):
        first_step("right")
    assert client.post("/login/code/", {"otp": mailed()})["Location"] == "/login/"
    first_step("right")
    client.post("/login/code/", {"otp": mailed()})
    assert "_auth_user_id" in client.session


@scenario("senders-notify")
def _notify() -> None:
    from mysite import push

    user = user_known_by(EMAIL)
    give_app(user)
    to, title, text = push.sent[-1]
    assert (to, title) == (EMAIL, "An authenticator was added to your account")
    assert "Site: My site" in text


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

# Commands of a site that is in use.
NEED_A_USER = {"enroll_authenticator", "reset_otp"}
NEED_TABLES = {*NEED_A_USER, "rotate_otp_keys"}


@contextlib.contextmanager
def app_in_reach() -> Iterator[None]:
    """Let an app that reads the secret from the terminal answer what a command asks."""
    from unittest.mock import patch

    terminal = io.StringIO()

    def answer(prompt: str) -> str:
        return app_code(re.search(r"type the secret (\w+)", terminal.getvalue())[1])

    with contextlib.redirect_stdout(terminal), patch("builtins.input", answer):
        try:
            yield
        finally:
            sys.__stdout__.write(terminal.getvalue())


@contextlib.contextmanager
def deliveries_awaited() -> Iterator[None]:
    """Deliver as the project does, in threads, and wait for it: what was sent is looked at next."""
    from unittest.mock import patch

    from swap_user.otp.dispatchers import ThreadDispatcher
    from swap_user.testing import wait_for_deliveries

    submit = ThreadDispatcher._submit

    def submit_and_wait(*arguments: Any) -> None:
        submit(*arguments)
        assert wait_for_deliveries(SECONDS / 2)

    with patch.object(ThreadDispatcher, "_submit", submit_and_wait):
        yield


def main(name: str, commands: list[str]) -> None:
    """Run the commands in the project of the current folder, then check it and play a scenario."""
    import django
    from django.core.management import call_command, execute_from_command_line
    from django.test.utils import setup_test_environment

    for command in commands:
        arguments = shlex.split(command)
        if arguments[1] in NEED_TABLES:
            django.setup()
            call_command("migrate", verbosity=0)
        if arguments[1] in NEED_A_USER:
            user_known_by(EMAIL)
        with app_in_reach():
            execute_from_command_line(arguments)
    if name:
        django.setup()
        call_command("check", fail_level="WARNING")
        call_command("migrate", verbosity=0)
        setup_test_environment()
        with deliveries_awaited():
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
