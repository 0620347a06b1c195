"""Encryption keys, and settings of production."""

from __future__ import annotations

import contextlib
from typing import Any

from tests.docs.scenarios.steps import (
    EMAIL,
    app_code,
    log_in,
    mailed,
    remembered,
    scenario,
    user_known_by,
)


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
