"""
JSON web tokens of djangorestframework-simplejwt for users who log in with a code.

The serializer logs the user in to a session of an app whose token no client gets. The JSON web
tokens name that session, so the user can end it like any other. ``RecordedJWTAuthentication`` and
``RecordedTokenRefreshSerializer`` look whether the user is still logged in to it.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

from django.contrib.auth import authenticate, get_user, login
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_variables
from rest_framework import serializers
from rest_framework.exceptions import APIException, Throttled
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken
from rest_framework_simplejwt.serializers import (
    TokenObtainPairSerializer,
    TokenRefreshSerializer,
)
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import Token

from swap_user.api import members
from swap_user.api.clients import store
from swap_user.api.flows import open_flow, seal_flow
from swap_user.api.problems import Problem
from swap_user.contrib.drf import EnrollmentNeeded, Unavailable
from swap_user.otp.availability import report_database_outage, report_session_outage
from swap_user.otp.enforcement.standing import standing
from swap_user.otp.exceptions import AnotherCodeNeeded, LoginUnavailable
from swap_user.otp.masked import mask
from swap_user.otp.sessions import app_sessions, engines
from swap_user.otp.sessions.app_store import is_app_key
from swap_user.otp.verification import outcomes
from swap_user.otp.visitors.known_browsers import COOKIE
from swap_user.otp.visitors.wrapped import without_session

CLAIM = "swap_user_session"
"""The claim with the key of the session. The key logs no user in."""


class AnotherCode(APIException):  # type: ignore[misc]
    """The code is right, but the policy requires another factor. The flow goes on."""

    status_code = 409
    default_code = "another_code_needed"


class CodeTokenObtainPairSerializer(TokenObtainPairSerializer):
    """
    Returns a pair of JSON web tokens for a username and a one-time code.

    Fields: ``username``, ``otp``, and optionally what the JSON API has answered: ``flow``, to which
    the code is bound, and ``known_browser``, the one of the last login.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        data = kwargs.get("data")
        if isinstance(data, Mapping) and "otp" in data:
            # Masked here, since the base classes have the data in the variables of many frames.
            kwargs["data"] = {name: data[name] for name in data} | {"otp": mask(data["otp"])}
        super().__init__(*args, **kwargs)
        self._kwargs = kwargs  # what repr() shows
        self.fields.clear()
        for each in (members.USERNAME, members.OTP, members.FLOW, members.KNOWN_BROWSER):
            self.fields[each.name] = serializers.CharField(
                write_only=True, required=each.required, max_length=each.max_length
            )

    @sensitive_variables("attrs")
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """
        Check the code, log the user in, and return both tokens and ``known_browser``.

        Raises:
            AuthenticationFailed: the code was refused.
            Throttled: a limit of the visitor's own is reached.
            AnotherCode: the policy requires another factor. The answer has the next ``flow``.
            Unavailable: Redis or the database can't be reached.
        """
        request = self._request(attrs)
        try:
            self.user = authenticate(request, username=attrs["username"], otp=attrs["otp"])
        except AnotherCodeNeeded as needed:
            groups = [sorted(group) for group in needed.missing]
            detail = {"code": "another_code_needed", "missing": groups, "flow": seal_flow(request)}
            raise AnotherCode(cast(Any, detail)) from None
        except LoginUnavailable:
            raise Unavailable from None
        if limit := outcomes.limited(request):
            raise Throttled(limit.retry_in)
        if not api_settings.USER_AUTHENTICATION_RULE(self.user):
            raise self._refused()
        known_browser = self._log_in(request)
        refresh = self.get_token(cast(Any, self.user))
        refresh[CLAIM] = request.session.session_key
        return {
            "refresh": str(refresh),
            "access": str(cast(Any, refresh).access_token),
            "known_browser": known_browser,
        }

    def _request(self, attrs: dict[str, Any]) -> HttpRequest:
        """Return a request with the session of the flow, or with a new one."""
        request = without_session(cast(HttpRequest, self.context["request"]))
        try:
            flow = attrs.get("flow")
            request.session = open_flow(flow) if flow else app_sessions.new()
        except Problem as problem:
            raise serializers.ValidationError({"flow": "flow_ended"}) from problem
        request.user = AnonymousUser()
        request.COOKIES = {COOKIE: attrs.get("known_browser", "")}
        return request

    def _log_in(self, request: HttpRequest) -> str:
        """Log the user in to the session, and return what makes the app known at its next login."""
        try:
            # Nobody gets the token of this session, so it ends with the first refresh token.
            request.session.set_expiry(cast(timedelta, api_settings.REFRESH_TOKEN_LIFETIME))
            login(request, self.user)
            response = HttpResponse()
            outcomes.remember_browser(request, response)
            store(request)
        except LoginUnavailable:
            raise Unavailable from None
        except Problem:  # the session was ended meanwhile
            raise self._refused() from None
        return response.cookies[COOKIE].value

    def _refused(self) -> AuthenticationFailed:
        return AuthenticationFailed(self.error_messages["no_active_account"], "no_active_account")


class RecordedJWTAuthentication(JWTAuthentication):
    """
    Accepts a JSON web token only while the user is logged in to the session that it names.

    It looks the session up at each request, as for a session cookie. Without it, a token works
    until it expires, also after ``end_sessions()`` or a change of the password.
    """

    def get_user(self, validated_token: Token) -> Any:
        """
        Return the user of a token.

        Raises:
            InvalidToken: the session has ended, or the user can't log in any more.
            EnrollmentNeeded: the user must add an authenticator app first.
            Unavailable: the database or the cache of the sessions can't be reached.
        """
        user, must_enroll = _logged_in(validated_token)
        if must_enroll:
            raise EnrollmentNeeded
        return user


class RecordedTokenRefreshSerializer(TokenRefreshSerializer):
    """Returns a new access token only while the user is logged in to the session of the login."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """
        Check the session, and return what simplejwt returns.

        Raises:
            InvalidToken: the session has ended, or the user can't log in any more.
            Unavailable: the database or the cache of the sessions can't be reached.
        """
        _logged_in(cast(Any, self.token_class)(attrs["refresh"]))
        return super().validate(attrs)


def _logged_in(token: Token) -> tuple[Any, bool]:
    """Return the user of a token, and whether the user must add an authenticator app first."""
    request, key = HttpRequest(), str(token.get(CLAIM, ""))
    session = engines.app_store_class()(key if is_app_key(key) else None)
    # The token would name the former key. Django makes a new one after a change of SECRET_KEY.
    session.cycle_key = lambda: None
    request.session = session
    try:
        with report_database_outage(), report_session_outage():
            app_sessions.require_cache(session)
            # It compares the password and the security stamp of the user with those of the login.
            request.user = get_user(request)
            must_enroll = standing(request).is_due
            store(request)
    except LoginUnavailable:
        raise Unavailable from None
    except Problem:  # the session was ended meanwhile
        raise InvalidToken(_ENDED) from None
    user: Any = request.user
    user_id = token.get(api_settings.USER_ID_CLAIM)
    if not user.is_authenticated or str(getattr(user, api_settings.USER_ID_FIELD)) != str(user_id):
        raise InvalidToken(_ENDED)
    return user, must_enroll


_ENDED = "The session has ended."
