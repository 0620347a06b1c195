"""Pending codes: ``codes.lua``, by the script that issues them (``issue.lua``)."""

import pytest

from swap_user.otp.store.scripts import JSONScript, read

ISSUE = JSONScript(read("issue"))

NOW, LIFE, TRIES = 1_800_000_000_000, 300_000, 5


def issue(at=0, *, counter=None, above=-1, life=LIFE, tries=TRIES, codes="codes"):
    """Issue a code so many seconds after NOW; return its counter and its expiry."""
    now = NOW + at * 1000
    answer = ISSUE(
        {"last": "last", "codes": codes},
        counter=str(now * 1000 if counter is None else counter),
        above=str(above),
        now=now,
        expiry=now + life,
        half=LIFE // 2,
        tries=tries,
    )
    return int(answer["counter"]), int(answer["expiry"])


def test_a_first_code(client):
    """Its counter is the smallest that is allowed; it is stored for its life, without a try."""
    assert issue(counter=17) == (17, NOW + LIFE)
    assert client.get("codes") == f"17:{NOW + LIFE}:0"
    assert client.get("last") == "17"
    assert 200_000 < client.pttl("codes") <= LIFE
    assert 200_000 < client.pttl("last") <= LIFE


@pytest.mark.requirement("R55")
def test_a_code_is_used_again_for_half_of_its_life(client):
    """As it is: neither its counter nor its expiry moves. After that there are two."""
    first = issue(0)
    assert [issue(at) for at in (1, 60, 149)] == [first] * 3
    second = issue(150)
    assert second == ((NOW + 150_000) * 1000, NOW + 150_000 + LIFE)
    assert client.get("codes") == f"{first[0]}:{first[1]}:0,{second[0]}:{second[1]}:0"
    assert issue(299) == second


@pytest.mark.requirement("R55")
def test_two_live_at_a_time(client):
    """The first is over when a third is issued."""
    counters = [issue(at)[0] for at in (0, 150, 300, 450)]
    assert len(set(counters)) == 4
    assert client.get("codes").count(",") == 1
    assert client.get("codes").startswith(f"{counters[2]}:")


def test_a_code_that_is_over_is_not_used_again(client):
    """Though Redis may still hold it."""
    issue(0)
    client.persist("codes")
    counter, expiry = issue(300)
    assert client.get("codes") == f"{counter}:{expiry}:0"


def test_a_code_without_tries_is_not_used_again(client):
    """So that a new one always helps; the short end of the first still counts."""
    first, expiry = issue(0)
    client.set("codes", f"{first}:{expiry}:{TRIES - 1}")
    assert issue(1) == (first, expiry)
    client.set("codes", f"{first}:{expiry}:{TRIES}")
    second, _ = issue(1)
    assert second > first
    assert client.get("codes") == f"{first}:{expiry}:{TRIES},{second}:{expiry + 1000}:0"


def test_a_code_below_an_accepted_one_is_not_used_again(client):
    """It would be refused."""
    first, _ = issue(0)
    second, expiry = issue(1, above=first)
    assert second > first
    assert client.get("codes") == f"{second}:{expiry}:0"
    assert issue(2, above=first) == (second, expiry)


@pytest.mark.requirement("R23")
def test_counters_of_an_account_differ(client):
    """Those of all flows, at the same instant and on a server whose clock is behind."""
    found = [issue(0, codes=flow)[0] for flow in "abc"]
    found += [issue(-60, codes="d")[0], issue(0, codes="e", above=found[2] + 9)[0]]
    assert found == sorted(set(found))
    assert found[-1] == found[2] + 10


def test_counters_without_a_last_one(client):
    """Redis has forgotten it: the time and the accepted counter are enough."""
    assert issue(0, counter=5, above=90)[0] == 91
    client.delete("last")
    assert issue(0, counter=100, above=90, codes="b")[0] == 100


def test_counters_are_exact(client):
    """Microseconds since 1970 have sixteen digits."""
    counter = 1_800_000_000_123_457
    assert issue(counter=counter)[0] == counter
    assert issue(counter=counter, codes="b")[0] == counter + 1
    assert client.get("last") == str(counter + 1)


def test_a_job_that_comes_late(client):
    """Its code lives for what is left, at least for an instant."""
    assert issue(life=1)[1] == NOW + 1
    issue(life=-5, codes="b")
    assert not client.exists("b") or client.pttl("b") <= 1


def test_a_flow_that_has_moved(client):
    """Nothing is issued: the next flow is the answer, and is asked then."""
    client.set("forward", "next")
    keys = {"last": "last", "codes": "codes", "forward": "forward"}
    assert ISSUE(keys, counter="1", above="-1", now=NOW, expiry=NOW + LIFE) == {"flow": "next"}
    assert client.keys("*") == ["forward"]


def test_tries_that_a_message_adds(client):
    """Without a flow: for who asks and for anyone, also if the same code is sent again."""

    def added(at, **keys):
        now = NOW + at * 1000
        ISSUE(
            {"last": "last", "codes": "codes", **keys},
            counter=str(now * 1000),
            above="-1",
            now=now,
            expiry=now + LIFE,
            half=LIFE // 2,
            tries=TRIES,
            for_asker=3,
            for_anyone=2,
        )
        return [client.get(key) for key in ("me", "other", "all")]

    assert added(0, asker="me", anyone="all") == ["3", None, "2"]
    assert added(100, asker="other", anyone="all") == ["3", "3", "4"]
    assert 100_000 < client.pttl("other") <= LIFE - 100_000 < client.pttl("me")
    assert added(200, asker="me", anyone="all") == ["6", "3", "6"]
    assert added(210, anyone="all") == ["6", "3", "8"]
    for key in ("me", "all"):
        assert LIFE - 100_000 < client.pttl(key) <= LIFE


def test_a_late_job_shortens_no_life(client):
    """Its code may expire before the one that is pending, which stays until its own end."""
    issue(0)
    issue(160, life=10_000)
    assert 10_000 < client.pttl("codes") <= LIFE - 160_000
