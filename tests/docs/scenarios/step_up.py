"""Views that ask users who are logged in for a code."""

from __future__ import annotations

from typing import Any

from tests.docs.scenarios.steps import EMAIL, mailed, scenario, user_known_by


@scenario("step-up")
def _step_up() -> None:
    from django.test import Client, RequestFactory

    from swap_user.otp import session_factors
    from swap_user.testing import log_in

    user = user_known_by(EMAIL)
    assert Client().get("/pay/")["Location"] == "/account/login/?next=/pay/"
    client = Client()
    client.force_login(user)  # as another package does
    page = client.get("/pay/", follow=True)
    assert page.redirect_chain == [("/account/step-up/?next=/pay/", 302)]
    assert "Confirm that it is you" in page.content.decode()
    client.post("/account/step-up/", {"next": "/pay/"})
    answer = client.post("/account/step-up/", {"otp": mailed(), "next": "/pay/"}, follow=True)
    assert answer.content == b"Paid."
    assert _answer_of_the_class(client, user).content == b"All your data."
    request: Any = RequestFactory().get("/")
    request.user, request.session = user, client.session
    assert list(session_factors(request)) == ["sent"]
    from mysite.rules import has_shown_app

    assert not has_shown_app(request)
    log_in(client, user, factors=["authenticator"])
    request.session = client.session
    assert has_shown_app(request)


def _answer_of_the_class(client: Any, user: Any) -> Any:
    from django.test import RequestFactory
    from mysite.exports import ExportView

    request: Any = RequestFactory().get("/export/")
    request.user, request.session = user, client.session
    return ExportView.as_view()(request)
