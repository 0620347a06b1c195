"""The state of a login belongs to one account and one flow, and ends to the millisecond."""

from types import SimpleNamespace

import pytest

from swap_user.otp.challenges import challenge, factors_shown, login_state, resync
from swap_user.otp.challenges.resync import Far
from swap_user.otp.store import scripts

LIFE = 300


def issue(account="ada", flow="flow", *, now=1000.0):
    """Issue a code that is valid for five minutes."""
    return challenge.issue(
        account,
        flow,
        counter=challenge.earliest(now),
        now=now,
        expires_at=now + LIFE,
        timeout=LIFE,
    )


def test_the_counter_is_the_time_in_microseconds():
    """So no counter comes twice, even if Redis has lost its data."""
    assert challenge.earliest(1.5) == 1_500_000


@pytest.mark.requirement("R55")
@pytest.mark.parametrize(("later", "is_same"), [(149.9, True), (150.0, False)])
def test_a_code_is_sent_again_for_half_of_its_life(later, is_same):
    """More than half of its life must be left."""
    first, second = issue(), issue(now=1000 + later)
    assert (first.counter == second.counter) == is_same


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("flow", ["flow", None])
def test_a_challenge_belongs_to_one_account(flow):
    """Also one without a session, whose key has no flow."""
    ada, ben = issue("ada", flow), issue("ben", flow, now=1010)
    assert ada.key != ben.key
    assert ada.counter != ben.counter


@pytest.mark.requirement("R22")
@pytest.mark.parametrize(
    ("left", "is_pending"), [(0, False), (1, True), (660_000, True), (660_001, False)]
)
def test_when_a_challenge_is_pending(left, is_pending):
    """Until it expires. If more than eleven minutes are left, the clock was set back."""
    found = list(challenge.parse_challenges("key", f"7:{1_000_000 + left}:0", now=1000))
    assert [(each.key, each.counter) for each in found] == [("key", 7)] * is_pending


@pytest.mark.requirement("R6")
def test_factors_belong_to_one_account_and_one_flow():
    """What was shown in one session does not count in another one."""
    user = SimpleNamespace(pk=5)
    factors_shown.add("ada", "one", "totp", user)
    factors_shown.add("ada", "one", "sent", user)
    shown = {
        (account, flow): factors_shown.parse_shown(read(factors_shown.shown_key(account, flow)))
        for account in ("ada", "ben")
        for flow in ("one", "two")
    }
    assert factors_shown.factors(shown.pop(("ada", "one")), user) == {"totp", "sent"}
    assert set(shown.values()) == {frozenset()}


@pytest.mark.requirement("R6")
def test_factors_are_forgotten():
    """After ten minutes, or when the login begins again."""
    key = factors_shown.shown_key("ada", "one")
    factors_shown.add("ada", "one", "totp", SimpleNamespace(pk=5))
    assert 590 < seconds_left(key) <= 600
    factors_shown.forget("ada", "one")
    assert read(key) == ""


@pytest.mark.requirement("R6")
def test_factors_belong_to_one_user():
    """Another user may have had this username a moment before."""
    shown = factors_shown.parse_shown("totp@5,sent@50")
    assert factors_shown.factors(shown, SimpleNamespace(pk=5)) == {"totp"}
    assert factors_shown.factors(shown, SimpleNamespace(pk="50")) == {"sent"}


@pytest.mark.requirement("R10")
def test_a_far_code_belongs_to_one_account():
    """Each account has one."""
    resync.remember("ada", Far("a" * 32, 90))
    assert resync.parse_far_code(read(resync.far_code_key("ada"))) == Far("a" * 32, 90)
    assert read(resync.far_code_key("ben")) == ""
    assert 590 < seconds_left(resync.far_code_key("ada")) <= 600


def test_without_a_session():
    """There are no keys of a flow, and only codes without a session are pending."""
    keys = login_state.state_keys("ada", None)
    assert (keys["own"], keys["shown"]) == (None, None)
    unbound = issue(flow=None)
    answer = {"far": "", "shared": f"{unbound.counter}:{unbound.expires_ms}:0", "own": ""}
    pending = login_state.parse_state({**answer, "shown": ""}, keys, now=1000)
    assert pending == login_state.Pending([unbound], None, frozenset())


def seconds_left(key):
    """Return how long a key will live."""
    return scripts.Script("return redis.call('TTL', keys.key)")({"key": key})


def read(key):
    """Return the value of a key, or ""."""
    return scripts.Script("return redis.call('GET', keys.key) or ''")({"key": key}).decode()
