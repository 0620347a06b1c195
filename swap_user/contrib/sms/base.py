"""Send SMS through the HTTP API of a provider, with nothing but the standard library."""

import base64
import json
import re
import ssl
from abc import abstractmethod
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from django.views.decorators.debug import sensitive_variables

from swap_user.otp.masked import Masked
from swap_user.otp.senders import AbstractSMSOTPSender

# The most that is read of an answer, in bytes.
_LONGEST_ANSWER = 65_536

# Codes of errors are logged. A longer number may be a part of a phone number, or the code itself.
_ERROR_CODE = re.compile(r"(?!.*\d{6})[\w.-]{1,40}", re.ASCII)


class SMSNotSent(Exception):
    """
    The provider has not accepted an SMS. The text contains neither the number nor the message.

    Attributes:
        status: the HTTP status of the answer, or None if there was no answer.
        code: the provider's code of the error, or "".
    """

    def __init__(self, provider: str, reason: str, *, status: int | None = None, code: str = ""):
        super().__init__(f"{provider}: {reason}")
        self.status = status
        self.code = code


class HTTPSMSSender(AbstractSMSOTPSender):
    """
    Base class of senders that post each SMS to a provider's API by HTTPS.

    A subclass defines ``url``, ``post_data()`` and ``error_code()``.
    """

    timeout = 10
    """
    How long a connection may keep silent, in seconds.

    It must be shorter than OTP_SEND_TIME_LIMIT, so that another attempt or channel has time left.
    """

    content_type = "application/json"

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL that an SMS is posted to. It begins with https."""

    @property
    @abstractmethod
    def credentials(self) -> tuple[str, str]:
        """The name and the password of the HTTP Basic authentication (RFC 7617)."""

    @abstractmethod
    def post_data(self, receiver: str, text: str) -> bytes:
        """
        Return the body of the request.

        Args:
            receiver: the phone number in E.164 format.
            text: the whole text.
        """

    @abstractmethod
    def error_code(self, answer: dict[str, Any]) -> str:
        """Return the code of the error in an answer of the provider, or ""."""

    def ssl_context(self) -> ssl.SSLContext:
        """Return the context that checks the certificate of the provider."""
        return ssl.create_default_context()

    @sensitive_variables("text")
    def send_text(self, receiver: str, text: str) -> None:
        """
        Post one SMS; see AbstractSMSOTPSender.send_text().

        Raises:
            SMSNotSent: the provider has not accepted the message, or can't be reached.
            ValueError: the URL does not begin with https.
        """
        # It is raised here, because the frames of the exception of urllib contain the request.
        if error := self._post(receiver, text):
            raise error

    @sensitive_variables()
    def _post(self, receiver: str, text: str) -> SMSNotSent | None:
        if not self.url.startswith("https://"):
            raise ValueError("The URL of the provider does not begin with https.")
        headers = {
            "Content-Type": self.content_type,
            "Accept": "application/json",
            "Authorization": _basic(*map(Masked, self.credentials)),
        }
        request = Request(self.url, self.post_data(receiver, text), headers, method="POST")  # noqa: S310
        # Without redirects: the credentials and the code must not follow one to another host.
        opener = build_opener(_NoRedirect, HTTPSHandler(context=self.ssl_context()))
        name = type(self).__name__
        try:
            with opener.open(request, timeout=self.timeout):
                return None
        except HTTPError as error:
            with error:
                code = self._code_in(error)
            reason = f"status {error.code}" + (f", error {code}" if code else "")
            return SMSNotSent(name, reason, status=error.code, code=code)
        except HTTPException as error:
            return SMSNotSent(name, f"no answer ({type(error).__name__})")
        except OSError as error:  # its text names no more than hosts and ports
            return SMSNotSent(name, f"no answer ({error})")

    def _code_in(self, answer: HTTPError) -> str:
        """Return the code of the error in an answer, or "" if there is none, or an unusual one."""
        try:
            data = json.loads(answer.read(_LONGEST_ANSWER))
            code = self.error_code(data) if isinstance(data, dict) else ""
        except (OSError, HTTPException, ValueError):
            return ""
        return code if _ERROR_CODE.fullmatch(code) else ""


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing, so that the answer is an error."""


@sensitive_variables()
def _basic(name: str, password: str) -> Masked:
    return Masked("Basic " + base64.b64encode(f"{name}:{password}".encode()).decode())


def is_refusal(error: Exception) -> bool:
    """
    Return whether the provider has certainly not sent the message, so that it costs nothing.

    A client error (RFC 9110 section 15.5) is such an answer, but not a time-out.
    """
    status = error.status if isinstance(error, SMSNotSent) else None
    no_refusal = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY)
    return status is not None and 400 <= status < 500 and status not in no_refusal
