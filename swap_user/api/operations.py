"""What the API can do: each operation is declared once, for its view and for the description."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables

from swap_user.api import body, clients
from swap_user.api.body import Member
from swap_user.api.problems import MEDIA_TYPE, Problem
from swap_user.conf import swap_user_settings
from swap_user.otp.availability import report_database_outage, report_session_outage
from swap_user.otp.enforcement.standing import standing
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.pages.login.saved_session import save_session
from swap_user.otp.pages.login.unavailable import RETRY_AFTER
from swap_user.otp.policies import Groups
from swap_user.otp.sessions import engines, proof, records
from swap_user.otp.sessions.sessions import is_fresh


@dataclass(frozen=True)
class Call:
    """
    A request, as an operation gets it.

    Attributes:
        request: the request, with the session and the user of its client.
        client: clients.APP or clients.BROWSER.
        texts: the members of the body.
        path: the parts of the path.
    """

    request: HttpRequest
    client: str
    texts: Mapping[str, Any] = field(repr=False)
    path: Mapping[str, str]

    @property
    def is_app(self) -> bool:
        """Whether an app sends the request."""
        return self.client == clients.APP

    @property
    def user(self) -> Any:
        """The user who is logged in."""
        return self.request.user


@dataclass(frozen=True)
class Answer:
    """
    What an operation answers.

    Attributes:
        body: the JSON object. If it is empty, the status is 204.
        status: the status of an answer with a body.
        headers: the headers.
        media_type: the type of the body.
        set_cookies: a function that sets cookies, if the client is a browser.
    """

    body: dict[str, Any] = field(default_factory=dict, repr=False)
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    set_cookies: Callable[[HttpResponse], None] | None = None


Handler = Callable[[Call], Answer]
Links = Mapping[int, Mapping[str, Mapping[str, str]]]


@dataclass(frozen=True)
class Operation:
    """
    An operation.

    Attributes:
        name: the operationId.
        method: the method of the request.
        route: the first argument of ``path()``, below the path of the API.
        summary: what it does, in one line.
        handler: the function that does it.
        takes: the members of the body.
        returns: the names of the schemas of the answers, by status. None if there is no body.
        problems: the codes of the problems that it can have, besides those of every operation. A
            code is followed by its status, if that is not the one of ``problems.CODES``.
        needs_login: whether a user must be logged in.
        needs_fresh_login: whether the login must be recent.
        enrolls: whether a user who must enroll an app first can do it.
        links: what can come next, by the status of the answer: the names of other operations, each
            with what it takes. A value is a JSON pointer (RFC 6901) into the answer, or a runtime
            expression of OpenAPI.
    """

    name: str
    method: str
    route: str
    summary: str
    handler: Handler = field(repr=False)
    takes: Sequence[Member] = ()
    returns: Mapping[int, str | None] = field(default_factory=dict)
    problems: Collection[str] = ()
    needs_login: bool = False
    needs_fresh_login: bool = False
    enrolls: bool = False
    links: Links = field(default_factory=dict)


def operation(method: str, route: str, **declared: Any) -> Callable[[Handler], Operation]:
    """
    Return a decorator that makes an operation of a function.

    Its name and its summary are those of the function.

    Args:
        method: the method of the request.
        route: the path below that of the API.
        declared: the other attributes, see ``Operation``.
    """

    def decorate(handler: Handler) -> Operation:
        summary = (handler.__doc__ or "").strip().partition("\n")[0].rstrip(".")
        return Operation(handler.__name__, method, route, summary, handler, **declared)

    return decorate


def view_of(operations: Collection[Operation]) -> Callable[..., HttpResponse]:
    """
    Return the view of the operations that have one path.

    ATOMIC_REQUESTS does not apply to it: an accepted code stays used, and an outage has an answer.

    Args:
        operations: the operations, each with another method. With none, the view answers 404.
    """
    by_method = {each.method: each for each in operations}
    if "GET" in by_method:
        by_method["HEAD"] = by_method["GET"]

    @transaction.non_atomic_requests
    @csrf_exempt
    @never_cache
    @login_not_required
    def view(request: HttpRequest, **path: str) -> HttpResponse:
        try:
            with report_database_outage(), report_session_outage():
                return _answer(request, _operation_of(request, by_method), path)
        except Problem as problem:
            return _render(_answer_of(problem))
        except LoginUnavailable:
            return _render(_unavailable())

    return view


def _operation_of(request: HttpRequest, by_method: Mapping[str, Operation]) -> Operation:
    if not by_method:
        raise Problem("not_found")
    found = by_method.get(request.method or "")
    if found is None:
        raise Problem("method_not_allowed", headers={"Allow": ", ".join(sorted(by_method))})
    return found


@sensitive_variables("texts", "call", "answer")
def _answer(request: HttpRequest, found: Operation, path: Mapping[str, str]) -> HttpResponse:
    texts = body.read(request, found.takes)
    with clients.identified(request, texts) as client:
        call = Call(request, client, texts, path)
        has_token = call.is_app and call.user.is_authenticated
        try:
            with report_database_outage(), report_session_outage():
                _require(call, found)
                answer = found.handler(call)
        except Problem as problem:
            # A first code of two is used, and the session has a new key.
            answer = _answer_of(problem)
        except LoginUnavailable:
            if not has_token:
                raise
            # The session may have got a new token before.
            answer = _unavailable()
        return _finish(call, answer)


def _require(call: Call, found: Operation) -> None:
    """Raise the problem because of which the user can't do this now."""
    if not found.needs_login:
        return
    if not call.user.is_authenticated:
        # A page that was never rendered gets its CSRF token here.
        members: dict[str, Any] = {} if call.is_app else {"csrf_token": get_token(call.request)}
        raise Problem("not_authenticated", **members)
    if not found.enrolls and standing(call.request).is_due:
        raise Problem("enrollment_needed")
    if found.needs_fresh_login and not is_fresh(call.request):
        since = time.time() - swap_user_settings.OTP_FRESH_LOGIN
        missing = groups_in_json(proof.missing(call.request, since=since))
        raise Problem("fresh_login_needed", missing=missing)


def groups_in_json(groups: Groups) -> list[list[str]]:
    """Return groups of factors, of each of which one is missing."""
    return [sorted(group) for group in groups]


def _answer_of(problem: Problem) -> Answer:
    return Answer(problem.body, problem.status, problem.headers, MEDIA_TYPE)


def _unavailable() -> Answer:
    return _answer_of(Problem("unavailable", headers={"Retry-After": str(RETRY_AFTER)}))


@sensitive_variables("call", "answer")
def _finish(call: Call, answer: Answer) -> HttpResponse:
    """Store the session, and return the response with its new token or cookies."""
    if call.is_app:
        if token := clients.store(call.request):
            answer.body["session_token"] = token
        return _render(answer)
    response = _render(answer)
    if answer.set_cookies is not None:
        answer.set_cookies(response)
    clients.set_csrf_cookie(call.request, response)
    # Follows a new key of the session, where no middleware does.
    if not save_session(call.request) or not records.follow(call.request):
        # The session was ended meanwhile. SessionMiddleware would answer that with a page.
        call.request.session = engines.store_class()()
        raise Problem("not_authenticated")
    return response


def _render(answer: Answer) -> HttpResponse:
    if not answer.body:
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers=answer.headers)
    return JsonResponse(
        answer.body,
        status=answer.status,
        headers=answer.headers,
        content_type=answer.media_type,
    )
