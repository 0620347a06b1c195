"""What browser tests of the pages on sign-in methods share."""

from __future__ import annotations

import io
import subprocess
import time
from typing import Any

from django.test import Client

from swap_user.testing import log_in
from tests.browser.conftest import missing

METHODS = "/admin/sign-in-methods/"

ADD = f"{METHODS}add/"

CODES = f"{METHODS}recovery-codes/"


def let_in(page: Any, user: Any, live_server: Any) -> None:
    """Log the browser in, without the pages of the login."""
    client = Client()
    log_in(client, user)
    cookie = {"name": "sessionid", "value": client.session.session_key, "url": live_server.url}
    page.context.add_cookies([cookie])


def oathtool(uri: str, *, step: int = 0) -> str:
    """What another program shows as the code of a provisioning URI."""
    from urllib.parse import parse_qs, urlsplit

    options = {name: values[0] for name, values in parse_qs(urlsplit(uri).query).items()}
    now = f"--now=@{int(time.time()) + step * 30}"
    command = [
        "oathtool",
        "--totp=SHA1",
        "-d",
        options.get("digits", "6"),
        now,
        "-b",
        options["secret"],
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def scan(page: Any) -> str:
    """Read the QR code off a screenshot, as a phone would."""
    try:
        import zxingcpp
        from PIL import Image
    except ImportError:
        return str(missing("zxing-cpp or Pillow is not installed"))
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    (found,) = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    return str(found.text)


def begin(page: Any, name: str = "Work phone") -> str:
    """Go through the first half of the page, and return what the picture says."""
    page.goto(ADD)
    page.fill("#id_name", name)
    page.click("text=Continue")
    page.wait_for_selector(".otp-qr")
    return scan(page)


def make_stale(user: Any) -> None:
    """Let an hour pass since the user's logins."""
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session

    for row in Session.objects.all():
        store = SessionStore(row.session_key)
        if proof := store.get("_swap_user_proof"):
            at = time.time() - 3600
            store["_swap_user_proof"] = proof | {"factors": dict.fromkeys(proof["factors"], at)}
        store.save()


def ask_policy_again() -> None:
    """Let the five minutes pass for which sessions remember whether an app is required."""
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session

    for row in Session.objects.all():
        store = SessionStore(row.session_key)
        store.pop("_swap_user_must_enroll", None)
        store.save()
