"""The steps of the state machine."""

from __future__ import annotations

from itertools import count

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from swap_user.otp import send_code
from swap_user.testing import outbox, wait_for_deliveries
from tests.simulation.clock import DAY, HOUR, YEAR
from tests.statemachine.app import PERIOD
from tests.statemachine.events import Events
from tests.statemachine.verdict import Verdict, certain
from tests.statemachine.world import CALLERS
from tests.support import username

BROWSERS = st.integers(0, 3)
ACCOUNTS = st.integers(0, 1)
ANY = st.integers(0, 1000)
WAITS = st.sampled_from(
    [5, 29, 31, 61, 149, 152] * 2 + [299, 301, 602, HOUR + 1, DAY + 1, 90 * DAY + 1, YEAR + DAY]
)
CALLER = st.sampled_from(["none"] * 4 + ["committed", "rolled back", "rolled back"])


class Logins(Events):
    """Logins, and what happens meanwhile."""

    @rule(browser=BROWSERS, number=ANY, caller=CALLER)
    def ask(self, browser: int, number: int, caller: str) -> None:
        """Ask for a code, also for a name that no account has."""
        now, who = self._step(), self.browsers[browser]
        named = self.names[number % len(self.names)]
        account = next((each for each in self.accounts if each.number == named), None)
        before = len(outbox)
        with CALLERS[caller]():
            send_code(self._request(who), username(named))
        assert wait_for_deliveries()
        sent = outbox[before:]
        if account is None or not account.is_active or caller == "rolled back":
            assert sent == []
        self.asked.append((named, who.flow, now))
        if account is None:
            return
        if caller != "rolled back":
            is_known = who.is_known(account, now) is Verdict.YES
            must = account.has_messages(now, is_known=is_known) and account.is_active
            assert len(sent) == 1 or not must
        who.tries.pop(account, None)
        if sent:
            self._note_message(account, who, sent[0])

    @precondition(lambda self: any(each.mails for each in self.accounts))
    @rule(
        browser=BROWSERS,
        account=ACCOUNTS,
        kind=st.sampled_from(["own", "own", "own", "any"]),
        number=ANY,
        caller=CALLER,
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
        waits=st.lists(st.sampled_from([5, 35, 140, 152, 200]), max_size=3),
        number=ANY,
        caller=CALLER,
        others=st.booleans(),
        logs_in=st.booleans(),
    )
    def log_in_with_late_mail(
        self,
        browser: int,
        account: int,
        waits: list[int],
        number: int,
        caller: str,
        others: bool,
        logs_in: bool,
    ) -> None:
        """Ask again and again, enter one of the codes, and perhaps the others after it."""
        who, whose, before = self.browsers[browser], self.accounts[account], len(outbox)
        for seconds in [0, *waits]:
            self.clock.wait(seconds)
            self.ask(browser, self.names.index(whose.number), "none")
        codes = [each.otp for each in outbox[before:]]
        if not codes:
            return
        self._step()
        code = codes[number % len(codes)]
        self._enter(who, whose, code, caller=caller, logs_in=logs_in)
        for other in codes if others else ():
            self._step()
            self._enter(who, whose, other)

    @precondition(lambda self: any(each.apps for each in self.accounts))
    @rule(
        browser=BROWSERS,
        account=ACCOUNTS,
        is_own=st.sampled_from([True, True, True, False]),
        app=ANY,
        offset=st.integers(-3, 3),
        caller=CALLER,
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
        code = chosen.shown(counter)
        self._enter(who, whose, code, caller=caller, again=again, logs_in=logs_in)

    @rule(
        browser=BROWSERS,
        account=ACCOUNTS,
        code=st.integers(0, 10**6 - 1),
        times=st.integers(1, 4),
        caller=CALLER,
    )
    def enter_wrong_codes(
        self, browser: int, account: int, code: int, times: int, caller: str
    ) -> None:
        """Enter six digits that match nothing, up to four times."""
        for _ in range(times):
            self._step()
            who, whose = self.browsers[browser], self.accounts[account]
            meant = set().union(*map(self._all_codes, self.accounts))
            others = (f"{(code + more) % 10**6:06}" for more in count())
            typed = next(each for each in others if each not in meant)
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
        caller=CALLER,
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

    @rule(seconds=WAITS)
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._step()
        self.clock.wait(seconds)

    @precondition(
        lambda self: any(
            mail.expires_at > self.clock.now + 15 for each in self.accounts for mail in each.mails
        )
    )
    @rule(number=ANY, seconds=st.sampled_from([-10, 1]))
    def wait_for_expiry(self, number: int, seconds: int) -> None:
        """Wait until just before or just after a code expires."""
        now = self._step()
        alive = [each for one in self.accounts for each in one.mails if each.expires_at > now + 11]
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
                self._renew_recovery_codes(whose)

    @precondition(lambda self: any(len(each.apps) < 2 for each in self.accounts))
    @rule(account=ACCOUNTS, type=st.sampled_from(["totp", "totp", "hotp"]))
    def add_app(self, account: int, type: str) -> None:
        """Enroll an app, for the other account if this one has two."""
        self._step()
        whose = min((self.accounts[account], *self.accounts), key=lambda each: len(each.apps) >= 2)
        self._add_app(whose, type)
