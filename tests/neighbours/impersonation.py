"""A site on which a superuser becomes another user. Run as a program: its argument is a package."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

APPS = {"loginas": "loginas", "hijack": "hijack", "impersonate": "impersonate"}
MIDDLEWARE = {
    "loginas": [],
    "hijack": ["hijack.middleware.HijackUserMiddleware"],
    "impersonate": ["impersonate.middleware.ImpersonateMiddleware"],
}


def set_up(package: str) -> None:
    """Configure Django with this package installed."""
    from tests.settings import to_email_otp as base

    ours = {name: getattr(base, name) for name in dir(base) if name.isupper()}
    ours |= {
        "INSTALLED_APPS": [*base.INSTALLED_APPS, APPS[package]],
        "MIDDLEWARE": [*base.MIDDLEWARE, *MIDDLEWARE[package]],
        "ROOT_URLCONF": "tests.neighbours.impersonation_urls",
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        # By default, the admin is left out.
        "IMPERSONATE": {"URI_EXCLUSIONS": []},
        "LOGIN_REDIRECT_URL": "/whoami/",
        "LOGOUT_REDIRECT_URL": "/whoami/",
    }
    settings.configure(**ours)

    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def who_am_i(request: HttpRequest) -> HttpResponse:
    """Return the primary key of the user who is logged in, or None."""
    return HttpResponse(str(request.user.pk))


def become(client: Any, package: str, user: Any) -> None:
    """Let the superuser who is logged in act as ``user``."""
    if package == "loginas":
        client.post(f"/login/user/{user.pk}/")
    elif package == "hijack":
        client.post("/hijack/acquire/", {"user_pk": user.pk})
    else:
        client.get(f"/impersonate/{user.pk}/")


def release(client: Any, package: str) -> None:
    """Let the superuser be themselves again."""
    if package == "loginas":
        client.get("/logout/")
    elif package == "hijack":
        client.post("/hijack/release/")
    else:
        client.get("/impersonate/stop/")


def log_in(client: Any, user: Any) -> int:
    """Log in with a sent code, on the pages of the OTP admin. Return the status of its index."""
    from swap_user.testing import outbox

    client.post("/admin/login/", {"username": user.get_username()})
    client.post("/admin/check-otp/", {"otp": outbox[-1].otp})
    return client.get("/admin/").status_code


def seen(client: Any) -> dict[str, Any]:
    """What the session shows, and whether sign-in methods can be changed in it."""
    from swap_user.models import RecoveryCode

    before = RecoveryCode.objects.count()
    page = client.get("/admin/sign-in-methods/recovery-codes/").content.decode()
    fields = dict(re.findall(r'<input type="hidden" name="(replaces)" value="([^"]*)">', page))
    answer = client.post("/admin/sign-in-methods/recovery-codes/", fields, follow=True)
    return {
        "user": client.get("/whoami/").content.decode(),
        "admin": client.get("/admin/").status_code,
        "add": client.post("/admin/sign-in-methods/add/", {"name": "x"}).status_code,
        "codes shown": "<li><code dir=" in answer.content.decode(),
        "codes made": RecoveryCode.objects.count() - before,
        "login page": client.get("/admin/login/").status_code,
    }


def main(package: str) -> None:
    """Print what a superuser can do before, while and after they act as another user."""
    set_up(package)
    from django.test import Client

    from tests.support import make_user

    boss = make_user(1, is_staff=True, is_superuser=True)
    victim = make_user(2, is_staff=True, is_superuser=package != "impersonate")
    client = Client()
    found: dict[str, Any] = {"boss": str(boss.pk), "victim": str(victim.pk)}
    found["in"] = log_in(client, boss)
    become(client, package, victim)
    found["as another"] = seen(client)
    release(client, package)
    found["released"] = seen(client)
    found["in again"] = log_in(client, boss)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
