"""An error tracker that keeps the local variables of every frame sees no code and no secret."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from tests.neighbours.projects import run_project
from tests.user_models import UserModel

pytestmark = [
    pytest.mark.requirement("R54"),
    pytest.mark.skipif(find_spec("sentry_sdk") is None, reason="sentry-sdk is not installed"),
    pytest.mark.skipif(
        UserModel._meta.label != "swap_to_email_otp.EmailOTPUser", reason="one model is enough"
    ),
]


@pytest.mark.xfail(strict=True, reason="the typed code ten times in the event")
def test_one_server_error_on_the_code_page(shared_redis: Any) -> None:
    """With sentry-sdk's defaults: a 500 after the code was compared."""
    said = run_project(
        "",
        """
import json
import sentry_sdk
from sentry_sdk.transport import Transport

events = []


class Memory(Transport):
    def capture_envelope(self, envelope):
        event = envelope.get_event()
        if event:
            events.append(event)


sentry_sdk.init(dsn="https://key@example.com/1", transport=Memory)
from django.core.management import call_command
from django.test import Client

call_command("migrate", verbosity=0)
from swap_user.otp.verification import consumption
from swap_user.testing import outbox
from tests.support import make_user, username


def fails(*args, **kwargs):
    raise RuntimeError("forced")


make_user(is_staff=True)
client = Client(raise_request_exception=False)
client.post("/admin/login/", {"username": username()})
code = str(outbox[-1].otp)
consumption.consume = fails
said["status"] = client.post("/admin/check-otp/", {"otp": code}).status_code
(event,) = events
(value,) = event["exception"]["values"]
said["frames"] = [frame["function"] for frame in value["stacktrace"]["frames"]]
event["request"].pop("data")
said["times"] = json.dumps(event, default=repr).count(code)
""",
    )
    assert said["status"] == 500
    assert "_verify_code" in said["frames"]
    assert said["times"] == 0
