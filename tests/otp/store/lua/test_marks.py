"""Single use: ``take_mark.lua``, ``keep_mark.lua`` and ``give_back_mark.lua``."""

import pytest

from swap_user.otp.store.budgets import Budget
from swap_user.otp.store.scripts import JSONScript, Script, read
from tests.otp.store.lua.reference import USED

TAKE, KEEP = JSONScript(read("take_mark")), Script(read("keep_mark"))
GIVE_BACK = Script(read("give_back_mark"))

HOUR, YEAR = 3_600_000, 31_536_000_000


def take(counter, *, lifetime=HOUR, budgets=(), codes=None, attempt=None):
    return TAKE(
        {"mark": "mark", "codes": codes, "open": "open" if attempt else None},
        counter=str(counter),
        lifetime=lifetime,
        id=attempt or "",
        budgets=list(budgets),
    )


def keep(counter, lifetime):
    KEEP({"mark": "mark"}, counter=str(counter), lifetime=lifetime)


def give_back(counter, *, before="", codes=None, value=""):
    GIVE_BACK(
        {"mark": "mark", "codes": codes},
        counter=str(counter),
        before=before,
        lifetime=YEAR,
        codes=value,
    )


@pytest.mark.requirement("R7")
def test_only_a_higher_counter(client):
    """The same and lower ones are used."""
    assert take(5) == {"before": "", "counter": "5", "codes": ""}
    assert take(5) is None
    assert take(4) is None
    assert client.get("mark") == "5"
    assert take(6)["before"] == "5"
    assert take(10)["before"] == "6"  # as numbers
    assert take(9) is None


def test_counter_zero(client):
    """The first code of a counter can be used, once."""
    assert take(0)["counter"] == "0"
    assert take(0) is None


def test_counters_of_sent_codes_are_exact(client):
    """Of two that differ by a microsecond, the second is accepted after the first."""
    assert take(1_800_000_000_123_456)
    assert take(1_800_000_000_123_457)["counter"] == "1800000000123457"
    assert take(1_800_000_000_123_456) is None


def test_the_mark_lives_as_long_as_it_is_said(client):
    """And no shorter."""
    take(5)
    assert HOUR - 60_000 < client.pttl("mark") <= HOUR
    take(6, lifetime=YEAR)
    assert client.pttl("mark") > HOUR


@pytest.mark.requirement("R6")
def test_a_sent_code_must_be_pending(client):
    """Without its challenge, a code is used or over; no mark is set."""
    assert take(5, codes="codes") is None
    client.set("codes", "7:100:0", ex=90)
    assert take(5, codes="codes") is None
    assert not client.exists("mark")
    assert client.get("codes") == "7:100:0"
    assert take(7, codes="codes") == {"before": "", "counter": "7", "codes": "7:100:0"}
    assert client.get("codes") == f"7:100:{USED}"
    assert 60_000 < client.pttl("codes") <= 90_000
    assert take(7, codes="codes") is None


@pytest.mark.requirement("R55")
@pytest.mark.parametrize("accepted", [7, 9])
def test_all_codes_of_a_flow_are_used_up_by_the_first(client, accepted):
    """The mark is that of the highest, whichever was accepted."""
    value = "7:100:0,9:200:1"
    client.set("codes", value)
    taken = take(accepted, codes="codes")
    assert (taken["before"], taken["counter"], taken["codes"]) == ("", "9", value)
    client.delete("mark")
    assert [take(counter, codes="codes") for counter in (7, 9)] == [None, None]
    client.set("codes", value)  # it comes back from a backup
    client.set("mark", 9)
    assert [take(counter, codes="codes") for counter in (7, 9)] == [None, None]


def test_a_used_code_leaves_what_is_pending(client):
    """A code below the mark is refused; the flow keeps its codes."""
    take(8)
    client.set("codes", "7:100:0,9:200:0")
    assert take(7, codes="codes") is None
    assert client.get("codes") == "7:100:0,9:200:0"


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("used", [False, True])
def test_a_right_code_is_no_guess(client, used):
    """Its own charges are taken back, and its attempt is over: also after a double click."""
    if used:
        take(5)
    client.set("a", 2, ex=100)
    client.set("n", 5, ex=100)
    client.zadd("open", {"x": 1, "y": 2})
    budgets = [Budget("a", 9, 100, ""), Budget("n", 9, 100, "", cost=3)]
    assert (take(5, budgets=budgets, attempt="x") is None) is used
    assert (client.get("a"), client.get("n")) == ("1", "2")
    assert 0 < client.ttl("a") <= 100
    assert client.zrange("open", 0, -1) == ["y"]


@pytest.mark.requirement("R18")
def test_the_only_charge_is_taken_back(client):
    """The whole limit has room again."""
    client.set("a", 1, ex=100)
    take(5, budgets=[Budget("a", 1, 100, "")])
    assert client.get("a") == "0"


def test_a_charge_that_is_over_is_not_taken_back(client):
    """No counter is made, and none falls below nothing."""
    client.set("n", 1, ex=100)
    take(5, budgets=[Budget("a", 9, 100, ""), Budget("n", 9, 100, "", cost=2)])
    assert not client.exists("a")
    assert client.get("n") == "1"


def test_a_mark_is_kept_for_longer_or_shorter(client):
    """As the owner of the mark says; it is made if it is gone."""
    keep(5, YEAR)
    assert client.get("mark") == "5"
    assert client.pttl("mark") > HOUR
    keep(5, HOUR)
    assert client.pttl("mark") <= HOUR


def test_a_higher_mark_stays_as_it_is(client):
    """A later login has set it meanwhile."""
    take(9, lifetime=YEAR)
    keep(5, HOUR)
    assert client.get("mark") == "9"
    assert client.pttl("mark") > HOUR
    keep(10, HOUR)
    assert client.get("mark") == "10"


def test_a_mark_that_is_given_back(client):
    """The counter is unused again; the mark before stays for a year."""
    take(3)
    before = take(5)["before"]
    give_back(5, before=before)
    assert client.get("mark") == "3"
    assert client.pttl("mark") > HOUR
    assert take(3) is None
    assert take(5)


def test_the_first_mark_that_is_given_back(client):
    """Nothing is left of it."""
    take(5)
    give_back(5)
    assert client.keys("*") == []


def test_another_mark_is_not_given_back(client):
    """A later login has raised it: its counter stays used, and no code comes back."""
    take(5)
    take(6)
    give_back(5, codes="codes", value="5:100:0")
    assert client.get("mark") == "6"
    assert not client.exists("codes")


def test_codes_that_are_given_back(client):
    """They are pending again, with the tries and the time that they had left."""
    client.set("codes", "5:100:2", px=50_000)
    taken = take(5, codes="codes")
    give_back(5, codes="codes", value=taken["codes"])
    assert client.get("codes") == "5:100:2"
    assert 0 < client.pttl("codes") <= 50_000
    assert take(5, codes="codes")


def test_codes_that_were_sent_meanwhile_stay(client):
    """A new message has come after the mark was taken, or the codes have expired."""
    client.set("codes", "5:100:0")
    take(5, codes="codes")
    client.set("codes", f"5:100:{USED},6:100:0")
    give_back(5, codes="codes", value="5:100:0")
    assert client.get("codes") == f"5:100:{USED},6:100:0"
    client.delete("codes")
    give_back(5, codes="codes", value="5:100:0")
    assert not client.exists("codes")
