"""A site with login pages of allauth and Django REST framework beside the OTP admin. A program."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings

PASSWORD = "correct horse"

PAGES = {
    "/accounts/login/": {"login": "user1", "password": PASSWORD},
    "/api/login/": {"username": "user1", "password": PASSWORD},
    "/plain/login/": {"username": "user1", "password": PASSWORD},
}


def set_up() -> None:
    """Configure Django with both packages, and with the policy that asks for two factors."""
    from tests.settings import auth_user as base

    ours = {name: getattr(base, name) for name in dir(base) if name.isupper()}
    ours |= {
        "INSTALLED_APPS": [*base.INSTALLED_APPS, "rest_framework", "allauth", "allauth.account"],
        "MIDDLEWARE": [*base.MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"],
        "AUTHENTICATION_BACKENDS": [
            "swap_user.backends.OTPBackend",
            "allauth.account.auth_backends.AuthenticationBackend",
        ],
        "ROOT_URLCONF": "tests.neighbours.password_pages_urls",
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        "SWAP_USER": base.SWAP_USER | {"OTP_POLICY_CLASS": "swap_user.otp.policies.Both"},
    }
    settings.configure(**ours)

    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def seen(page: str, data: dict[str, str]) -> dict[str, Any]:
    """What a browser that has logged in on this page may do."""
    from django.test import Client

    from swap_user.models import RecoveryCode
    from swap_user.testing import outbox

    client = Client()
    client.post(page, data)
    found: dict[str, Any] = {
        "logged in": "_auth_user_id" in client.session,
        "admin": client.get("/admin/").status_code,
        "login page": client.get("/admin/login/").status_code,
    }
    client.post("/admin/sign-in-methods/recovery-codes/")
    found["codes made"] = RecoveryCode.objects.count()
    client.post("/admin/login/", {"username": "user1", "password": PASSWORD})
    found["half way"] = client.get("/admin/").status_code
    client.post("/admin/check-otp/", {"otp": outbox[-1].otp})
    found["in the end"] = client.get("/admin/").status_code
    return found


def main() -> None:
    """Print what each page lets its users do, and what the check reports."""
    set_up()
    from swap_user.checks.login_pages import check_login_pages
    from tests.support import make_user

    user = make_user(is_staff=True, is_superuser=True)
    user.set_password(PASSWORD)
    user.save()
    found: dict[str, Any] = {page: seen(page, data) for page, data in PAGES.items()}
    found["reported"] = sorted(each.msg.split()[3] for each in check_login_pages(None))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
