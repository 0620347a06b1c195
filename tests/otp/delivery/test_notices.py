"""What an account's owner is notified about, in which words, and what happens when that fails."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core import mail

from swap_user import signals
from swap_user.conf import SwapUserSettings
from swap_user.models import Authenticator, RecoveryCode, WrongGuess
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.otp.delivery import events, notices, retry
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.senders import AbstractOTPSender, AbstractSMSOTPSender
from swap_user.otp.store import keys
from swap_user.otp.throttling import messages
from swap_user.otp.throttling.guesses import Place
from swap_user.otp.visitors.visitor import Origin
from tests.support import configure, give, make_user, username, visitor

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 14, 3, tzinfo=UTC)


class OnlyCodes(AbstractOTPSender):
    """Notifies as the base class does."""

    def send(self, receiver, otp, **kwargs):
        """Not asked here."""


class Broken(OnlyCodes):
    """Reaches no user."""

    def notify(self, user, subject, text):
        raise OSError("no\r\nroute")


class Elsewhere(Broken):
    """Knows where people are who have no email address."""

    told: list = []

    def notify(self, user, subject, text):
        self.told.append((user.pk, subject, text))


ADDRESS = "owner@example.com"


@pytest.fixture
def user(monkeypatch):
    """A user with an email address, whatever the model."""
    for module in ("senders", "delivery.notices"):
        monkeypatch.setattr(f"swap_user.otp.{module}.email_address", lambda user: ADDRESS)
    return make_user()


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


def spend(user, times=16, **fields):
    """Let strangers try so many codes, of which there are sixteen in a year."""
    fields = {"at": int(NOW.timestamp()), "units": 4, "is_known": False} | fields
    for _ in range(times):
        WrongGuess.objects.create(user=user, **fields)


def happen(event, user):
    """Let it happen."""
    match event:
        case "new_browser_login":
            signals.new_browser_login.send(type(user), user=user, request=visitor())
        case "authenticator_added":
            authenticator = give(user, name="Work phone")
            signals.authenticator_added.send(Authenticator, user=user, authenticator=authenticator)
        case "authenticator_removed":
            authenticator = give(user, name="Work phone")
            signals.authenticator_removed.send(
                Authenticator, user=user, authenticator=authenticator
            )
        case "recovery_codes_generated":
            generate_recovery_codes(user)
        case "recovery_code_used":
            signals.recovery_code_used.send(RecoveryCode, user=user, remaining=1)
        case "guesses_exhausted":
            spend(user)
            events.after_wrong_guess(username())
        case "receiver_changed":
            signals.receiver_changed.send(type(user), user=user, previous=user)


WORDS = {
    "new_browser_login": ("A login from a new browser", "where it was not used before"),
    "authenticator_added": ("An authenticator was added", '"Work phone" was added'),
    "authenticator_removed": ("An authenticator was removed", '"Work phone" was removed'),
    "recovery_codes_generated": ("You have new recovery codes", "no longer works"),
    "recovery_code_used": ("A recovery code was used", "1 code is left"),
    "guesses_exhausted": ("Somebody is trying to guess", "sent to a new browser are longer"),
    "receiver_changed": (
        "The address of your account has changed",
        "no longer sent to the address",
    ),
}


def test_all_notices_are_on_unless_left_out():
    """The setting's default is every notice that there is, and each has words."""
    assert set(SwapUserSettings.OTP_NOTICES.default) == set(notices.NOTICES) == set(WORDS)


@pytest.mark.requirement("R37")
@pytest.mark.parametrize("event", WORDS)
def test_the_owner_is_told(user, settings, event):
    """What happened, when by the site's clock, where, and what to do."""
    configure(settings, OTP_ISSUER="Café Münster")
    settings.TIME_ZONE = "Europe/Berlin"
    happen(event, user)
    (message,) = mail.outbox
    subject, words = WORDS[event]
    assert message.to == [ADDRESS]
    assert message.subject.startswith(subject)
    assert words in message.body
    assert "Site: Café Münster" in message.body
    assert "Time: Nov. 22, 2026, 3:03 p.m." in message.body
    advice = "Never give a code to anyone" if event == "guesses_exhausted" else "If it was you"
    assert advice in message.body


@pytest.mark.parametrize("event", WORDS)
def test_each_can_be_switched_off(user, settings, event):
    """By leaving it out; the others go on, and so do the signals."""
    heard = []
    kept = [name for name in notices.NOTICES if name != event]
    configure(settings, OTP_NOTICES=kept)
    signal = getattr(signals, event)
    receiver = lambda **kwargs: heard.append(kwargs["user"])  # noqa: E731
    signal.connect(receiver)
    try:
        happen(event, user)
    finally:
        signal.disconnect(receiver)
    assert heard == [user]
    assert mail.outbox == []
    happen(kept[0], user)
    assert len(mail.outbox) == 1


def test_no_notice_of_the_first_login(user):
    """The owner has just made the account. The signal is sent all the same."""
    heard = []
    receiver = lambda **kwargs: heard.append(kwargs["is_first"])  # noqa: E731
    signals.new_browser_login.connect(receiver)
    try:
        for is_first in (True, False):
            signals.new_browser_login.send(
                type(user), user=user, request=visitor(), is_first=is_first
            )
    finally:
        signals.new_browser_login.disconnect(receiver)
    assert heard == [True, False]
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("event", sorted(set(WORDS) - {"guesses_exhausted"}))
def test_a_queue_could_carry_it(user, monkeypatch, event):
    """Plain values only, no user and no authenticator; the job is known to dispatchers."""
    from swap_user.otp import dispatchers
    from swap_user.otp.background import registry
    from swap_user.otp.dispatchers import InlineDispatcher

    carried = []

    class Carrying(InlineDispatcher):
        def dispatch(self, job, args, kwargs):
            carried.append((job, args, kwargs))

    monkeypatch.setattr(dispatchers, "load_dispatcher", Carrying)
    happen(event, user)
    ((job, args, kwargs),) = carried
    args, kwargs = json.loads(json.dumps([args, kwargs]))
    assert registry.named(registry.name_of(job)) is job
    job(*args, **kwargs)
    assert len(mail.outbox) == 1
    assert registry.named(registry.name_of(events.after_wrong_guess)) is events.after_wrong_guess


def test_users_who_are_gone(user):
    """Deleted meanwhile, or never there: no user is notified, and nothing goes wrong."""
    pk = str(user.pk)
    user.delete()
    notices.notify(pk, "recovery_code_used", None, remaining=3)
    events.after_wrong_guess(username())
    events.after_wrong_guess(username(9))
    events.after_wrong_guess("")
    assert mail.outbox == []


def test_no_address(user, monkeypatch, caplog, settings):
    """Said once in the log; a sender that knows another way is asked all the same."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("swap_user.otp.delivery.notices.email_address", lambda user: "")
    configure(settings, OTP_SENDER_CLASS=f"{__name__}.OnlyCodes")
    happen("new_browser_login", user)
    assert mail.outbox == []
    (line,) = [each for each in caplog.records if each.name == "swap_user.security"]
    assert line.getMessage() == (
        f"owner not notified: user={user.pk} notice=new_browser_login reason=no address"
    )
    Elsewhere.told.clear()
    configure(settings, OTP_SENDER_CLASS=f"{__name__}.Elsewhere")
    happen("new_browser_login", user)
    assert [told[:2] for told in Elsewhere.told] == [(user.pk, "A login from a new browser")]


def test_a_sender_that_fails_changes_nothing(user, settings, caplog):
    """The event takes place; one line of the log says why the owner was not notified."""
    failed = []
    receiver = lambda **kwargs: failed.append(kwargs["user"])  # noqa: E731
    signals.delivery_failed.connect(receiver)
    configure(settings, OTP_SENDER_CLASS=f"{__name__}.Broken")
    try:
        assert len(generate_recovery_codes(user)) == 10
    finally:
        signals.delivery_failed.disconnect(receiver)
    line = caplog.records[-1]
    assert (line.event, line.notice) == ("owner not notified", "recovery_codes_generated")
    assert "OSError: no\\x0d\\x0aroute at " in line.getMessage()
    assert failed == [user]


def test_only_changes_are_logged_as_such(user, caplog):
    """A login from a new browser changes no sign-in method."""
    caplog.set_level(logging.INFO)
    for event in WORDS:
        happen(event, user)
    said = [
        each for each in caplog.records if getattr(each, "event", "") == "sign-in methods changed"
    ]
    assert {each.change for each in said} == set(WORDS) - {"new_browser_login", "guesses_exhausted"}


@pytest.fixture
def exhausted():
    """The senders and users of the signal."""
    heard = []
    receiver = lambda sender, user, **kwargs: heard.append((sender, user))  # noqa: E731
    signals.guesses_exhausted.connect(receiver)
    yield heard
    signals.guesses_exhausted.disconnect(receiver)


def test_guesses_exhausted_is_sent_by_the_job(user, exhausted):
    """With the user, whom the request that guessed has not looked up."""
    spend(user)
    events.after_wrong_guess(username(), "en")
    assert exhausted == [(get_user_model(), user)]


@pytest.mark.parametrize("is_last", [True, False])
def test_jobs_of_former_versions_run(user, exhausted, is_last):
    """They have a bool in place of the units."""
    events.after_wrong_guess(username(), "en", is_last)
    assert exhausted == []
    spend(user)
    events.after_wrong_guess(username(), "en", is_last)
    assert exhausted == [(get_user_model(), user)]


@pytest.mark.parametrize(
    ("times", "units", "is_announced"),
    [(15, "00004", False), (16, "00004", True), (15, "00005", True), (0, "01000", False)],
)
def test_only_spent_guesses_are_announced(user, exhausted, times, units, is_announced):
    """The job runs after each guess, and the next one must have no room."""
    spend(user, times)
    spend(user, 50, is_known=True)
    spend(make_user(2))
    events.after_wrong_guess(username(), "en", units)
    assert len(exhausted) == len(mail.outbox) == is_announced


@pytest.mark.parametrize(("times", "is_announced"), [(14, False), (15, True)])
def test_a_guess_that_is_not_in_the_database_yet_is_counted(user, exhausted, times, is_announced):
    """On SQLite, a guess of a transaction that was rolled back is in Redis for a while."""
    spend(user, times)
    Place(keys.redis_key(keys.account_key_of(user), "open"), "an attempt").keep()
    events.after_wrong_guess(username(), "en")
    assert len(exhausted) == is_announced


def test_a_single_guess_is_announced_before_it_is_in_the_database(user, exhausted, settings):
    """It is in Redis for a while."""
    configure(settings, OTP_LIMITS={"guesses_per_account": "1/365d"})
    Place(keys.redis_key(keys.account_key_of(user), "open"), "an attempt").keep()
    events.after_wrong_guess(username(), "en")
    assert len(exhausted) == 1


@pytest.mark.parametrize("known", ["50/365d", "1000/365d"])
def test_guesses_of_known_browsers_are_not_announced(user, exhausted, settings, known):
    """However many there are."""
    configure(settings, OTP_LIMITS={"known_guesses_per_account": known})
    spend(user, 60, is_known=True)
    events.after_wrong_guess(username(), "en", "00013")
    assert (exhausted, mail.outbox) == ([], [])


def test_spent_guesses_are_announced_once_a_year(user, exhausted):
    """Not with every guess after them; and once more if they are used up again a year later."""
    spend(user)
    for _ in range(3):
        events.after_wrong_guess(username(), "en", "00004")
    assert len(exhausted) == len(mail.outbox) == 1
    year = timedelta(days=365)
    for later, times in ((year - timedelta(seconds=1), 1), (year, 2)):
        with time_machine.travel(NOW + later, tick=False):
            spend(user, at=int((NOW + later).timestamp()))
            events.after_wrong_guess(username(), "en", "00004")
            assert len(exhausted) == len(mail.outbox) == times


@pytest.mark.django_db(transaction=True)  # a thread sends it
@pytest.mark.parametrize("reason", ["the site", "the sender"])
def test_a_notice_that_is_not_sent_is_tried_again_a_day_later(
    user, exhausted, settings, monkeypatch, reason
):
    """Otherwise, strangers who use up the messages of the site would keep it away for a year."""
    monkeypatch.setattr(retry, "PAUSE", 0.01)
    broken = (
        {"OTP_LIMITS": {"messages_per_site": 0}}
        if reason == "the site"
        else {"OTP_SENDER_CLASS": f"{__name__}.Broken"}
    )
    before = {"OTP_SENDER_CLASS": settings.SWAP_USER["OTP_SENDER_CLASS"], "OTP_LIMITS": {}}
    spend(user)
    configure(settings, **broken)
    events.after_wrong_guess(username(), "en", "00004")
    configure(settings, **before)
    events.after_wrong_guess(username(), "en", "00004")
    assert mail.outbox == []
    assert len(exhausted) == 1
    day = timedelta(days=1)
    with time_machine.travel(NOW + day, tick=False):
        events.after_wrong_guess(username(), "en", "00004")
        assert len(mail.outbox) == 1
        assert len(exhausted) == 2
    with time_machine.travel(NOW + 300 * day, tick=False):
        events.after_wrong_guess(username(), "en", "00004")
        assert len(mail.outbox) == 1


def test_the_job_deletes_guesses_of_more_than_a_year_ago(user):
    """Those of this user; the ones that count, and those of others, stay."""
    now, day = int(NOW.timestamp()), 86_400
    other = make_user(2)
    for owner, age in ((user, 365), (user, 367), (other, 367)):
        WrongGuess.objects.create(user=owner, at=now - age * day, units=4, is_known=False)
    events.after_wrong_guess(username())
    left = WrongGuess.objects.order_by("user_id").values_list("user_id", "at")
    assert list(left) == [(user.pk, now - 365 * day), (other.pk, now - 367 * day)]


# Limits


def _told(caplog):
    return [each.getMessage() for each in caplog.records if each.name == "swap_user.security"]


@pytest.mark.requirement("R47")
def test_notices_are_messages_with_a_limit(user, settings, caplog):
    """The limit of their receiver, with a line in the log that says why one was not sent."""
    configure(settings, OTP_LIMITS={"known_messages_per_receiver": 2})
    for _ in range(3):
        happen("new_browser_login", user)
    assert len(mail.outbox) == 2
    assert _told(caplog)[-1] == (
        f"owner not notified: user={user.pk} notice=new_browser_login "
        "reason=limit reached: receiver"
    )


@pytest.mark.requirement("R47")
def test_notices_share_the_limit_of_the_site(user, settings):
    """So that many accounts together do not make a site send without end."""
    configure(settings, OTP_LIMITS={"messages_per_site": 3})
    other = make_user(2)
    for _ in range(3):
        happen("new_browser_login", user)
        happen("new_browser_login", other)
    assert len(mail.outbox) == 3


@pytest.mark.requirement("R47")
def test_no_notice_goes_to_a_country_that_is_left_out(user, settings, monkeypatch):
    """OTP_PHONE_PREFIXES holds for notices too."""
    configure(settings, OTP_SENDER_CLASS=f"{__name__}.Elsewhere", OTP_PHONE_PREFIXES=["+41", "+49"])
    Elsewhere.told.clear()
    for number in ("+491511234500", "+8821234500"):
        monkeypatch.setattr(Elsewhere, "get_receiver", lambda self, user, to=number: to)
        happen("new_browser_login", user)
    assert len(Elsewhere.told) == 1


class SMSSender(AbstractSMSOTPSender):
    """Reaches users by phone, unless they have an email address."""

    texts: list = []

    def get_receiver(self, user):
        return "+447700900123"

    def send_text(self, receiver, text):
        self.texts.append((receiver, text))


@pytest.mark.requirement("R47")
@pytest.mark.parametrize("address", [ADDRESS, ""])
def test_a_notice_is_charged_to_where_it_goes(user, settings, monkeypatch, address):
    """The prefixes of phone numbers withhold no email, and an email uses up no message by phone."""
    monkeypatch.setattr("swap_user.otp.senders.email_address", lambda user: address)
    SMSSender.texts.clear()
    configure(
        settings,
        OTP_SENDER_CLASS=f"{__name__}.SMSSender",
        OTP_PHONE_PREFIXES=["+49"],
        OTP_LIMITS={"known_messages_per_receiver": 1},
    )
    happen("new_browser_login", user)
    assert [message.to for message in mail.outbox] == ([[ADDRESS]] if address else [])
    assert SMSSender.texts == []
    configure(settings, OTP_PHONE_PREFIXES=[])
    happen("new_browser_login", user)
    assert len(mail.outbox) == (1 if address else 0)
    assert [receiver for receiver, _ in SMSSender.texts] == ([] if address else ["+447700900123"])
    for receiver, is_spent in ((ADDRESS, bool(address)), ("+447700900123", not address)):
        scope = messages.charge_receiver(receiver, Origin(), is_known=True)
        assert scope == ("receiver" if is_spent else "")


@pytest.mark.parametrize("event", ["new_browser_login", "guesses_exhausted"])
def test_a_notice_is_sent_while_redis_is_away(user, monkeypatch, event):
    """It may be the only warning that its owner gets."""

    def away(*args, **kwargs):
        raise LoginUnavailable

    for script in ("_CHARGE", "_TIME"):
        monkeypatch.setattr(f"swap_user.otp.throttling.messages.{script}", away)
    happen(event, user)
    assert len(mail.outbox) == 1
