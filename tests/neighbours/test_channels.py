"""Consumers of channels see the user of a session that has logged in with a code."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.conf import settings as django_settings
from django.test import Client

from swap_user.otp import end_sessions, sessions_of
from swap_user.testing import outbox
from tests.support import make_user, username

pytest.importorskip("channels")

from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import WebsocketConsumer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.neighbour("channels")]


class WhoAmI(WebsocketConsumer):
    """Sends the primary key of its user, or None."""

    def connect(self) -> None:
        self.accept()
        self.send(text_data=str(self.scope["user"].pk))


def seen(client: Client) -> str:
    """Connect with the cookies of a browser, and return what the consumer sends."""
    name = django_settings.SESSION_COOKIE_NAME
    cookie = f"{name}={client.cookies[name].value}".encode()
    scope = {
        "type": "websocket",
        "path": "/",
        "headers": [(b"cookie", cookie)],
        "query_string": b"",
    }

    async def connect() -> str:
        communicator = ApplicationCommunicator(AuthMiddlewareStack(WhoAmI.as_asgi()), scope)
        await communicator.send_input({"type": "websocket.connect"})
        assert (await communicator.receive_output(10))["type"] == "websocket.accept"
        text = (await communicator.receive_output(10))["text"]
        await communicator.send_input({"type": "websocket.disconnect", "code": 1000})
        await communicator.wait(10)
        return str(text)

    return async_to_sync(connect)()


@pytest.mark.requirement("R36")
def test_the_user_of_a_session() -> None:
    """Before the login, after it, and when the session has ended."""
    user, client = make_user(), Client()
    client.post("/account/login/", {"username": username()})
    assert seen(client) == "None"
    client.post("/account/check-otp/", {"otp": outbox[-1].otp})
    assert seen(client) == str(user.pk)
    assert len(sessions_of(user)) == 1
    end_sessions(user)
    assert seen(client) == "None"
