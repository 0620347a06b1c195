"""Shown factors: ``add_factor.lua``."""

from swap_user.otp.store.scripts import Script, read

ADD = Script(read("add_factor"))


def add(entry, **keys):
    moved = sum(name.startswith("from") for name in keys)
    ADD({"shown": "shown", **keys}, entry=entry, moved=moved, flow="next", seconds=600)


def test_factors_are_added(client):
    """To those that were shown before; the time begins again."""
    add("sent@1")
    client.expire("shown", 10)
    add("recovery@1")
    assert client.get("shown") == "sent@1,recovery@1"
    assert 540 < client.ttl("shown") <= 600


def test_the_state_moves_to_the_next_flow(client):
    """What is there; the time that it has left moves along."""
    client.set("old", "x", ex=77)
    add("sent@1", from0="missing", to0="nowhere", from1="old", to1="new")
    assert client.get("new") == "x"
    assert 0 < client.ttl("new") <= 77
    assert not client.exists("old", "missing", "nowhere")


def test_shown_factors_move_too(client):
    """So the new flow has both."""
    client.set("before", "sent@1")
    add("authenticator@1", from0="before", to0="shown")
    assert client.get("shown") == "sent@1,authenticator@1"


def test_a_job_that_was_queued_before_is_told_where_the_flow_has_moved(client):
    """As long as the factor is known."""
    add("sent@1", forward="forward")
    assert client.get("forward") == "next"
    assert 540 < client.ttl("forward") <= 600
