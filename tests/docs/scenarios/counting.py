"""Counters of what the login does."""

from __future__ import annotations

import re

from tests.docs.scenarios.steps import EMAIL, log_in, mailed, scenario, user_known_by


def use_the_login() -> None:
    """A login after a wrong code, a request for no account, a limit, and an outage."""
    from unittest.mock import patch

    from django.test import Client, override_settings

    from swap_user import signals
    from swap_user.otp import end_sessions

    user = user_known_by(EMAIL)
    log_in(EMAIL, mailed)
    client = Client()
    client.post("/admin/login/", {"username": "nobody@example.com"})
    client.post("/admin/check-otp/", {"otp": "000000"})
    end_sessions(user)
    with (
        patch("swap_user.otp.senders.EmailOTPSender.send", side_effect=OSError),
        override_settings(SWAP_USER={"OTP_SENDER_CLASS": "swap_user.otp.senders.EmailOTPSender"}),
    ):
        client.post("/admin/login/", {"username": EMAIL})
    signals.login_unavailable.send_robust(None, server="redis", error="ConnectionError")


COUNTED = {
    ("code_requested", ""): 3,
    ("code_sent", "EmailOTPSender"): 1,
    ("delivery_failed", "EmailOTPSender"): 1,
    ("code_refused", "unknown"): 1,
    ("code_accepted", "sent"): 1,
    ("new_browser_login", ""): 1,
    ("sessions_ended", ""): 1,
    ("login_unavailable", "redis"): 1,
}


@scenario("metrics")
def _prometheus() -> None:
    from mysite import metrics
    from prometheus_client import REGISTRY, generate_latest

    from tests.docs.reading import BLOCKS

    use_the_login()
    for (name, value), number in COUNTED.items():
        labels = {metrics.COUNTED[name]: value} if metrics.COUNTED[name] else {}
        assert REGISTRY.get_sample_value(f"login_{name}_total", labels) == number, name
    assert REGISTRY.get_sample_value("login_code_sent_seconds_count") == 1
    # The rules name what there is.
    (rules,) = (each.body for each in BLOCKS if each.language == "yaml")
    exported = set(re.findall(r"^# TYPE (login_\w+)", generate_latest().decode(), re.MULTILINE))
    used = set(re.findall(r"login_\w+", rules))
    assert {each.removesuffix("_bucket") for each in used} <= exported
    assert EMAIL not in generate_latest().decode()


@scenario("metrics-otel")
def _opentelemetry() -> None:
    from mysite.metrics import COUNTED as ATTRIBUTES
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader]))
    use_the_login()
    data = reader.get_metrics_data()
    (scope,) = data.resource_metrics[0].scope_metrics
    found = {each.name: each.data.data_points for each in scope.metrics}
    for (name, value), number in COUNTED.items():
        (point,) = found[f"login.{name}"]
        assert point.value == number, name
        assert point.attributes == ({ATTRIBUTES[name]: value} if ATTRIBUTES[name] else {})
    assert found["login.code_sent.duration"][0].count == 1
