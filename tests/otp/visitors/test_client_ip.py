"""Which address a visitor has, and whom one has to believe for that."""

import importlib.util
import logging

import pytest
from django.core import mail
from django.test import RequestFactory

from swap_user.otp.visitors import client_ip
from swap_user.otp.visitors.client_ip import client_address, neighbourhood, network
from tests.support import configure

HEADER = "HTTP_X_FORWARDED_FOR"


def at(peer, **headers):
    """Return the address of a request from ``peer``."""
    return client_address(RequestFactory().get("/", REMOTE_ADDR=peer, **headers))


@pytest.fixture
def _served(monkeypatch):
    """As on a server: without the outbox of mails that Django creates for tests."""
    monkeypatch.delattr(mail, "outbox")


@pytest.mark.parametrize(
    ("peer", "counted_as"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("2001:db8::1%", "2001:db8::/64"),
        ('"[2001:db8::1]"', "2001:db8::/64"),
        ("X203.0.113.7", None),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[2001:db8::1]:443", "2001:db8::/64"),
        ("203.0.113.7:5123", "203.0.113.7"),
        ("", None),
        ("unix:", None),
        ("nonsense", None),
        ("999.1.1.1", None),
    ],
)
def test_the_peer(peer, counted_as):
    """IPv6 counts by its /64; a socket without an address has none."""
    assert at(peer) == counted_as


def test_without_a_request():
    """An API that passes none has no address."""
    assert client_address(None) is None


@pytest.mark.parametrize(
    ("address", "whole"),
    [("203.0.113.7", "203.0.113.7"), ("2001:db8:1:2::/64", "2001:db8:1::/48"), ("", "")],
)
def test_what_one_subscriber_has(address, whole):
    """A rented server comes with a /48."""
    assert network(address) == whole


@pytest.mark.parametrize(
    ("address", "around"),
    [("203.0.113.7", "203.0.0.0/16"), ("2001:db8:1:2::/64", "2001:db8::/32"), ("", "")],
)
def test_what_one_provider_has(address, around):
    """The neighbourhood is the /16 of an IPv4 address and the /32 of an IPv6 address."""
    assert neighbourhood(address) == around


def test_a_header_is_not_believed_unless_it_is_named():
    """Anybody can write one."""
    assert at("8.8.8.8", **{HEADER: "203.0.113.7"}) == "8.8.8.8"


@pytest.mark.requirement("R56")
@pytest.mark.usefixtures("_served")
def test_a_proxy_that_nobody_told_us_of(caplog, monkeypatch, settings):
    """Its address stands for everybody, so it is nobody's. Said once."""
    configure(settings, OTP_PROXIES=1)
    monkeypatch.setattr(client_ip, "_warned", False)
    with caplog.at_level(logging.WARNING):
        assert at("127.0.0.1", **{HEADER: "203.0.113.7"}) is None
        assert at("10.0.0.3", HTTP_X_REAL_IP="203.0.113.7") is None
        # A header says nothing, because any client can send one.
        assert at("10.0.0.3") is None
        assert at("fd00::1") is None
    assert caplog.text.count("client addresses unknown") == 1
    assert at("8.8.8.8") == "8.8.8.8"
    assert at("2a00:1450::1") == "2a00:1450::/64"


@pytest.mark.requirement("R56")
@pytest.mark.parametrize(
    "changes",
    [{"OTP_PROXIES": 1}, {"OTP_PROXIES": 0}, {"OTP_CLIENT_ADDRESS_HEADER": "X-Forwarded-For"}],
)
@pytest.mark.usefixtures("_served")
def test_a_unix_socket_has_no_address(caplog, monkeypatch, settings, changes):
    """There is a proxy, but its header is not named or not there. Said once."""
    configure(settings, **changes)
    monkeypatch.setattr(client_ip, "_warned", False)
    assert at("") is None
    assert at("") is None
    assert caplog.text.count("client addresses unknown") == 1


@pytest.mark.requirement("R56")
@pytest.mark.usefixtures("_served")
def test_a_new_process_has_said_nothing(caplog):
    """So its first request without an address says it."""
    spec = importlib.util.find_spec(client_ip.__name__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.client_address(RequestFactory().get("/", REMOTE_ADDR="")) is None
    assert caplog.text.count("client addresses unknown") == 1


@pytest.mark.requirement("R56")
@pytest.mark.usefixtures("_served")
def test_runserver_says_nothing(caplog, monkeypatch, settings):
    """With DEBUG, there is no proxy."""
    monkeypatch.setattr(client_ip, "_warned", False)
    settings.DEBUG = True
    assert at("") is None
    assert "client addresses unknown" not in caplog.text


@pytest.mark.requirement("R56")
@pytest.mark.parametrize("peer", ["127.0.0.1", ""])
def test_the_test_client_says_nothing(caplog, monkeypatch, settings, peer):
    """In tests, the address is unknown as well, but no visitor is behind it."""
    monkeypatch.setattr(client_ip, "_warned", False)
    configure(settings, OTP_PROXIES=1)
    assert at(peer) is None
    assert "client addresses unknown" not in caplog.text


@pytest.mark.requirement("R56")
def test_no_proxy(settings, caplog):
    """OTP_PROXIES = 0: the peer is the visitor, also in an intranet, and whatever it sends."""
    configure(settings, OTP_PROXIES=0, OTP_CLIENT_ADDRESS_HEADER="X-Forwarded-For")
    assert at("10.0.0.3", **{HEADER: "203.0.113.7"}) == "10.0.0.3"
    configure(settings, OTP_CLIENT_ADDRESS_HEADER="")
    assert at("10.0.0.3", **{HEADER: "203.0.113.7"}) == "10.0.0.3"
    assert at("fd00::1") == "fd00::/64"
    assert "client addresses unknown" not in caplog.text


@pytest.mark.parametrize(
    ("peer", "stored"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2::5", "2001:db8:1::/48"),
        ("", ""),
    ],
)
def test_what_is_stored_of_an_address(peer, stored):
    """Enough to recognize the provider; not the household."""
    assert client_ip.shortened(RequestFactory().get("/", REMOTE_ADDR=peer)) == stored


@pytest.mark.parametrize(
    ("proxies", "header", "counted_as"),
    [
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "1.2.3.4, 203.0.113.7", "203.0.113.7"),  # what stands to its left, the visitor wrote
        (2, "1.2.3.4, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        (1, "2001:db8:1:2::9", "2001:db8:1:2::/64"),
        (2, "203.0.113.7", "10.0.0.9"),  # it came past the outer proxy
        (1, "garbage", "10.0.0.9"),
        (1, "", "10.0.0.9"),
    ],
)
def test_the_header_of_a_proxy(settings, proxies, header, counted_as):
    """The entry counts that the outermost proxy of the site's own has written."""
    settings.SWAP_USER = {"OTP_CLIENT_ADDRESS_HEADER": "X-Forwarded-For", "OTP_PROXIES": proxies}
    assert at("10.0.0.9", **{HEADER: header}) == counted_as
