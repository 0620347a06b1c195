"""Extra messages for networks that have not asked for an account in 90 days."""

import pytest
from django.contrib.auth import login
from django.core.cache import caches
from django.core.management import call_command

from swap_user.models import MessageCount
from swap_user.otp import send_code
from swap_user.otp.throttling import messages
from swap_user.otp.visitors.visitor import Origin
from swap_user.otp.visitors.visitor import visitor as visitor_of
from swap_user.testing import MemoryOTPSender, outbox
from tests.otp.throttling.helpers import DAY, sent
from tests.support import NOW, ask, configure, enter, username, visitor

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("clock"),
    pytest.mark.requirement("R19", "R21"),
]

PLACE = "81.2.69.160"


class ByPhone(MemoryOTPSender):
    """Sends codes to a number in another country."""

    def get_receiver(self, user):
        return "+4915112345678"


@pytest.fixture
def strangers(user):
    """Strangers who use up the messages of the account, which are those of a day."""

    def strangers():
        assert sent(20, first=1) == 20

    strangers()
    return strangers


def asked(address=PLACE):
    """Ask from a place, and return how many messages came."""
    before = len(outbox)
    send_code(visitor(REMOTE_ADDR=address), username())
    return len(outbox) - before


def test_a_network_gets_one_in_90_days(strangers, clock, shared_redis):
    """Whatever Redis forgets meanwhile: with few networks, nobody uses up the messages of all."""
    assert asked() == 1
    for _ in range(3):
        assert asked() == 0
        caches["default"].clear()
    clock.shift(89 * DAY)
    strangers()
    assert asked() == 0
    shared_redis.flush()
    clock.shift(2 * DAY)
    strangers()
    assert asked() == 1


def test_who_has_had_one_takes_none_of_the_others(strangers):
    """Neither those of the neighbours nor those of all."""
    assert asked() == 1
    for _ in range(5):
        assert asked() == 0
    assert asked("81.2.69.161") == 1
    assert asked("81.2.69.162") == 1
    assert asked("81.2.69.163") == 0  # three an hour in a neighbourhood


def test_who_gets_none_does_not_count(strangers, shared_redis):
    """A network that was refused because of its neighbours is still new an hour later."""
    for number in range(3):
        assert asked(f"81.2.69.{number}") == 1
    assert asked() == 0
    shared_redis.flush()
    assert asked() == 1


def test_a_network_is_new_again_after_a_login(user, strangers):
    """A second browser at the same place gets its code too."""
    place = visitor(REMOTE_ADDR=PLACE)
    assert enter(place, ask(place)) == user
    login(place, user, backend="swap_user.backends.OTPBackend")
    assert asked() == 1
    assert asked() == 0


@pytest.mark.parametrize("scope", ["receiver", "site", "country"])
def test_a_message_that_is_withheld_costs_its_network_nothing(
    strangers, settings, clock, user, scope
):
    """The network can have another one. What all newcomers together have had still counts."""
    limits = {"receiver": "messages_per_receiver", "site": "messages_per_site"}
    if scope == "country":
        by_phone = f"{__name__}.ByPhone"
        configure(settings, OTP_PHONE_PREFIXES=["+1"], OTP_SENDER_CLASS=by_phone)
    else:
        configure(settings, OTP_LIMITS={limits[scope]: "0/1d"})
    if scope == "receiver":
        receiver = MemoryOTPSender().get_receiver(user)
        here = visitor_of(visitor(REMOTE_ADDR=PLACE)).origin
        for number in range(3):  # the newcomers of the receiver, who asked for another account
            origin = Origin(f"network {number}", here.neighbourhood)
            assert messages.charge_receiver(receiver, origin, is_known=False) == ""
    assert asked() == 0
    configure(settings, OTP_LIMITS={}, OTP_PHONE_PREFIXES=[])
    clock.shift(DAY)
    strangers()
    assert asked() == 1
    assert asked() == 0
    assert user.otp_message_counts.get(budget="newcomers_per_account").count == 2


def test_a_message_that_can_not_be_sent_costs_its_network_nothing(strangers, monkeypatch, user):
    """The sender fails for good; the next message comes."""

    def fail(*args, **kwargs):
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(MemoryOTPSender, "send", fail)
        assert asked() == 0
    assert asked() == 1
    assert asked() == 0
    assert user.otp_message_counts.get(budget="newcomers_per_account").count == 2


def test_a_usual_message_that_can_not_be_sent_gives_no_extra_one_back(
    strangers, monkeypatch, clock
):
    """Its network has had the extra one on the day before."""
    assert asked() == 1
    clock.shift(DAY)

    def fail(*args, **kwargs):
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(MemoryOTPSender, "send", fail)
        assert asked() == 0
    assert sent(19, first=1) == 19
    clock.shift(DAY)
    strangers()
    assert asked() == 0


def test_lifting_the_limits(strangers, shared_redis):
    """Of an account that was attacked, no network is remembered."""
    assert asked() == 1
    call_command("reset_otp", username(), "--limits-only")
    shared_redis.flush()  # the limits of the receiver
    strangers()
    assert asked() == 1


def test_networks_are_forgotten(user, strangers, clock, shared_redis):
    """What is older than 90 days is deleted when another network asks; a notice counts longer."""
    assert messages.charge_exhausted(user, now=NOW)
    assert asked() == 1
    assert MessageCount.objects.filter(user_id=user.pk).count() == 4
    shared_redis.flush()
    clock.shift(91 * DAY)
    strangers()
    assert asked("81.2.69.161") == 1
    assert MessageCount.objects.filter(user_id=user.pk).count() == 4
    assert not messages.charge_exhausted(user, now=NOW + 91 * DAY)


def test_clearsessions_deletes_counts_whose_period_is_over(user, strangers, clock, capsys):
    """A day later, each after its own period; a row that is just being charged stays."""
    assert asked() == 1
    assert messages.charge_account(user, "account", Origin(), is_known=True, now=NOW)
    assert messages.charge_exhausted(user, now=NOW)
    MessageCount.objects.create(user=user, budget="being charged")
    for days, deleted, left in [
        (1, 0, 6),
        (1, 2, 4),  # those of a day
        (88, 0, 4),
        (1, 2, 2),  # the network and all newcomers
        (274, 0, 2),
        (1, 1, 1),  # the notice
    ]:
        clock.shift(days * DAY)
        call_command("clearsessions")
        assert f"Counts of messages: {deleted} deleted." in capsys.readouterr().out
        assert MessageCount.objects.count() == left


def test_clearsessions_without_redis_deletes_no_counts(user, redis_server, capsys):
    """Its clock says what is over; the command does not fail."""
    MessageCount.objects.create(user=user, budget="network", since=1, count=1)
    redis_server.stop()
    call_command("clearsessions")
    assert "Counts of messages: 0 deleted." in capsys.readouterr().out
    assert MessageCount.objects.count() == 1
