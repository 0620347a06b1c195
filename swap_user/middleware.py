"""Middleware that a project may add."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponseBase

from swap_user.otp.sessions import records


class LoginSessionMiddleware:
    """
    Keeps the records of sessions up to date; place it after AuthenticationMiddleware.

    It records logged-in sessions that have no record, follows new session keys, and saves the time
    of the last request every five minutes. It does so after the view, and only if the session was
    used, so that pages without a session stay without one.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request, and then follow its session."""
        if self._is_async:
            return self._answer(request)
        response = cast("HttpResponseBase", self.get_response(request))
        _follow(request, response)
        return response

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        response = cast("HttpResponseBase", await self.get_response(request))
        await sync_to_async(_follow)(request, response)
        return response


def _follow(request: HttpRequest, response: HttpResponseBase) -> None:
    # After a server error, SessionMiddleware does not save the session.
    if response.status_code < 500 and getattr(getattr(request, "session", None), "accessed", False):
        records.follow(request)
