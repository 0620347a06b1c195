"""An error of the server shows no code, password, token or secret in its report (R41, R54)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory
from django.urls import resolve
from django.views.debug import ExceptionReporter

from tests import ROOT
from tests.api.clients import BASE, AppClient, logged_in
from tests.api.conftest import sent_code
from tests.support import configure, use_policy, username

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R41", "R54")]


def report_of(app: AppClient, path: str, **members: str) -> str:
    """Return the report of an error in an operation, in both of its forms."""
    request = RequestFactory().post(
        BASE + path, members, content_type="application/json", headers=app.headers()
    )
    view, args, kwargs = resolve(BASE + path)
    with pytest.raises(ZeroDivisionError) as caught:
        view(request, *args, **kwargs)
    trace = caught.value.__traceback__
    while trace and trace.tb_frame.f_code.co_filename.startswith(f"{ROOT}/tests/"):
        trace = trace.tb_next  # these frames hold it by nature
    reporter = ExceptionReporter(request, caught.type, caught.value, trace)
    report = reporter.get_traceback_html() + reporter.get_traceback_text()
    assert "swap_user/api/operations.py" in report
    return report


def fail(*args: Any, **kwargs: Any) -> None:
    """Fail in the middle of the work."""
    raise ZeroDivisionError


def test_login(user: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the code is verified."""
    configure(settings, OTP_DIGITS=10)
    app = AppClient()
    app.ask()
    code = sent_code()
    monkeypatch.setattr("swap_user.otp.verification.marks._TAKE", fail)
    report = report_of(app, "session/", username=username(), otp=code, flow=app.flow)
    assert "in verify" in report
    assert code not in report


def test_after_the_login(user: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the session is stored: neither the code nor a token is shown."""
    configure(settings, OTP_DIGITS=10)
    app = logged_in(AppClient(), sent_code)
    app.ask()
    code = sent_code()
    monkeypatch.setattr("swap_user.api.clients.records.follow", fail)
    report = report_of(app, "step-up/", otp=code)
    assert code not in report
    assert app.token not in report
    assert app.token.removeprefix("sut_") not in report


@pytest.mark.user_model("password")
def test_password(user: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the password is checked."""
    use_policy(settings, "Both")
    monkeypatch.setattr("swap_user.otp.verification.password_step.authenticate", fail)
    members = {"username": username(), "password": "correct horse", "client": "app"}
    assert "correct horse" not in report_of(AppClient(), "session/", **members)


def test_recovery_codes(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the answer that has them is made."""
    made: list[str] = []
    original = "swap_user.api.resources.recovery_codes.generate_recovery_codes"

    def generate(*args: Any) -> list[str]:
        from swap_user.otp import generate_recovery_codes

        made.extend(generate_recovery_codes(*args))
        return made

    app = logged_in(AppClient(), sent_code)
    monkeypatch.setattr(original, generate)
    monkeypatch.setattr("swap_user.api.clients.records.follow", fail)
    report = report_of(app, "recovery-codes/")
    assert len(made) == 10
    assert not any(code in report for code in made)


def test_new_authenticator(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the answer that has its secret is made."""
    app = logged_in(AppClient(), sent_code)
    seen: list[str] = []

    def note(session: Any, enrollment: Any) -> None:
        seen.append(str(enrollment.secret))
        raise ZeroDivisionError

    monkeypatch.setattr("swap_user.api.resources.authenticators.pending.save", note)
    report = report_of(app, "authenticators/", name="Phone")
    (secret,) = seen
    assert secret not in report
