"""
A client that calls the operations in any order, as the links of the description lead it.

schemathesis makes the requests, and compares each answer with the description. This module keeps
what a client keeps: the session token or the cookies, the flow, the secrets of its apps.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import pyotp
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction
from django.test import Client as DjangoClient
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from schemathesis.generation.stateful import APIStateMachine

from swap_user.testing import outbox
from tests.api.clients import BASE, DOCUMENT, AppClient, BrowserClient
from tests.api.stateful.figures import Figures
from tests.api.stateful.values import APP, FLOW, RECOVERY, SENT, lead_on
from tests.support import make_user

POLICIES = ["AnyCode", "AnyCode", "AuthenticatorOnceEnrolled", "Both"]
STARTS = ["app", "browser"]
STARTS += [
    f"{kind}, {state}"
    for state in ("asked", "logged in", "enrolled")
    for kind in ("app", "browser")
]

# The methods that a path does not have.
UNSUPPORTED = [
    (path, method)
    for path, operations in sorted(DOCUMENT["paths"].items())
    for method in ("GET", "PUT", "POST", "PATCH", "DELETE", "TRACE", "QUERY", "X-UNKNOWN")
    if method.lower() not in operations
]

# Between two requests, in seconds: after some of them, another code is sent.
BETWEEN = 20

# After so many requests in a row without a session, the client logs in again.
LOGGED_OUT = 2

_CONFIG = {
    "checks": {
        # Which usernames a project accepts is no matter of a schema.
        "positive_data_acceptance": {"enabled": False},
    },
    "phases": {"stateful": {"inference": {"algorithms": []}}},
}


class Client(APIStateMachine):
    """
    What is added to the machine that schemathesis makes of the description.

    Attributes:
        figures: what the run has seen.
        begin: empties Redis and sets the clock. It is called before each scenario.
        choose: chooses the policy of a scenario.
        shift: lets time pass, in seconds.
    """

    figures: Figures
    begin: Callable[[], None]
    choose: Callable[[str], None]
    shift: Callable[[float], None]

    def setup(self) -> None:
        self.flow = self.token = self.csrf_token = ""
        self.cookies: dict[str, str] = {}
        self.is_app = True
        self.refused = 0
        self.apps: dict[str, Any] = {}
        self.counter = 0
        self.recovery_codes: list[str] = []
        type(self).begin()
        self.rows = transaction.atomic()
        self.rows.__enter__()
        make_user(1)
        make_user(2)
        self.figures.scenarios += 1

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.rows.__exit__(None, None, None)

    def _repr_step(self, rule: Any, data: Any, result: Any) -> str:
        """Return a step of a failure. That of Hypothesis fails, as schemathesis drops results."""
        return f"  {rule.function.__name__}"

    @initialize(start=st.sampled_from(STARTS), policy=st.sampled_from(POLICIES))
    def come(self, start: str, policy: str) -> None:
        """A client comes: an app or a browser, and most of them have logged in before."""
        type(self).choose(policy)
        kind, _, state = start.partition(", ")
        self.is_app = kind == "app"
        if state:
            self.log_in(asks_only=state == "asked", enrolls=state == "enrolled")

    def log_in(self, *, asks_only: bool = False, enrolls: bool = False) -> None:
        """Ask for a code, log in with it, and add an authenticator app."""
        client: Any = AppClient() if self.is_app else BrowserClient()
        client.start()
        client.ask()
        if outbox and not asks_only:
            client.enter(outbox[-1].otp)
        if enrolls:
            added = client.post("authenticators/", name="Phone").json()
            if "secret" in added:  # with some policies, one code is not enough
                self.keep_secret(added)
                client.post(f"authenticators/{added['id']}/confirm/", otp=self.code_of_app())
        self.flow, self.token = getattr(client, "flow", ""), getattr(client, "token", "")
        self.csrf_token = getattr(client, "csrf_token", "")
        self.cookies = {name: morsel.value for name, morsel in client.client.cookies.items()}
        self.refused = 0

    @rule(seconds=st.sampled_from([31, 31, 61, 301, 901, 3601, 86_400, 1_300_000]))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        type(self).shift(seconds)

    @rule(unsupported=st.sampled_from(UNSUPPORTED))
    def use_another_method(self, unsupported: tuple[str, str]) -> None:
        """A method that a path does not have is refused."""
        path, method = unsupported
        path = path.replace("{id}", "1")
        response = DjangoClient().generic(method, BASE + path[1:], headers=self.headers())
        assert response.status_code == 405, (path, method, response.status_code)
        assert response["Content-Type"] == "application/problem+json"
        assert method not in response["Allow"]
        self.figures.statuses["(unsupported methods)", 405] += 1

    def before_call(self, case: Any) -> None:
        if self.refused == LOGGED_OUT:
            self.log_in()
        scheme = str((case.headers or {}).get("Authorization", "Bearer"))[:6]
        if not self.is_app and scheme.lower() != "bearer":
            # A browser may have credentials for a proxy, and they are not for this API.
            del case.headers["Authorization"]
        if isinstance(case.body, dict):
            body = {name: self.replaced(value) for name, value in case.body.items()}
            body = {name: value for name, value in body.items() if value is not None}
            if body.get("client") == "app":
                if not self.is_app:
                    del body["client"]
                elif self.flow:
                    body["flow"] = self.flow
            case.body = body

        name = case.operation.definition.raw["operationId"]
        if name == "confirm_authenticator" and case.path_parameters["id"] in self.apps:
            case.path_parameters["id"] = [*self.apps][-1]  # the earlier ones were replaced

    def replaced(self, value: Any) -> Any:
        """Return the value for a placeholder, or None to leave the member out."""
        if value == SENT:
            return outbox[-1].otp if outbox else "000000"
        if value == APP:
            return self.code_of_app()
        if value == RECOVERY:
            return self.recovery_codes.pop() if self.recovery_codes else "00000000"
        return (self.flow or None) if value == FLOW else value

    def code_of_app(self) -> str:
        """Return the next code of the app that was added last."""
        if not self.apps:
            return "000000"
        app = [*self.apps.values()][-1]
        if isinstance(app, pyotp.HOTP):
            self.counter += 1
            return app.at(self.counter)
        return app.at(int(time.time()))

    def headers(self) -> dict[str, str]:
        """Return what the client adds to its requests, besides cookies."""
        if self.is_app:
            return {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"X-CSRFToken": self.csrf_token} if self.csrf_token else {}

    def get_call_kwargs(self, case: Any) -> dict[str, Any]:
        return {"headers": self.headers(), "cookies": {} if self.is_app else dict(self.cookies)}

    def validate_response(self, response: Any, case: Any, **kwargs: Any) -> None:
        # In process, schemathesis does not see which of the headers this client has added.
        headers = dict(kwargs["headers"])
        if cookies := kwargs.get("cookies"):
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        case.validate_response(
            response, headers=headers, transport_kwargs=kwargs, recorder=self.recorder
        )

    def after_call(self, response: Any, case: Any) -> None:
        super().after_call(response, case)
        name = case.operation.definition.raw["operationId"]
        type(self).shift(BETWEEN)
        self.figures.requests += 1
        self.figures.statuses[name, response.status_code] += 1
        self.keep(response)
        self.figures.logged_in += self.is_logged_in(response)

    def keep(self, response: Any) -> None:
        """Keep what a client keeps of an answer."""
        for line in response.headers.get("set-cookie", []):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        kept = response.json() if response.content else {}
        self.refused = self.refused + 1 if kept.get("code") == "not_authenticated" else 0
        self.flow = kept.get("flow", self.flow)
        self.token = kept.get("session_token", self.token)
        self.csrf_token = kept.get("csrf_token", self.csrf_token)
        if "secret" in kept:
            self.keep_secret(kept)
        self.recovery_codes = kept.get("codes", self.recovery_codes)

    def keep_secret(self, added: dict[str, Any]) -> None:
        """Keep the secret of a new authenticator app."""
        make = pyotp.HOTP if added["type"] == "hotp" else pyotp.TOTP
        self.apps[added["id"]] = make(added["secret"])
        self.counter = -1

    def is_logged_in(self, response: Any) -> bool:
        """Return whether an answer was for a user who is logged in."""
        has_session = self.token if self.is_app else self.cookies.get("sessionid")
        return bool(has_session) and response.status_code != 401


def machine() -> type[Client]:
    """Return the machine of the description, with its checks."""
    config = schemathesis.Config.from_dict(_CONFIG)
    schema = schemathesis.openapi.from_wsgi(f"{BASE}openapi.json", WSGIHandler(), config=config)
    schema.hooks.hook("flatmap_body")(lead_on)
    made: Any = schema.as_state_machine()
    return type("Machine", (Client, made), {})
