"""A budget in money for SMS: a price for each prefix, and what a day and a month may cost."""

import logging
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal, DecimalException
from typing import Any, ClassVar

from swap_user import signals
from swap_user.conf import swap_user_settings
from swap_user.contrib.sms.base import is_refusal
from swap_user.otp import audit
from swap_user.otp.delivery.notices import BY_STRANGERS
from swap_user.otp.delivery.retry import Withheld
from swap_user.otp.delivery.segments import parts
from swap_user.otp.senders import AbstractSMSOTPSender
from swap_user.otp.store import scripts
from swap_user.otp.store.budgets import DAY, HOUR, Budget
from swap_user.otp.store.keys import keyed_hash, redis_key

Money = Decimal | int | float | str

_MONTH = 30 * DAY

# Redis counts in whole numbers: in hundredths of a cent.
_UNITS = 10_000

# The part that is left to known browsers, and to notices of what strangers can't cause.
_RESERVE = Decimal("0.2")

_CHARGE = scripts.JSONScript(scripts.read("charge_money"))
_REFUND = scripts.Script(scripts.read("refund_money"))


class BudgetMixin(AbstractSMSOTPSender):
    """
    Send no SMS that costs more than is left. Put this before a sender class.

    A message is charged before it is sent: its price, times the number of SMS that the text needs.
    If the provider refuses it, the charge is taken back. If nothing is left, a ``ChainSender`` uses
    the next channel, and there is no other attempt.

    Strangers can use four fifths of a limit. The rest is left to known browsers and to notices.
    """

    budget_name = "sms"
    """Senders with the same name share their budget."""

    prices: ClassVar[Mapping[str, Money]] = {}
    """The price of one SMS by the prefix of the number, such as "+44". The longest one counts."""

    default_price: Money | None = None
    """The price for all other numbers. None: no SMS is sent to them."""

    limit_per_day: Money | None = None
    """
    What may be spent in a day, or None.

    The day begins with the first message after the end of the last one, like other limits.
    """

    limit_per_month: Money | None = None
    """What may be spent in 30 days, or None. They begin in the same way."""

    _has_reserve = False

    def send(self, receiver: str, otp: str, **kwargs: Any) -> None:
        """See AbstractOTPSender.send(). Codes for known browsers may use the reserve."""
        self._has_reserve = bool(kwargs.get("is_known"))
        super().send(receiver, otp, **kwargs)

    def _send_notice(self, receiver: str, text: str, event: str) -> None:
        self._has_reserve = event not in ("", BY_STRANGERS)
        super()._send_notice(receiver, text, event)

    def send_text(self, receiver: str, text: str) -> object:
        """
        Charge the message and send it.

        Raises:
            Withheld: nothing is left, or there is no price for this number.
            LoginUnavailable: Redis can't be reached.
        """
        price = self.price_of(receiver)
        if price is None:
            reason = "no price for this prefix"
            audit.record(logging.WARNING, "sms withheld", budget=self.budget_name, reason=reason)
            raise Withheld
        budgets = self._budgets(math.ceil(price * _UNITS) * parts(text))
        self._charge(budgets)
        try:
            return super().send_text(receiver, text)  # type: ignore[safe-super]
        except Exception as error:
            if is_refusal(error):
                _REFUND({}, budgets=budgets)
            raise

    def price_of(self, receiver: str) -> Decimal | None:
        """Return the price of one SMS to this number, or None if there is none."""
        fitting = [prefix for prefix in self.prices if receiver.startswith(prefix)]
        price = self.prices[max(fitting, key=len)] if fitting else self.default_price
        return None if price is None else Decimal(str(price))

    def _limits(self) -> Iterator[tuple[str, Money, int]]:
        if self.limit_per_day is not None:
            yield "day", self.limit_per_day, DAY
        if self.limit_per_month is not None:
            yield "month", self.limit_per_month, _MONTH

    def _budgets(self, cost: int) -> list[Budget]:
        account = keyed_hash("money", self.budget_name)
        return [
            Budget(redis_key(account, "money", period), _units(limit), window, period, cost)
            for period, limit, window in self._limits()
        ]

    def _charge(self, budgets: list[Budget]) -> None:
        answer = _CHARGE(
            {
                state: redis_key(keyed_hash("money", self.budget_name), "money_signal", state)
                for state in ("low", "spent")
            },
            budgets=budgets,
            rooms=[each.limit - self._reserved(each.limit) for each in budgets],
            low=[each.limit - int(each.limit * _RESERVE) for each in budgets],
            silence=HOUR,
        )
        if answer["signal"]:
            self._tell(answer["state"], answer["scope"])
        if not answer["charged"]:
            period = answer["scope"]
            audit.record(
                logging.WARNING,
                "sms withheld",
                budget=self.budget_name,
                reason=f"budget of the {period} is spent",
            )
            raise Withheld

    def _reserved(self, limit: int) -> int:
        return 0 if self._has_reserve else int(limit * _RESERVE)

    def _tell(self, state: str, period: str) -> None:
        name = self.budget_name
        if state == "spent":
            audit.record(logging.ERROR, "sms budget spent", budget=name, period=period)
            signals.send_budget_spent.send_robust(type(self), budget=name, period=period)
        else:
            audit.record(logging.WARNING, "sms budget low", budget=name, period=period)
            signals.send_budget_low.send_robust(type(self), budget=name, period=period)

    @classmethod
    def problems(cls) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with prices and limits; see AbstractOTPSender.problems()."""
        yield from super().problems()
        named = [(f"prices[{prefix!r}]", price) for prefix, price in cls.prices.items()]
        names = ("default_price", "limit_per_day", "limit_per_month")
        named += [(name, getattr(cls, name)) for name in names]
        for name, amount in named:
            if amount is not None and not _is_amount(amount):
                yield f"has {name} = {amount!r}, which is no amount of money.", 'Write "0.05".'
        if cls.limit_per_day is None and cls.limit_per_month is None:
            yield "has a budget without a limit.", "Set limit_per_day or limit_per_month."
        if getattr(super().send_text, "__isabstractmethod__", False):
            hint = "Write it before the class that has send_text(): class SMS(BudgetMixin, Other)."
            yield "does not charge what it sends, because BudgetMixin is in the wrong place.", hint
        for prefix in swap_user_settings.OTP_PHONE_PREFIXES if cls.default_price is None else ():
            # A longer prefix in the prices is a part of this country.
            if not any(prefix.startswith(each) or each.startswith(prefix) for each in cls.prices):
                hint = "Add it to prices, or set default_price."
                yield f"has no price for {prefix}, so no SMS is sent there.", hint


def _is_amount(amount: object) -> bool:
    try:
        value = Decimal(str(amount))
    except DecimalException:
        return False
    return not isinstance(amount, bool) and value.is_finite() and 0 <= value < 10**9


def _units(limit: Money) -> int:
    return int(Decimal(str(limit)) * _UNITS)
