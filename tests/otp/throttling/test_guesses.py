"""Limits on guessing: what an account is charged, and what goes on."""

import pytest
from django.core.management import call_command

from swap_user.models import WrongGuess
from swap_user.otp import limited
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.otp.verification import verifier
from swap_user.signals import guesses_exhausted, login_limited
from tests.otp.throttling.helpers import (
    DAY,
    HOUR,
    from_,
    guess,
    known,
    log_in,
    looked_at,
    sent,
    wrong,
)
from tests.support import (
    NOW,
    ask,
    configure,
    enter,
    give,
    make_user,
    spellings,
    totp,
    username,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("clock"),
]


@pytest.mark.requirement("R16", "R49")
def test_all_strangers_share_one_budget(user, door, caplog):
    """Twenty clients at twenty addresses: sixteen guesses, then no short code counts, unsaid."""
    assert guess(20) == 16
    request = from_(1)
    assert door(request, totp(NOW)) is None
    assert limited(request) is None
    assert "reason=no guess left" in caplog.text


def test_a_name_in_another_form_is_the_same_account(user):
    """Writing it otherwise buys no second budget."""
    assert guess(20) == 16
    assert guess(5, name=spellings()[0]) == 0


@pytest.mark.requirement("R16", "R42")
def test_a_new_name_is_the_same_account(user):
    """What is counted hangs on the user, not on the name."""
    assert guess(10) == 10
    setattr(user, user.USERNAME_FIELD, username(9))
    user.save()
    assert guess(20, name=username(9)) == 6


@pytest.mark.requirement("R19")
def test_what_goes_on(user):
    """A longer sent code, a recovery code, and a browser that has logged in before."""
    cookie = log_in(from_(0))
    recovery_code = generate_recovery_codes(user)[0]
    guess(20)

    new = from_(1)
    code = ask(new)
    assert len(code) == 10
    assert enter(new, code) == user
    assert enter(from_(2), recovery_code) == user
    home = known(cookie)
    assert len(ask(home)) == 6
    assert enter(home, totp(NOW)) == user


@pytest.mark.requirement("R18")
def test_nothing_refills_it(user, clock):
    """Neither a new code, nor a login, nor an hour; only the 365 days since each guess."""
    assert guess(10) == 10
    new = from_(1)
    assert enter(new, ask(new)) == user
    clock.shift(2 * HOUR)
    ask(from_(2))
    assert guess(10, first=2000) == 6
    clock.shift(364 * DAY)
    assert guess(5, first=3000) == 0
    clock.shift(DAY - 2 * HOUR - 1)
    assert guess(5, first=4000) == 0
    clock.shift(1)
    assert guess(20, first=5000) == 10
    clock.shift(2 * HOUR)
    assert guess(20, first=6000) == 6


def test_a_right_code_costs_nothing(user, clock):
    """Its attempt is over at once: logins never use up what guesses may."""
    for number in range(30):
        clock.shift(30)
        assert enter(from_(1), totp(NOW + 30 * (number + 1))) == user
    assert not WrongGuess.objects.exists()
    assert guess(20) == 16


def test_a_double_click_costs_nothing(user):
    """The code is right, though used: that is not a guess."""
    code = totp(NOW)
    assert enter(from_(1), code) == user
    for _ in range(30):
        assert enter(from_(1), code) is None
    assert looked_at() == 0
    assert guess(20) == 16


@pytest.mark.requirement("R20")
def test_a_guess_at_more_codes_weighs_more(user):
    """With ten codes of a counter right at once, four guesses are as good as sixteen were."""
    give(user, "hotp", secret="A" * 32)
    assert guess(20) == 64 // 13
    assert {row.units for row in WrongGuess.objects.filter(user=user)} == {13}


@pytest.mark.requirement("R20")
def test_a_code_that_is_used_weighs_nothing(user):
    """Two apps show six codes; one of them has let its owner in, and the step before is over."""
    give(user, secret="A" * 32)
    assert enter(from_(1), totp(NOW)) == user
    guess(1)
    assert WrongGuess.objects.get(user=user).units == 4


@pytest.mark.requirement("R20")
def test_sent_codes_of_ten_digits_weigh_nothing(user, settings):
    """A short code is compared with those of the apps alone."""
    configure(settings, OTP_DIGITS=10)
    give(user, secret="A" * 32)
    mine = from_(1)
    ask(mine)
    assert enter(mine, wrong()) is None
    assert WrongGuess.objects.get(user=user).units == 6


def test_codes_of_eight_digits_weigh_no_less_than_usual(user):
    """An app with eight digits is guessed as often as others."""
    user.otp_authenticators.update(digits=8)
    assert guess(20, code="00000000") == 16


@pytest.mark.requirement("R20")
def test_an_account_with_very_many_codes_has_one_guess(user, settings):
    """However much it weighs, the first is compared; and a right code is none."""
    configure(settings, OTP_LIMITS={"guesses_per_account": "1/365d"})
    for number in range(3):
        give(user, secret="ABC"[number] * 32)
    for number in range(2):
        assert enter(from_(number), totp(NOW)) == (None if number else user)
    assert guess(5) == 1


@pytest.mark.requirement("R20")
def test_wider_windows_weigh_more(user, settings):
    """Seven steps of an app are right at a time."""
    configure(settings, OTP_PAST_STEPS=3, OTP_FUTURE_STEPS=3)
    assert guess(20) == 64 // 7


@pytest.mark.requirement("R45")
@pytest.mark.parametrize("days", [-30, 366])
def test_a_clock_that_is_wrong_gives_no_guess_back(user, clock, days):
    """On one server: all servers go by the clock of Redis."""
    guess(20)
    clock.skew(days * DAY)
    assert guess(5, first=3000, code="12345678") == 0


@pytest.mark.requirement("R45")
@pytest.mark.parametrize("days", [-400, 400])
def test_guesses_on_a_server_whose_clock_is_wrong_count_as_long(user, clock, days):
    """Neither shorter nor longer than those on other servers."""
    clock.skew(days * DAY)
    assert guess(20, code="12345678") == 16
    clock.skew(-days * DAY)
    clock.shift(364 * DAY)
    assert guess(5, code="12345678") == 0
    clock.shift(DAY)
    assert guess(5, code="12345678") == 5


@pytest.mark.parametrize("days", [-400, 400])
def test_clearsessions_on_a_server_whose_clock_is_wrong(user, clock, days, capsys):
    """Deletes no guess that counts, and all that count no more."""
    guess(20)
    clock.skew(days * DAY)
    call_command("clearsessions")
    assert looked_at() == 16
    clock.shift(367 * DAY)
    call_command("clearsessions")
    assert "Wrong guesses: 16." in capsys.readouterr().out
    assert looked_at() == 0


def test_clearsessions_without_redis(user, redis_server, capsys):
    """It goes by the clock of Redis; the rest of the command is done."""
    guess(1)
    redis_server.stop()
    call_command("clearsessions")
    assert "Wrong guesses: 0." in capsys.readouterr().out


def test_no_signal_tells_of_others(user, caplog):
    """A spent account is logged with its key, without the name, and limits no visitor."""
    seen = []

    def receiver(sender, **kwargs):
        seen.append(kwargs)

    login_limited.connect(receiver)
    try:
        guess(17)
    finally:
        login_limited.disconnect(receiver)
    assert seen == []
    (record,) = [each for each in caplog.records if "no guess left" in each.getMessage()]
    assert record.event == "code refused"
    assert username() not in caplog.text


@pytest.fixture
def exhausted():
    """The users whose guesses were said to be used up."""
    seen = []

    def receiver(sender, user, **kwargs):
        seen.append(user)

    guesses_exhausted.connect(receiver)
    yield seen
    guesses_exhausted.disconnect(receiver)


def test_the_owner_is_told_once(user, notices, exhausted):
    """When the last guess of the strangers is spent, and not with every one after it."""
    guess(15)
    assert exhausted == []
    guess(15, first=2000)
    assert exhausted == [user]
    ((told, text),) = notices
    assert told == user
    assert "Many wrong codes were tried" in text


@pytest.mark.parametrize("authenticators", [["totp", "totp"], ["hotp"], ["totp", "hotp"]])
def test_the_owner_of_heavy_authenticators_is_told_once(user, exhausted, authenticators):
    """Their guesses weigh more, so that fewer are compared."""
    user.otp_authenticators.all().delete()
    for number, kind in enumerate(authenticators):
        give(user, kind, secret="AB"[number] * 32)
    compared = guess(16)
    assert 0 < compared < 16
    assert exhausted == [user]


def test_the_owner_is_told_although_a_job_is_lost(user, exhausted, settings):
    """By the job of the next guess, which is not compared any more."""
    dispatcher = settings.SWAP_USER.get("OTP_DISPATCHER")
    configure(settings, OTP_DISPATCHER="tests.work.RecordingDispatcher")
    guess(16)
    configure(settings, OTP_DISPATCHER=dispatcher)
    assert exhausted == []
    assert guess(1, first=3000) == 0
    assert exhausted == [user]


@pytest.mark.parametrize("arguments", [["--limits-only"], []])
def test_the_owner_is_told_again_after_limits_were_lifted(user, exhausted, arguments):
    """Strangers have other guesses then."""
    guess(20)
    call_command("reset_otp", username(), *arguments)
    assert not user.otp_message_counts.filter(budget="guesses_exhausted").exists()
    if not arguments:
        give(user)
    guess(20, first=3000)
    assert exhausted == [user, user]


def test_the_owner_is_told_by_one_of_two_at_once(user, exhausted, monkeypatch):
    """Both have read that two guesses are left."""
    user.otp_authenticators.all().delete()
    ask(None)
    guess(14)
    assert looked_at() == 14
    original = verifier.choose

    def choose(code, found):
        monkeypatch.setattr(verifier, "choose", original)
        assert enter(from_(2), wrong()) is None
        return original(code, found)

    monkeypatch.setattr(verifier, "choose", choose)
    assert enter(from_(1), wrong()) is None
    assert looked_at() == 16
    assert exhausted == [user]


def test_known_browsers_tell_no_owner(user, notices, exhausted):
    """The owner's own mistakes are not an attack by strangers."""
    cookie = log_in(from_(0))
    for number in range(20):
        assert enter(known(cookie, number), wrong()) is None
    assert looked_at(is_known=True) == 20
    assert exhausted == notices == []
    guess(20)
    assert enter(known(cookie, 30), wrong()) is None
    assert looked_at(is_known=True) == 21
    assert len(exhausted) == len(notices) == 1


def test_limits_are_lifted_alone(user, capsys):
    """By an operator, who leaves everything else as it is."""
    guess(20)
    call_command("reset_otp", username(), "--limits-only")
    assert "limits lifted" in capsys.readouterr().out
    assert user.otp_authenticators.count() == 1
    assert guess(20, first=3000) == 16


def test_lifted_limits_are_those_of_strangers(user):
    """What a known browser has guessed is not forgotten, and the browser stays known."""
    other = make_user(2)
    WrongGuess.objects.create(user=other, at=NOW, units=4, is_known=False)
    cookie = log_in(from_(0))
    enter(known(cookie), wrong())
    guess(20)
    call_command("reset_otp", username(), "--limits-only")
    assert looked_at(user=user) == looked_at(is_known=True) == 1
    assert looked_at(user=other) == 1
    guess(20)
    enter(known(cookie), wrong())
    assert looked_at(is_known=True) == 2


def test_a_reset_lifts_the_limits_of_known_browsers_too(user):
    """It revokes all of them: browsers that log in afterwards begin with all their guesses."""
    other = make_user(2)
    WrongGuess.objects.create(user=other, at=NOW, units=4, is_known=True)
    cookie = log_in(from_(0))
    for number in range(50):
        enter(known(cookie, number), wrong())
    assert looked_at(is_known=True, user=user) == 50
    call_command("reset_otp", username())
    assert looked_at(user=user) == 0
    assert looked_at(user=other) == 1
    give(user)
    home = log_in(from_(1))
    guess(20)
    assert enter(known(home, 1), totp(NOW)) == user


@pytest.mark.requirement("R21")
def test_lifted_limits_are_those_of_messages_too(user):
    """Of all strangers and of newcomers; what known browsers were sent still counts."""
    home = known(log_in(from_(0)))
    ask(home)
    assert sent(25, first=1) == 22
    call_command("reset_otp", username(), "--limits-only")
    counts = dict(user.otp_message_counts.values_list("budget", "count"))
    assert counts == {"known_messages_per_account": 1}
    assert sent(20, first=1) == 20
