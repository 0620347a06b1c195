"""Attempts: ``begin_attempt.lua``, ``end_attempt.lua`` and ``keep_attempt.lua``."""

import time

import pytest

from services.aging import age
from swap_user.otp.store.budgets import Budget
from swap_user.otp.store.scripts import JSONScript, Script, read
from tests.otp.store.lua.reference import USED

BEGIN, END = JSONScript(read("begin_attempt")), Script(read("end_attempt"))
KEEP, KEPT = Script(read("keep_attempt")), JSONScript(read("kept_attempts"))

LIFETIME, DAY = 60, 86_400
PENDING = "7:1800000000000:0"


def short(name, *budgets, brake=(), **keys):
    named = {"open": "open", "far": "far", "shared": "shared", **keys}
    return BEGIN(named, budgets=list(budgets), brake=list(brake), id=name, lifetime=LIFETIME)


def long(*budgets, tries=5, at=0, **keys):
    named = {"far": "far", "shared": "shared", "own": "own", **keys}
    return BEGIN(named, budgets=list(budgets), brake=[], tries=tries, at=at)


def end(name):
    END({"open": "open"}, id=name)


def keep(name):
    KEEP({"open": "open"}, id=name, seconds=DAY)


def test_the_position_of_an_attempt(client):
    """Those in flight are counted, with this one."""
    assert [short(name)["position"] for name in "abc"] == [1, 2, 3]
    end("b")
    assert short("d")["position"] == 3
    assert set(client.zrange("open", 0, -1)) == set("acd")


def test_an_attempt_is_in_flight_for_a_minute(client):
    """Then it is forgotten, and the others count from their own beginning."""
    short("a")
    age(client, 40)
    assert short("b")["position"] == 2
    age(client, 20)
    assert short("c")["position"] == 2
    age(client, 60)
    assert not client.exists("open")


def test_an_attempt_that_ends_twice(client):
    """Or that was never there: nothing happens."""
    short("a")
    end("x")
    end("a")
    end("a")
    assert not client.exists("open")


def test_an_attempt_that_is_kept(client):
    """For a day, whatever attempts come and go meanwhile; it may be kept after it was over."""
    short("a")
    keep("a")
    for _ in range(3):
        assert short("b")["position"] == 2
        age(client, LIFETIME + 10)
    age(client, DAY - 4 * (LIFETIME + 10))
    assert short("c")["position"] == 2
    age(client, 3 * LIFETIME)
    assert short("d")["position"] == 1
    end("d")
    keep("e")
    assert short("f")["position"] == 2


def test_an_attempt_that_is_kept_can_end(client):
    """As soon as its guess is stored for good."""
    short("a")
    keep("a")
    end("a")
    assert short("b")["position"] == 1


def test_the_time_is_that_of_the_server():
    """In seconds, whatever the clock of the caller says."""
    assert abs(short("a")["now"] - time.time()) < 60


def test_an_attempt_is_charged(client):
    """All its budgets, before anything is read."""
    budgets = [Budget("a", 2, 100, "address"), Budget("n", 9, 100, "network")]
    assert [short("x", *budgets)["scope"] for _ in range(3)] == ["", "", "address"]
    assert (client.get("a"), client.get("n")) == ("2", "2")


def test_a_limited_attempt_does_nothing_else(client):
    """It is not in flight, reads nothing, and takes no try."""
    client.set("shared", PENDING)
    spent = Budget("a", 0, 100, "address")
    assert short("x", spent) == {"scope": "address", "retry_in": 1}
    assert long(Budget("t", 0, 100, "code"))["scope"] == "code"
    assert client.keys("*") == ["shared"]
    assert client.get("shared") == PENDING


def test_the_brake_stops_nobody_from_trying(client):
    """It is said that the brake is on. Then attempts read all, and take no place."""
    client.set("shared", PENDING)
    brake = [Budget("all", 2, 100, "unknown addresses")]
    found = [short(name, brake=brake) for name in "abcd"]
    assert [each["is_braked"] for each in found] == [False, False, True, True]
    assert [each["position"] for each in found] == [1, 2, 0, 0]
    assert {each["scope"] for each in found} == {""}
    assert {each["shared"] for each in found} == {PENDING}
    assert client.get("all") == "2"


def test_what_is_read(client):
    """The state of the login; what is missing is empty."""
    nothing = short("a", own="own", shown="shown")
    assert [nothing[name] for name in ("shared", "own", "far", "shown")] == [""] * 4
    for name in ("shared", "own", "far", "shown"):
        client.set(name, f"{name}'s")
    found = short("b", own="own", shown="shown")
    assert [found[name] for name in ("shared", "own", "far", "shown")] == [
        "shared's",
        "own's",
        "far's",
        "shown's",
    ]


def test_without_a_flow(client):
    """There is neither a code of its own nor a factor shown, whatever other flows have."""
    client.set("own", PENDING)
    client.set("shown", "sent@1")
    found = short("a")
    assert (found["own"], found["shown"]) == ("", "")


def test_a_short_code_takes_no_try(client):
    """Those are for long codes."""
    client.set("own", PENDING)
    for name in "abcdef":
        assert short(name, own="own")["own"] == PENDING
    assert client.get("own") == PENDING


def test_a_long_code_is_not_in_flight(client):
    """It takes no place from short ones."""
    assert long()["position"] == 0
    assert not client.exists("open")


def test_a_long_code_takes_a_try_of_each_pending_code(client):
    """Of the flow's. After five, a code is left out."""
    client.set("own", "1:100:4,2:200:0", ex=1000)
    found = [long() for _ in range(3)]
    assert [each["own"] for each in found] == ["1:100:5,2:200:1", "2:200:2", "2:200:3"]
    assert client.get("own") == "1:100:5,2:200:3"
    assert 0 < client.ttl("own") <= 1000


def test_tries_at_codes_without_a_flow(client):
    """They are those of the visitor: each code takes one, as long as there are some."""
    client.set("shared", "3:300:0,4:400:0", ex=1000)
    client.set("mine", 2, ex=1000)
    client.set("all", 3, ex=1000)
    found = [long(left1="mine", left2="missing", left3="all") for _ in range(4)]
    both, newest = "3:300:0,4:400:0", "4:400:0"
    assert [each["shared"] for each in found] == [both, both, newest, ""]
    assert (client.get("mine"), client.get("all"), client.get("missing")) == ("0", "0", None)
    assert client.get("shared") == both
    assert 0 < client.ttl("mine") <= 1000


def test_codes_without_a_flow_that_take_no_try(client):
    """One that has expired by the clock of the caller, and one that is used."""
    client.set("shared", f"3:300:0,4:400:{USED},5:500:0", ex=1000)
    client.set("all", 9, ex=1000)
    assert long(left1="all", at=300)["shared"] == "5:500:0"
    assert long(left1="all", at=299)["shared"] == "3:300:0,5:500:0"
    assert client.get("all") == "6"


def test_without_tries_left(client):
    """Codes without a flow are compared with no long code, whatever tries others have."""
    client.set("shared", PENDING)
    client.set("theirs", 5)
    assert long()["shared"] == long(left1="mine")["shared"] == ""
    assert client.get("theirs") == "5"


def test_a_try_at_nothing(client):
    """No key appears."""
    assert long()["own"] == ""
    assert client.keys("*") == []


@pytest.mark.parametrize("tries", [1, 5])
def test_so_many_tries(client, tries):
    """As many as the caller says."""
    client.set("own", PENDING, ex=1000)
    assert [bool(long(tries=tries)["own"]) for _ in range(7)] == [True] * tries + [False] * (
        7 - tries
    )


def test_how_many_are_kept(client):
    """Those in flight are not; a key that is missing has none."""
    before = int(time.time())
    assert KEPT({"open": "open"})["kept"] == 0
    for name in "abc":
        short(name)
    keep("a")
    keep("b")
    answer = KEPT({"open": "open"})
    assert before <= answer["now"] <= before + 60
    assert answer["kept"] == 2
    age(client, DAY + 1)
    assert KEPT({"open": "open"})["kept"] == 0
