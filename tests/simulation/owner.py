"""The owner of an account, who logs in now and then."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import HttpRequest

from swap_user.otp import end_sessions, send_code
from swap_user.otp.authenticators.recovery_codes import (
    generate_recovery_codes,
    remaining_recovery_codes,
)
from swap_user.testing import outbox
from tests.simulation.attacker import HALF_LIFE
from tests.simulation.browsers import enter
from tests.simulation.clock import BEGIN, DAY, Clock
from tests.simulation.places import HOME, request_from
from tests.support import totp, username


@dataclass
class Owner:
    """
    The owner of the account, who does what the pages say.

    Attributes:
        clock: the test's.
        user: the account.
        app: whether there is an authenticator app.
        sent: whether sent codes let in.
        recovery: whether there are recovery codes.
        late: whether mail takes so long that the owner asks again before it comes.
        sessions: whether the login has a session from its beginning. An API may have none.
        logins: how many there were.
        failed: those that failed, and when.
        helped: how many needed more than one code, by what helped.
        cookies: those of the known browser.
    """

    clock: Clock
    user: Any
    app: bool
    sent: bool
    recovery: bool
    late: bool = False
    sessions: bool = True
    logins: int = 0
    failed: list[str] = field(default_factory=list)
    helped: Counter[str] = field(default_factory=Counter)
    cookies: dict[str, str] = field(default_factory=dict)
    _codes: list[str] = field(default_factory=list)

    def first_login(self) -> None:
        """Get to know the browser at home, before anybody attacks."""
        self.visit("first", HOME, self.cookies, use_app=self.app, mistype=False)
        if self.recovery:
            self._codes = generate_recovery_codes(self.user)

    def come_home(self, *, use_app: bool, mistype: bool) -> None:
        """Log in from the browser that is known."""
        self.visit("known browser", HOME, self.cookies, use_app=use_app, mistype=mistype)

    def travel(self, address: str, *, use_app: bool, mistype: bool) -> dict[str, str]:
        """Log in from a browser that was never here, and return the cookies that it gets."""
        cookies: dict[str, str] = {}
        what = f"new browser at {address}"
        self.visit(what, address, cookies, use_app=use_app, mistype=mistype)
        return cookies

    def revoke_other_browsers(self) -> None:
        """End all sessions but that of the known browser, which revokes the other browsers."""
        request = request_from(HOME, self.cookies)
        request.user = self.user
        end_sessions(self.user, keep=request)

    def visit(
        self, what: str, address: str, cookies: dict[str, str], *, use_app: bool, mistype: bool
    ) -> None:
        """Log in, or count a failure."""
        self.logins += 1
        request = request_from(address, cookies, session=self.sessions)
        if not self._enters(request, use_app=use_app, mistype=mistype):
            self.failed.append(f"day {(self.clock.now - BEGIN) / DAY:.1f}, {what}")
            return
        if not self.sessions:
            request.session = SessionStore()
        cookies.update(enter(request, self.user))
        if self.recovery and self._codes and remaining_recovery_codes(self.user) <= 3:
            self._codes = generate_recovery_codes(self.user)

    def _enters(self, request: HttpRequest, *, use_app: bool, mistype: bool) -> bool:
        message = self._ask(request)
        if self.late:
            # The first message comes after the owner has asked for another one (R55).
            self.clock.wait(HALF_LIFE)
            self._ask(request)
        code = totp(self.clock.now) if use_app else message
        if code and mistype:
            wrong = str((int(code) + 1) % 10 ** len(code)).zfill(len(code))
            self._enter(request, wrong)
        if code and self._enter(request, code):
            return True
        # The page says what else there is: another code, which may be longer, or a recovery code.
        if self.sent:
            for _ in range(3):
                self.clock.wait(31)
                if (another := self._ask(request)) and self._enter(request, another):
                    self.helped["another code"] += 1
                    return True
            # None came; the one that was sent with the name is still good, and was a long one.
            if message and self._enter(request, message):
                self.helped["the first code after all"] += 1
                return True
        if self._codes and self._enter(request, self._codes.pop()):
            self.helped["recovery code"] += 1
            return True
        return False

    def _ask(self, request: HttpRequest) -> str | None:
        before = len(outbox)
        send_code(request, username())
        return outbox[-1].otp if len(outbox) > before else None

    def _enter(self, request: HttpRequest, code: str) -> bool:
        return authenticate(request, username=username(), otp=code) == self.user
