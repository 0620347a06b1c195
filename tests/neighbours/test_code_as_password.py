"""Packages that know only a username and a password get a code as the password."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from tests.neighbours.projects import run_project
from tests.user_models import UserModel

pytestmark = pytest.mark.skipif(
    UserModel._meta.label != "swap_to_email_otp.EmailOTPUser", reason="one user model is enough"
)

SETTINGS = """
ours["INSTALLED_APPS"] = [*ours["INSTALLED_APPS"], {apps}]
ours["AUTHENTICATION_BACKENDS"] = [
    *ours["AUTHENTICATION_BACKENDS"], "swap_user.backends.CodeAsPasswordBackend",
]
ours["ROOT_URLCONF"] = "urls"
# Tables without migrations, which would take half of the time.
labels = [name.rpartition(".")[2] for name in ours["INSTALLED_APPS"]]
ours["MIGRATION_MODULES"] = dict.fromkeys([*labels, "swap_to_email_otp"])
"""

START = """
import json
from django.core.management import call_command
from django.test import Client

call_command("migrate", run_syncdb=True, verbosity=0)
from swap_user.models import WrongGuess
from swap_user.otp import send_code
from swap_user.testing import enroll_authenticator, outbox
from tests.support import give, make_user, username

user = make_user(is_staff=True, is_superuser=True)
give(user)
client = Client()


def unbound():
    send_code(None, username())
    return outbox[-1].otp


def bound(client):
    client.post("/account/login/", {"username": username()})
    return outbox[-1].otp


def post(data, client=client, **extra):
    response = client.post(URL, data, **extra)
    return response.status_code, response.content.decode()


def tell(name, answer):
    said[name] = answer


def the_same_for_all(make, **extra):
    # What each of these texts as a password leads to, with the number of wrong guesses.
    tell("not a code", post(make("correct horse"), **extra)[0])
    tell("wrong", post(make("00000000"), **extra)[0])
    tell("guesses", WrongGuess.objects.count())
    tell("bound to a browser", post(make(bound(Client())), **extra)[0])
    tell("right", post(make(unbound()), **extra))
    tell("used", post(make(outbox[-1].otp), **extra)[0])
"""


def run(apps: str, urls: str, program: str, settings: str = "") -> Any:
    return run_project(SETTINGS.format(apps=apps) + settings, START + program, {"urls.py": urls})


def needs(module: str, *names: str) -> Any:
    """Mark a test of packages, and skip it where one of them is not installed."""

    def mark(test: Any) -> Any:
        missing = pytest.mark.skipif(find_spec(module) is None, reason=f"{module} is missing")
        return pytest.mark.neighbour(*names)(missing(test))

    return mark


def assert_codes(said: Any, refused: int, right: int = 200) -> None:
    """What is common to all of them."""
    assert (said["not a code"], said["wrong"], said["used"]) == (refused,) * 3
    assert said["guesses"] == 1
    assert said["bound to a browser"] == refused
    assert said["right"][0] == right, said["right"]


@pytest.mark.requirement("R23")
@needs("rest_framework", "djangorestframework")
def test_tokens_of_rest_framework(shared_redis: Any) -> None:
    """``obtain_auth_token``, and a view that needs the token."""
    said = run(
        '"rest_framework", "rest_framework.authtoken"',
        """
from django.urls import include, path
from rest_framework.authentication import TokenAuthentication
from rest_framework.authtoken.views import obtain_auth_token
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

class Private(APIView):
    authentication_classes, permission_classes = [TokenAuthentication], [IsAuthenticated]
    def get(self, request):
        return Response(str(request.user.pk))

urlpatterns = [
    path("token/", obtain_auth_token), path("private/", Private.as_view()),
    path("account/", include("swap_user.otp.urls")),
]
""",
        """
URL = "/token/"
the_same_for_all(lambda text: {"username": username(), "password": text})
token = json.loads(said["right"][1])["token"]
private = client.get("/private/", headers={"Authorization": f"Token {token}"})
said["private"], said["user"] = json.loads(private.content), str(user.pk)
""",
    )
    assert_codes(said, refused=400)
    assert said["private"] == said["user"]


@pytest.mark.requirement("R51")
@needs("dj_rest_auth", "dj-rest-auth")
@pytest.mark.parametrize("session", [False, True], ids=["token", "session"])
def test_dj_rest_auth(session: bool, shared_redis: Any) -> None:
    """Its login, by the name of the model's field; with a session it is a login with a code."""
    said = run(
        '"rest_framework", "rest_framework.authtoken", "dj_rest_auth"',
        """
from django.contrib import admin
from django.urls import include, path
urlpatterns = [
    path("auth/", include("dj_rest_auth.urls")), path("admin/", admin.site.urls),
    path("account/", include("swap_user.otp.urls")),
]
""",
        """
URL = "/auth/login/"
the_same_for_all(lambda text: {"email": username(), "password": text})
said["admin"] = client.get("/admin/").status_code
browser = Client()
code = bound(browser)
said["in its session"] = post({"email": username(), "password": code}, browser)[0]
""",
        f'ours["REST_AUTH"] = {{"SESSION_LOGIN": {session}}}',
    )
    assert_codes(said, refused=400)
    assert "key" in said["right"][1]
    assert said["admin"] == (200 if session else 302)
    assert said["in its session"] == 200


OAUTH_URLS = """
from django.contrib import admin
from django.urls import include, path
from oauth2_provider import urls
urlpatterns = [
    path("o/", include(urls)), path("account/", include("swap_user.otp.urls")),
]
"""

OAUTH = """
ours["OAUTH2_PROVIDER"] = {"PKCE_REQUIRED": False}
ours["LOGIN_URL"] = "/account/login/"
ours["SWAP_USER"] = {
    **ours["SWAP_USER"], "OTP_PROXIES": 0, "OTP_LIMITS": {"guesses_per_address": 3},
}
"""


@pytest.mark.requirement("R23")
@needs("oauth2_provider", "django-oauth-toolkit")
def test_the_password_grant(shared_redis: Any) -> None:
    """It takes codes that are bound to no session, and the limits of the address hold."""
    said = run(
        '"oauth2_provider"',
        OAUTH_URLS,
        """
from oauth2_provider.models import get_application_model

get_application_model().objects.create(
    name="app", client_id="app", client_type="public", authorization_grant_type="password",
)
URL = "/o/token/"


def grant(text):
    return {
        "grant_type": "password", "client_id": "app", "username": username(), "password": text,
    }


the_same_for_all(grant, REMOTE_ADDR="203.0.113.7")
for _ in range(2):
    post(grant("00000000"), REMOTE_ADDR="203.0.113.7")
code = unbound()
said["limited"] = post(grant(code), REMOTE_ADDR="203.0.113.7")[0]
said["elsewhere"] = post(grant(code), REMOTE_ADDR="198.51.100.7")[0]
""",
        OAUTH,
    )
    assert_codes(said, refused=400)
    assert "access_token" in said["right"][1]
    assert (said["limited"], said["elsewhere"]) == (400, 200)


@needs("oauth2_provider", "django-oauth-toolkit")
def test_the_authorization_page(shared_redis: Any) -> None:
    """The way that the docs advise: an app opens our login, and gets a code of OAuth."""
    said = run(
        '"oauth2_provider"',
        OAUTH_URLS,
        """
from oauth2_provider.models import get_application_model

get_application_model().objects.create(
    name="app", client_id="app", client_type="public", skip_authorization=True,
    authorization_grant_type="authorization-code", redirect_uris="https://app.example/back",
)
page = "/o/authorize/?response_type=code&client_id=app&redirect_uri=https://app.example/back"
login = client.get(page)["Location"]
said["login"] = login.partition("?")[0]
client.post(login, {"username": username()})
target = client.post("/account/check-otp/?" + login.partition("?")[2], {"otp": outbox[-1].otp})
back = client.get(target["Location"])["Location"]
said["back"] = back.partition("?")[0]
data = {
    "grant_type": "authorization_code", "client_id": "app", "code": back.partition("code=")[2],
    "redirect_uri": "https://app.example/back",
}
said["token"] = client.post("/o/token/", data).json()
""",
        OAUTH,
    )
    assert said["login"] == "/account/login/"
    assert said["back"] == "https://app.example/back"
    assert "access_token" in said["token"]
