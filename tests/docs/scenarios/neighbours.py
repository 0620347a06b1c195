"""Themes of the admin, and error reports."""

from __future__ import annotations

import json

from tests.docs.scenarios.steps import EMAIL, mailed, scenario, user_known_by


@scenario("theme-unfold", "theme-jazzmin", "theme-daisy", "theme-baton", "theme-simpleui")
def _log_in_to_a_theme() -> None:
    from django.test import Client

    user_known_by(EMAIL)
    client = Client()
    assert 'name="password"' not in client.get("/admin/login/").content.decode()
    asked = client.post("/admin/login/", {"username": EMAIL})
    assert 'name="otp"' in client.get(asked["Location"]).content.decode()
    assert client.post(asked["Location"], {"otp": mailed()})["Location"] == "/admin/"
    for page in ("", "sign-in-methods/", "sign-in-methods/add/", "sign-in-methods/recovery-codes/"):
        assert client.get(f"/admin/{page}").status_code == 200


@scenario("error-reports")
def _error_reports() -> None:
    import sentry_sdk
    from django.test import Client, RequestFactory
    from mysite.error_reports import scrubber
    from sentry_sdk.integrations.django import DjangoRequestExtractor
    from sentry_sdk.transport import Transport

    from swap_user.otp.verification import consumption

    class Nowhere(Transport):
        def capture_envelope(self, envelope: object) -> None:
            """Nothing leaves this machine."""

    user_known_by(EMAIL)
    events = []
    # As the settings do.
    sentry_sdk.init(
        dsn="https://key@example.com/1",
        event_scrubber=scrubber,
        transport=Nowhere,
        before_send=lambda event, hint: events.append(event),
    )
    client = Client(raise_request_exception=False)
    client.post("/admin/login/", {"username": EMAIL})
    code = mailed()

    def fails(*args: object, **kwargs: object) -> None:
        raise RuntimeError("forced")

    consume, consumption.consume = consumption.consume, fails
    assert client.post("/admin/check-otp/", {"otp": code}).status_code == 500
    consumption.consume = consume
    (event,) = events
    assert event["request"]["data"]["otp"] == "[Filtered]"
    assert code not in json.dumps(event, default=repr)

    # A view of the project's own, whose typed code is a plain string.
    request = RequestFactory().post("/", {"otp": code})
    event = {"request": {}}
    DjangoRequestExtractor(request).extract_into_event(event)
    assert event["request"]["data"]["otp"] == code
    scrubber.scrub_event(event)
    assert code not in json.dumps(event, default=repr)
