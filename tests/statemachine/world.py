"""The accounts and browsers of the state machine, and what a code that is entered must bring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

from django.contrib.auth import authenticate, get_user_model
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.db import transaction
from django.http import HttpRequest
from django.test import override_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from services.redis import RedisServer
from swap_user.otp import limited
from swap_user.testing import outbox, wait_for_deliveries
from tests.simulation.browsers import enter as log_in
from tests.simulation.clock import Clock
from tests.simulation.places import botnet, request_from
from tests.statemachine.model import SECONDS, Account, Browser, Mail, Spent
from tests.statemachine.verdict import Verdict, certain, either, every
from tests.support import make_user, username


class RolledBack(Exception):
    """What a caller raises whose transaction is rolled back."""


@contextmanager
def _rolled_back() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
            raise RolledBack
    except RolledBack:
        pass


CALLERS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "none": nullcontext,
    "committed": transaction.atomic,
    "rolled back": _rolled_back,
}


@dataclass
class Match:
    """
    What a typed code matches.

    Attributes:
        verdict: whether it is accepted, apart from the limits and the account.
        use: changes the model if it is accepted.
    """

    verdict: Verdict
    use: Callable[[], None]


class World(RuleBasedStateMachine):
    """Two accounts, three browsers and a client without a session."""

    # Set by the test.
    clock: ClassVar[Clock]
    server: ClassVar[RedisServer]
    swap_user: ClassVar[dict[str, Any]]
    steps: ClassVar[int] = 0
    accepted: ClassVar[int] = 0
    numbers: ClassVar[Iterator[int]] = count(1)

    @initialize(guesses=st.sampled_from([16, 16, 4]))
    def begin(self, guesses: int) -> None:
        """Begin with an empty Redis and new accounts."""
        limits = {
            "guesses_per_account": f"{guesses}/365d",
            # Those of an address are no part of the model.
            "guesses_per_address": "1000/1h",
            "asks_per_address": "1000/1h",
        }
        self.settings = override_settings(SWAP_USER=self.swap_user | {"OTP_LIMITS": limits})
        self.settings.enable()
        self.server.flush()
        outbox.clear()
        self.clock.restart()
        self.accounts = [
            Account(make_user(number), number, Spent(guesses * 4), Spent(50 * 4))
            for number in (next(self.numbers), next(self.numbers))
        ]
        self.names = [each.number for each in self.accounts]
        # When a flow has asked for a code of a name, whoever had it: the name, the flow, the time.
        self.asked: list[tuple[int, int | None, float]] = []
        self.flows, self.orders, self.restarts = count(), count(), 0
        self.browsers = [
            Browser(address, next(self.flows), SessionStore()) for address in botnet(3)
        ]
        self.browsers.append(Browser(botnet(4)[3], None, None))

    def teardown(self) -> None:
        """Let the next example have its own settings."""
        if hasattr(self, "settings"):
            self.settings.disable()

    def _step(self) -> float:
        """Count a step, and let a second pass. Return the time."""
        type(self).steps += 1
        self.clock.wait(1)
        return self.clock.now

    def _request(self, who: Browser) -> HttpRequest | None:
        if who.session is None:
            return None
        request = request_from(who.address, who.cookies)
        request.session = who.session
        return request

    def _row(self, account: Account) -> Any:
        return get_user_model().objects.get(pk=account.user.pk)

    def _note_message(self, account: Account, who: Browser, sent: Any) -> None:
        now = self.clock.now
        for is_known in {who.is_known(account, now) is not Verdict.NO, False}:
            account.asked[is_known].append(now)
        expires_at = now + sent.kwargs["expires_in"]
        account.has_secret = True
        for mail in account.mails:
            if mail.is_alive and mail.flow == who.flow and mail.code[-6:] == sent.otp[-6:]:
                # The same code again, which may be longer now.
                assert mail.expires_at > now + 149
                assert mail.expires_at <= expires_at < mail.expires_at + 1
                mail.code = max(mail.code, sent.otp, key=len)
                return
        mail = Mail(sent.otp, who.flow, next(self.orders), now + 300)
        if expires_at < mail.expires_at:
            # The flow had asked for this name when another account had it, or none. Then the
            # message has the same counter, but the secret of this account.
            (mail.expires_at,) = {
                at + 300
                for name, flow, at in self.asked
                if (name, flow) == (account.number, who.flow) and int(expires_at - at) == 300
            }
            assert mail.expires_at > now + 149
            mail.is_older = True
        account.add_mail(mail, now)

    def _authenticate(
        self, who: Browser, account: Account, code: str, caller: str = "none"
    ) -> bool:
        self.request = self._request(who)
        with CALLERS[caller]():
            user = authenticate(self.request, username=username(account.number), otp=code)
        # With SQLite, what was rolled back is stored again by a thread.
        assert wait_for_deliveries()
        assert user in (None, account.user)
        limit = limited(self.request)
        assert limit is None or (user is None and limit.scope == "code")
        return user is not None

    def _enter(
        self,
        who: Browser,
        account: Account,
        code: str,
        *,
        caller: str = "none",
        again: bool = False,
        logs_in: bool = False,
        is_wrong: bool = False,
    ) -> None:
        """Enter digits, and compare what happens with what has to happen."""
        now, is_long = self.clock.now, len(code) == 10
        found = self._matches(who, account, code)
        if len(found) > 1:  # two codes are the same by chance
            return
        room = self._room(who, account, is_long=is_long)
        possible = found[0].verdict if found else Verdict.NO
        verdict = every(certain(is_true=account.is_active), possible, room)
        is_accepted = self._authenticate(who, account, code, caller)
        assert verdict is Verdict.MAYBE or is_accepted is (verdict is Verdict.YES), (
            f"{is_accepted=} {verdict=} {possible=} {room=}"
        )
        if is_long and limited(self.request) is None:
            self._note_long_try(who, account, now, is_accepted=is_accepted)
        if is_accepted:
            found[0].use()
            type(self).accepted += 1
            if again:
                assert not self._authenticate(who, account, code, caller)
                if is_long and limited(self.request) is None:
                    self._note_long_try(who, account, now, is_accepted=False)
                elif not is_long:
                    self._note_refusal(who, account, code, is_wrong=False)
            self._log_in(who, account, now, caller=caller, logs_in=logs_in and not again)
        elif not is_long:
            self._note_refusal(who, account, code, is_wrong=is_wrong)

    def _matches(self, who: Browser, account: Account, code: str) -> list[Match]:
        """Return what would be right, if there were no limits."""
        now, found = self.clock.now, []
        for mail in account.pending(who.flow, now):
            if mail.order > account.consumed and code in {mail.code, mail.code[-6:]}:
                left = certain(is_true=len(code) < 10 or mail.tries < 5)
                if len(code) == 10 and mail.is_older:
                    left = Verdict.MAYBE
                verdict = every(left, mail.waits(now))
                found.append(Match(verdict, lambda mail=mail: account.accept_mail(mail)))
        for app in account.apps if len(code) < 10 else ():
            for counter, verdict in app.counters(now, SECONDS):
                if code == app.shown(counter):
                    found.append(Match(verdict, lambda app=app, to=counter: app.consume(to)))
        return found

    def _room(self, who: Browser, account: Account, *, is_long: bool) -> Verdict:
        """Return whether the limits let a code be compared."""
        now = self.clock.now
        if is_long:
            tries = [at for at in who.tries.get(account, ()) if at > now - 600 - SECONDS]
            return Verdict.YES if len(tries) < 5 else Verdict.MAYBE
        strangers = account.strangers.room(now, account.heaviest)
        known = every(who.is_known(account, now), account.known.room(now, account.heaviest))
        return either(strangers, known)

    def _note_refusal(self, who: Browser, account: Account, code: str, *, is_wrong: bool) -> None:
        """Count a short code that was refused, and note a code that is far ahead."""
        now, heaviest = self.clock.now, account.heaviest
        room = self._room(who, account, is_long=False)
        for app in account.apps:
            app.note_far(code, now, room)
        # A guess at an account that has neither had a message nor an app is compared with nothing.
        is_wrong = is_wrong and bool(account.apps or account.has_secret)
        known = every(who.is_known(account, now), account.known.room(now, heaviest))
        strangers = account.strangers.room(now, heaviest)
        account.known.add(now, known, heaviest, is_wrong=is_wrong)
        if known is not Verdict.YES:
            certainly = is_wrong and known is Verdict.NO
            account.strangers.add(now, strangers, heaviest, is_wrong=certainly)

    def _note_long_try(
        self, who: Browser, account: Account, now: float, *, is_accepted: bool
    ) -> None:
        for mail in account.pending(who.flow, now):
            mail.tries += 1
        if not is_accepted and who.flow is not None:
            who.tries.setdefault(account, []).append(now)

    def _log_in(
        self, who: Browser, account: Account, now: float, *, caller: str, logs_in: bool
    ) -> None:
        """Log in, and let the browser be known. The session then has another flow."""
        if not logs_in or self.request is None or caller == "rolled back":
            return
        who.cookies.update(log_in(self.request, account.user))
        who.flow = next(self.flows)
        who.known[account] = now
        who.tries.clear()

    def _all_codes(self, account: Account) -> set[str]:
        """Return all short codes that mean anything."""
        mails = {mail.code[-6:] for mail in account.mails}
        return mails.union(*(app.all_codes(self.clock.now) for app in account.apps))
