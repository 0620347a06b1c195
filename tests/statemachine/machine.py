"""The steps of the state machine, and what each of them must bring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

import pyotp
from django.contrib.auth import authenticate, get_user_model
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.db import transaction
from django.http import HttpRequest
from django.test import override_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from services.redis import RedisServer
from swap_user.otp import (
    end_sessions,
    enroll,
    generate_recovery_codes,
    limited,
    remove_authenticator,
    send_code,
)
from swap_user.testing import outbox, wait_for_deliveries
from tests.simulation.browsers import enter as log_in
from tests.simulation.clock import DAY, HOUR, YEAR, Clock
from tests.simulation.places import botnet
from tests.statemachine.model import (
    Account,
    App,
    Browser,
    Mail,
    Spent,
    Verdict,
    certain,
    either,
    every,
)
from tests.support import make_user, username

PERIOD, LOOK_AHEAD, REACH, REMEMBERED = 30, 10, 200, 600

BROWSERS = st.integers(0, 3)
ACCOUNTS = st.integers(0, 1)
ANY = st.integers(0, 1000)
WAITS = st.sampled_from(
    [5, 29, 31, 61, 149, 152] * 2 + [299, 301, 602, HOUR + 1, DAY + 1, 90 * DAY + 1, YEAR + DAY]
)
CALLERS = st.sampled_from(["none"] * 4 + ["committed", "rolled back", "rolled back"])


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


_CALLERS: dict[str, Callable[[], AbstractContextManager[object]]] = {
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


class Logins(RuleBasedStateMachine):
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
        self.flows, self.orders, self.restarts = count(), count(), 0
        self.browsers = [
            Browser(address, next(self.flows), SessionStore()) for address in botnet(3)
        ]
        self.browsers.append(Browser(botnet(4)[3], None, None))

    def teardown(self) -> None:
        """Let the next example have its own settings."""
        if hasattr(self, "settings"):
            self.settings.disable()

    # Requests

    @rule(browser=BROWSERS, number=ANY, caller=CALLERS)
    def ask(self, browser: int, number: int, caller: str) -> None:
        """Ask for a code, also for a name that no account has."""
        now, who = self._step(), self.browsers[browser]
        named = self.names[number % len(self.names)]
        account = next((each for each in self.accounts if each.number == named), None)
        before = len(outbox)
        with _CALLERS[caller]():
            send_code(self._request(who), username(named))
        assert wait_for_deliveries()
        sent = outbox[before:]
        if account is None or not account.is_active or caller == "rolled back":
            assert sent == []
        if account is None:
            return
        if caller != "rolled back":
            is_known = who.is_known(account, now) is Verdict.YES
            must = account.has_messages(now, is_known=is_known) and account.is_active
            assert len(sent) == 1 or not must
        who.tries.pop(account, None)
        if sent:
            self._note_message(account, who, sent[0])

    def _note_message(self, account: Account, who: Browser, sent: Any) -> None:
        now = self.clock.now
        for is_known in {who.is_known(account, now) is not Verdict.NO, False}:
            account.asked[is_known].append(now)
        expires_at = now + sent.kwargs["expires_in"]
        for mail in account.mails:
            if mail.is_alive and mail.flow == who.flow and mail.code[-6:] == sent.otp[-6:]:
                # The same code again, which may be longer now.
                assert mail.expires_at > now + 149
                assert mail.expires_at <= expires_at < mail.expires_at + 1
                mail.code = max(mail.code, sent.otp, key=len)
                return
        account.mails.append(Mail(sent.otp, who.flow, next(self.orders), now + 300))

    @precondition(lambda self: any(each.mails for each in self.accounts))
    @rule(
        browser=BROWSERS,
        account=ACCOUNTS,
        kind=st.sampled_from(["own", "own", "own", "any"]),
        number=ANY,
        caller=CALLERS,
        again=st.booleans(),
        logs_in=st.booleans(),
    )
    def enter_mail(
        self,
        browser: int,
        account: int,
        kind: str,
        number: int,
        caller: str,
        again: bool,
        logs_in: bool,
    ) -> None:
        """Enter a code that was sent, where it belongs or elsewhere."""
        self._step()
        who, whose = self.browsers[browser], self.accounts[account]
        mails = [mail for each in self.accounts for mail in each.mails]
        if kind == "own":
            mails = sorted(mails, key=lambda each: (each.is_alive, each.expires_at))[-3:]
        mail = mails[number % len(mails)]
        if kind == "own":
            # Few codes are entered where they belong if everything is left to chance.
            whose = next(each for each in self.accounts if mail in each.mails)
            who = next((each for each in self.browsers if each.flow == mail.flow), who)
        code = mail.code
        self._enter(who, whose, code, caller=caller, again=again, logs_in=logs_in)

    @rule(
        browser=BROWSERS,
        account=ACCOUNTS,
        seconds=st.sampled_from([0, 5, 140, 160, 290]),
        caller=CALLERS,
        again=st.booleans(),
        logs_in=st.booleans(),
    )
    def log_in_with_mail(
        self,
        browser: int,
        account: int,
        seconds: float,
        caller: str,
        again: bool,
        logs_in: bool,
    ) -> None:
        """Ask, and enter the code after a while."""
        who, whose, before = self.browsers[browser], self.accounts[account], len(outbox)
        self.ask(browser, self.names.index(whose.number), "none")
        code = outbox[-1].otp if len(outbox) > before else None
        self._step()
        self.clock.wait(seconds)
        if code:
            self._enter(who, whose, code, caller=caller, again=again, logs_in=logs_in)

    @precondition(lambda self: any(each.apps for each in self.accounts))
    @rule(
        browser=BROWSERS,
        account=ACCOUNTS,
        is_own=st.sampled_from([True, True, True, False]),
        app=ANY,
        offset=st.integers(-3, 3),
        caller=CALLERS,
        again=st.booleans(),
        logs_in=st.booleans(),
    )
    def enter_app_code(
        self,
        browser: int,
        account: int,
        is_own: bool,
        app: int,
        offset: int,
        caller: str,
        again: bool,
        logs_in: bool,
    ) -> None:
        """Enter a code of an app, also an early or late one, or that of another account."""
        now, who, whose = self._step(), self.browsers[browser], self.accounts[account]
        apps = [each for one in self.accounts for each in one.apps]
        chosen = apps[app % len(apps)]
        if is_own:
            whose = next(each for each in self.accounts if chosen in each.apps)
        if chosen.type == "totp":
            counter = int(now // PERIOD) + offset
        elif chosen.far and offset > 1:
            counter = chosen.far[0] + 1
        else:
            counter = max(0, chosen.consumed + (offset if offset < 3 else 40))
        code = _shown(chosen, counter)
        self._enter(who, whose, code, caller=caller, again=again, logs_in=logs_in)

    @rule(browser=BROWSERS, account=ACCOUNTS, code=st.integers(0, 10**6 - 1), caller=CALLERS)
    def enter_a_wrong_code(self, browser: int, account: int, code: int, caller: str) -> None:
        """Enter six digits that match nothing."""
        self._step()
        who, whose = self.browsers[browser], self.accounts[account]
        meant = set().union(*map(self._all_codes, self.accounts))
        typed = next(
            each for each in (f"{(code + i) % 10**6:06}" for i in count()) if each not in meant
        )
        self._enter(who, whose, typed, caller=caller, is_wrong=True)

    @rule(browser=BROWSERS, account=ACCOUNTS)
    def enter_wrong_long_codes(self, browser: int, account: int) -> None:
        """Enter ten digits that match nothing, until there are no tries left."""
        self._step()
        for _ in range(3):
            self._enter(self.browsers[browser], self.accounts[account], "9" * 10)

    @rule(
        browser=BROWSERS,
        account=ACCOUNTS,
        owner=ACCOUNTS,
        number=ANY,
        is_used=st.booleans(),
        caller=CALLERS,
        logs_in=st.booleans(),
    )
    def enter_recovery_code(
        self,
        browser: int,
        account: int,
        owner: int,
        number: int,
        is_used: bool,
        caller: str,
        logs_in: bool,
    ) -> None:
        """Enter a recovery code of any set."""
        now, who, whose = self._step(), self.browsers[browser], self.accounts[account]
        found = self.accounts[owner].used if is_used else self.accounts[owner].unused
        found = found or whose.unused or whose.used or ["0" * 16]
        code = found[number % len(found)]
        verdict = certain(is_true=whose.is_active and code in whose.unused)
        is_accepted = self._authenticate(who, whose, code, caller)
        assert is_accepted is (verdict is Verdict.YES), (is_accepted, verdict)
        if is_accepted:
            whose.unused.remove(code)
            whose.used.append(code)
            self._log_in(who, whose, now, caller=caller, logs_in=logs_in)

    # What happens meanwhile

    @rule(seconds=WAITS)
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._step()
        self.clock.wait(seconds)

    @precondition(
        lambda self: any(
            mail.expires_at > self.clock.now + 5 for each in self.accounts for mail in each.mails
        )
    )
    @rule(number=ANY, seconds=st.sampled_from([-2, 2]))
    def wait_for_expiry(self, number: int, seconds: int) -> None:
        """Wait until just before or just after a code expires."""
        now = self._step()
        alive = [each for one in self.accounts for each in one.mails if each.expires_at > now + 3]
        self.clock.move_to(alive[number % len(alive)].expires_at + seconds)

    @rule(
        event=st.sampled_from(
            ["clear", "restart", "crash", "activity", "rename", "revoke", "remove", "recovery"]
        ),
        account=ACCOUNTS,
        browser=BROWSERS,
        number=ANY,
    )
    def happens(self, event: str, account: int, browser: int, number: int) -> None:
        """Let something happen to Redis, to an account or to its sign-in methods."""
        self._step()
        whose, who = self.accounts[account], self.browsers[browser]
        match event:
            case "clear":
                self._clear()
            case "restart" | "crash":
                self._restart(crashes=event == "crash")
            case "activity":
                self._switch_activity(whose)
            case "rename":
                self._rename(whose, number)
            case "revoke":
                self._revoke_browsers(whose, who)
            case "remove":
                self._remove_app(whose)
            case "recovery":
                whose.used += whose.unused
                whose.unused = generate_recovery_codes(self._row(whose))

    def _clear(self) -> None:
        """Clear the cache."""
        self.clock.clear()
        for account in self.accounts:
            account.forget_mails()
            for app in account.apps:
                app.far = None
        for browser in self.browsers:
            browser.tries.clear()

    def _restart(self, *, crashes: bool) -> None:
        """Restart Redis, which has written everything to disk."""
        if self.restarts < 2:  # each takes a while
            self.restarts += 1
            if crashes:
                self.server.kill()
            self.server.restart()

    def _switch_activity(self, whose: Account) -> None:
        """Deactivate a user, or activate the user again."""
        whose.is_active = not whose.is_active
        user = self._row(whose)
        user.is_active = whose.is_active
        user.save()

    def _rename(self, whose: Account, number: int) -> None:
        """Change the username, and with it the address that codes go to."""
        free = [each for each in self.names if each not in {one.number for one in self.accounts}]
        if not free or number % 2:
            free = [next(self.numbers)]
            self.names += free
        whose.number = free[number % len(free)]
        user = self._row(whose)
        setattr(user, user.USERNAME_FIELD, username(whose.number))
        user.save()
        whose.forget_mails()
        for app in whose.apps:
            app.far = None
        for browser in self.browsers:
            browser.known.pop(whose, None)
            browser.tries.pop(whose, None)

    def _revoke_browsers(self, whose: Account, kept: Browser) -> None:
        """End all sessions of a user, but one."""
        request = self._request(kept)
        user = self._row(whose)
        if request is not None:
            request.user = user
        end_sessions(user, keep=request)
        for each in self.browsers:
            if each is not kept:
                each.known.pop(whose, None)

    def _remove_app(self, whose: Account) -> None:
        """Remove the app that was added first."""
        if whose.apps:
            user = self._row(whose)
            rows = user.otp_authenticators.exclude(type="sent").order_by("created_at")
            assert remove_authenticator(rows[0])
            del whose.apps[0]

    @precondition(lambda self: any(len(each.apps) < 2 for each in self.accounts))
    @rule(account=ACCOUNTS, type=st.sampled_from(["totp", "totp", "hotp"]))
    def add_app(self, account: int, type: str) -> None:
        """Enroll an app. The code that confirms it is used by that."""
        now = self._step()
        whose = min((self.accounts[account], *self.accounts), key=lambda each: len(each.apps) >= 2)
        enrollment = enroll(self._row(whose), type=type)
        app = App(type, enrollment.secret, int(now // PERIOD) if type == "totp" else 0)
        enrollment.confirm(_shown(app, app.consumed))
        whose.apps.append(app)

    # How

    def _step(self) -> float:
        """Count a step, and let a second pass. Return the time."""
        type(self).steps += 1
        self.clock.wait(1)
        return self.clock.now

    def _request(self, who: Browser) -> HttpRequest | None:
        if who.session is None:
            return None
        request = HttpRequest()
        request.META = {"REMOTE_ADDR": who.address, "SERVER_NAME": "testserver"}
        request.META["SERVER_PORT"] = "80"
        request.session = who.session
        request.COOKIES.update(who.cookies)
        return request

    def _row(self, account: Account) -> Any:
        return get_user_model().objects.get(pk=account.user.pk)

    def _authenticate(
        self, who: Browser, account: Account, code: str, caller: str = "none"
    ) -> bool:
        self.request = self._request(who)
        with _CALLERS[caller]():
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
                left = len(code) < 10 or mail.tries < 5
                verdict = certain(is_true=left)
                found.append(Match(verdict, lambda mail=mail: account.accept_mail(mail)))
        for app in account.apps if len(code) < 10 else ():
            for counter, verdict in _counters(app, now):
                if code == _shown(app, counter):
                    found.append(Match(verdict, lambda app=app, to=counter: _consume(app, to)))
        return found

    def _room(self, who: Browser, account: Account, *, is_long: bool) -> Verdict:
        """Return whether the limits let a code be compared."""
        now = self.clock.now
        if is_long:
            tries = [at for at in who.tries.get(account, ()) if at > now - 600 - 5]
            return Verdict.YES if len(tries) < 5 else Verdict.MAYBE
        strangers = account.strangers.room(now, account.heaviest)
        known = every(who.is_known(account, now), account.known.room(now, account.heaviest))
        return either(strangers, known)

    def _note_refusal(self, who: Browser, account: Account, code: str, *, is_wrong: bool) -> None:
        """Count a short code that was refused, and note a code that is far ahead."""
        now, heaviest = self.clock.now, account.heaviest
        room = self._room(who, account, is_long=False)
        for app in account.apps:
            first = app.consumed + LOOK_AHEAD + 1
            if app.type == "hotp" and room is not Verdict.NO:
                for counter in range(first, first + REACH):
                    if code == _shown(app, counter):
                        app.far = (counter, now, room)
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
        codes = {mail.code[-6:] for mail in account.mails}
        for app in account.apps:
            if app.type == "totp":
                step = int(self.clock.now // PERIOD)
                codes |= {_shown(app, each) for each in range(step - 3, step + 4)}
            else:
                last = app.consumed + LOOK_AHEAD + REACH + 2
                codes |= {_shown(app, each) for each in range(last)}
        return codes


def _shown(app: App, counter: int) -> str:
    """Return what an app shows. It is computed by another library."""
    return pyotp.HOTP(app.secret).at(counter)


def _counters(app: App, now: float) -> Iterator[tuple[int, Verdict]]:
    """Yield the counters whose code is right."""
    if app.type == "totp":
        step = int(now // PERIOD)
        for counter in range(max(step - 1, app.consumed + 1), step + 2):
            yield counter, Verdict.YES
        return
    ahead = range(app.consumed + 1, app.consumed + 1 + LOOK_AHEAD)
    for counter in ahead:
        yield counter, Verdict.YES
    if app.far is not None:
        far, at, verdict = app.far
        if far + 1 > app.consumed and far + 1 not in ahead and now < at + REMEMBERED + 5:
            yield far + 1, every(verdict, certain(is_true=now < at + REMEMBERED - 5) or verdict)


def _consume(app: App, counter: int) -> None:
    app.consumed = counter
