"""What should happen, without the code that decides it: accounts, messages, apps and limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.statemachine.app import App
from tests.statemachine.verdict import Verdict

DAY = 86_400
YEAR = 365 * DAY

# A browser is known for a year, by a time that is stored once a day.
KNOWN_FOR = YEAR - DAY

SECONDS = 8
"""
How long before its end something may be over, in seconds.

Two clocks differ by a second at most, but for Redis the time of the test's own work passes too.
"""


@dataclass
class Spent:
    """
    Wrong guesses of a year, in units: the number of codes that were right.

    Attributes:
        most: how many units have room.
        entries: when, and how many units at least and at most.
    """

    most: int
    entries: list[tuple[float, int, int]] = field(default_factory=list)

    def room(self, now: float, heaviest: int) -> Verdict:
        """Return whether another guess is compared."""
        least = sum(low for at, low, _ in self.entries if at > now - YEAR + SECONDS)
        most = sum(high for at, _, high in self.entries if at > now - YEAR - SECONDS)
        if not most or most + heaviest <= self.most:
            return Verdict.YES
        return Verdict.NO if least and least + 4 > self.most else Verdict.MAYBE

    def add(self, now: float, verdict: Verdict, heaviest: int, *, is_wrong: bool) -> None:
        """
        Count a guess that was refused.

        Args:
            now: Unix time in seconds.
            verdict: whether it was compared.
            heaviest: the most units that it can have.
            is_wrong: whether it is certain that the guess matched no code.
        """
        if verdict is not Verdict.NO:
            least = 4 if is_wrong and verdict is Verdict.YES else 0
            self.entries.append((now, least, heaviest))


@dataclass(eq=False)
class Mail:
    """
    A code that was sent. A second message with the same code is the same mail.

    Attributes:
        code: the digits.
        flow: what asked for it, or None for a request without a session.
        order: counts up with each new code.
        expires_at: Unix time in seconds.
        is_alive: whether Redis has it.
        tries: how often ten digits were tried while it was pending.
        is_older: whether others may have tried codes before it was sent.
    """

    code: str
    flow: int | None
    order: int
    expires_at: float
    is_alive: bool = True
    tries: int = 0
    is_older: bool = False

    def waits(self, now: float) -> Verdict:
        """Return whether the code has not expired yet."""
        if self.expires_at <= now:
            return Verdict.NO
        return Verdict.YES if self.expires_at > now + SECONDS else Verdict.MAYBE


@dataclass(eq=False)
class Account:
    """
    An account.

    Attributes:
        user: the row.
        number: the number of the username, see ``tests.support.username()``.
        strangers: the guesses of unknown browsers.
        known: the guesses of known browsers.
        is_active: whether the user may log in.
        mails: the codes that were sent, oldest first.
        has_secret: whether a code was sent since the address was changed.
        consumed: the order of the last mail that was accepted, or of a later one of its flow.
        apps: the apps.
        unused: recovery codes.
        used: recovery codes that were used or replaced.
        asked: when messages were sent to strangers and to known browsers.
    """

    user: Any
    number: int
    strangers: Spent
    known: Spent
    is_active: bool = True
    mails: list[Mail] = field(default_factory=list)
    has_secret: bool = False
    consumed: int = -1
    apps: list[App] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    asked: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})

    @property
    def heaviest(self) -> int:
        """The most units that a guess can have: four sent codes, and those of the apps."""
        return 4 + sum({"totp": 3, "hotp": 11}[app.type] for app in self.apps)

    def forget_mails(self) -> None:
        """No code that was sent is right any more."""
        for mail in self.mails:
            mail.is_alive = False

    def pending(self, flow: int | None, now: float) -> list[Mail]:
        """Return the mails that can be entered in a flow."""
        return [
            mail
            for mail in self.mails
            if mail.is_alive and mail.expires_at > now and mail.flow in {flow, None}
        ]

    def add_mail(self, mail: Mail, now: float) -> None:
        """Add a mail with a new code. At most two codes of a flow are right at a time."""
        before = [each for each in self.pending(mail.flow, now) if each.flow == mail.flow]
        for each in before[:-1]:
            each.is_alive = False
        self.mails.append(mail)

    def accept_mail(self, mail: Mail) -> None:
        """Use a mail, and with it those of its flow."""
        of_flow = [each for each in self.mails if each.flow == mail.flow and each.is_alive]
        self.consumed = max(self.consumed, *(each.order for each in of_flow))
        for each in of_flow:
            each.is_alive = False

    def has_messages(self, now: float, *, is_known: bool) -> bool:
        """Return whether it is certain that the limits of a day have room for a message."""
        most = 40 if is_known else 20
        return sum(at > now - DAY - SECONDS for at in self.asked[is_known]) < most


@dataclass(eq=False)
class Browser:
    """
    A browser with its session, or a client without one.

    Attributes:
        address: where it is.
        flow: identifies its session between two logins; None: it has none.
        session: its session.
        cookies: its cookies.
        known: when it was last made known, by account.
        tries: how often ten digits were tried since the last request for a code, by account.
    """

    address: str
    flow: int | None
    session: Any
    cookies: dict[str, str] = field(default_factory=dict)
    known: dict[Account, float] = field(default_factory=dict)
    tries: dict[Account, list[float]] = field(default_factory=dict)

    def is_known(self, account: Account, now: float) -> Verdict:
        """Return whether the browser counts as known for the account."""
        if account not in self.known:
            return Verdict.NO
        age = now - self.known[account]
        if age < KNOWN_FOR - SECONDS:
            return Verdict.YES
        return Verdict.MAYBE if age < YEAR + SECONDS else Verdict.NO
