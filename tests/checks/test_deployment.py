"""System checks of a site that goes live: each is reported at deployment only."""

import os
import socket
import time
from base64 import b64encode

import pytest
import redis
from django.core.cache import caches

from swap_user.checks import deployment
from swap_user.otp.senders import StdOutOTPSender
from swap_user.otp.store import connection
from tests.checks.test_configuration import Loud, ours

pytestmark = pytest.mark.django_db

BACKENDS = ["django.core.cache.backends.redis.RedisCache", "django_redis.cache.RedisCache"]


def deployed():
    """Return the messages of `check --deploy`, as ours() does."""
    return ours(include_deployment_checks=True)


@pytest.fixture(autouse=True)
def _otherwise_well_deployed(settings):
    settings.SESSION_COOKIE_SECURE = True
    settings.SWAP_USER = {
        "OTP_SENDER_CLASS": f"{Loud.__module__}.Loud",
        "OTP_ENCRYPTION_KEYS": [b64encode(os.urandom(32)).decode()],
    }


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl", "allkeys-random"])
def test_w005_a_redis_that_evicts(settings, redis_server, backend, policy):
    """Each policy that evicts, once there is a limit of memory; the other one never."""
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": redis_server.url}}
    with redis.Redis.from_url(redis_server.url) as admin:
        admin.config_set("maxmemory-policy", policy)
        assert deployed() == {}
        admin.config_set("maxmemory", "100mb")
        assert policy in deployed()["swap_user.W005"]
        assert "noeviction" in deployed()["swap_user.W005"]
        assert ours() == {}
        admin.config_set("maxmemory-policy", "noeviction")
        assert deployed() == {}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("outage", ["kill", "pause"])
def test_w005_is_silent_where_redis_is_out_of_reach(settings, redis_server, backend, outage):
    """Neither an error nor a long wait."""
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": redis_server.url}}
    getattr(redis_server, outage)()
    began = time.monotonic()
    assert deployed() == {}
    assert time.monotonic() - began < 5 * connection.SOCKET_TIMEOUT


def test_w005_is_silent_about_another_cache(settings):
    """E007 says enough."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert set(deployed()) == {"swap_user.E007"}


@pytest.mark.parametrize(
    ("setting", "value"), [("SESSION_COOKIE_SECURE", False), ("SESSION_COOKIE_HTTPONLY", False)]
)
def test_w006_insecure_session_cookie(settings, setting, value):
    """Over plain HTTP, or within reach of scripts."""
    setattr(settings, setting, value)
    assert setting in deployed()["swap_user.W006"]
    assert ours() == {}


@pytest.mark.parametrize(
    "key",
    [
        b"\0" * 32,
        bytes(range(8)) * 4,
        b"correct horse battery staple 123",
        b"0123456789abcdefghijklmnopqrstuv",
    ],
)
def test_w007_a_key_that_is_not_random(settings, key):
    """It is reported by its place in the list, and not repeated."""
    good, weak = settings.SWAP_USER["OTP_ENCRYPTION_KEYS"][0], b64encode(key).decode()
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_ENCRYPTION_KEYS": [good, weak]}
    text = deployed()["swap_user.W007"]
    assert "[1]" in text
    assert weak not in text
    assert ours() == {}


def test_w007_takes_no_random_key_for_weak(settings):
    """A thousand of them."""
    keys = [b64encode(os.urandom(32)).decode() for _ in range(1000)]
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_ENCRYPTION_KEYS": keys}
    assert deployed() == {}


def test_probing_a_port_where_nobody_answers(settings):
    """A server that takes connections and never says a word holds a check up for a second."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        settings.CACHES = {"default": {"BACKEND": BACKENDS[0], "LOCATION": url}}
        assert deployed() == {}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("SECURE_PROXY_SSL_HEADER", ("HTTP_X_FORWARDED_PROTO", "https")),
        ("USE_X_FORWARDED_HOST", True),
    ],
)
def test_w009_a_proxy_without_its_header(settings, setting, value):
    """Where a proxy stands in front, it has to be said where it writes the client address."""
    assert deployment.deploy_check_proxy(None) == []
    setattr(settings, setting, value)
    (warning,) = deployment.deploy_check_proxy(None)
    assert warning.id == "swap_user.W009"
    assert setting in warning.msg
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_CLIENT_ADDRESS_HEADER": "X-Forwarded-For"}
    assert deployment.deploy_check_proxy(None) == []


@pytest.mark.requirement("R20")
def test_w010_limits_that_allow_too_much(settings):
    """The defaults stay below 1 in 10,000; for higher limits the check reports the chance."""
    assert deployment.deploy_check_chance(None) == []
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_LIMITS": {"guesses_per_account": "30/365d"}}
    (warning,) = deployment.deploy_check_chance(None)
    assert warning.id == "swap_user.W010"
    assert "1 in 6,472" in warning.msg
    for name in ("guesses_per_account", "messages_per_account", "newcomers_per_account"):
        assert name in warning.hint
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_LIMITS": {"guesses_per_account": "30"}}
    assert deployment.deploy_check_chance(None) == []


DJANGO, PACKAGE = BACKENDS


def alias(location, backend=DJANGO, **options):
    """Return the settings of a cache."""
    return {"BACKEND": backend, "LOCATION": location, "OPTIONS": options}


def sentinel(service):
    """Return the settings of a cache whose server is found by Sentinel."""
    return alias(
        f"redis://{service}/0",
        PACKAGE,
        CLIENT_CLASS="django_redis.client.SentinelClient",
        CONNECTION_FACTORY="django_redis.pool.SentinelConnectionFactory",
        SENTINELS=[("127.0.0.1", 1)],
    )


@pytest.mark.parametrize(
    ("codes", "other"),
    [
        (alias("redis://10.0.0.1:6379"), alias("redis://10.0.0.1")),
        (alias("redis://10.0.0.1/0"), alias("redis://user:secret@10.0.0.1/0", PACKAGE)),
        (alias("redis://Cache.example"), alias("rediss://cache.example?db=0")),
        (alias("redis://10.0.0.1", db=1), alias("redis://10.0.0.1/1", PACKAGE)),
        (alias("redis://10.0.0.1/1"), alias("redis://10.0.0.1", db="1")),
        (alias("redis://10.0.0.1/1", db=2), alias("redis://10.0.0.1/1", db=3)),
        (
            alias("redis://10.0.0.1", PACKAGE, CONNECTION_POOL_KWARGS={"db": 1}),
            alias("redis://10.0.0.1/1"),
        ),
        (alias(["redis://10.0.0.1", "redis://10.0.0.2"]), alias("redis://10.0.0.1")),
        (
            alias("redis://10.0.0.1;redis://10.0.0.2"),
            alias("redis://10.0.0.1,redis://10.0.0.3", PACKAGE),
        ),
        (alias("unix:///run/redis.sock"), alias("unix:///run/redis.sock?db=0", PACKAGE)),
        (alias("redis://localhost"), alias("redis://127.0.0.1:6379")),
        (alias("redis://[::1]/2"), alias("redis:///2")),
        (sentinel("service"), sentinel("service")),
    ],
)
def test_w020_two_aliases_on_one_database(settings, codes, other):
    """However the two are written; the order does not matter."""
    for one, two in ((codes, other), (other, codes)):
        settings.CACHES = {
            "default": two,
            "codes": one,
            "elsewhere": alias("redis://10.0.0.9"),
        }
        settings.SWAP_USER = settings.SWAP_USER | {"OTP_CACHE": "codes"}
        (warning,) = deployment.deploy_check_shared_database(None)
        assert warning.id == "swap_user.W020"
        assert "CACHES['codes'], which OTP_CACHE names" in warning.msg
        assert "CACHES['default']" in warning.msg
        assert "elsewhere" not in warning.msg
        assert "secret" not in warning.msg + warning.hint
        assert "a database of their own" in warning.hint


@pytest.mark.parametrize(
    ("codes", "other"),
    [
        (alias("redis://10.0.0.1/1"), alias("redis://10.0.0.1/0", PACKAGE)),
        (alias("redis://10.0.0.1", db=1), alias("redis://10.0.0.1")),
        (alias("redis://10.0.0.1:6380"), alias("redis://10.0.0.1")),
        (alias("redis://10.0.0.1"), alias("redis://10.0.0.2")),
        # Django and django-redis write to the first server, and read from the others.
        (alias(["redis://10.0.0.1", "redis://10.0.0.2"]), alias("redis://10.0.0.2")),
        (alias("unix:///run/redis.sock"), alias("unix:///run/redis.sock?db=1")),
        (alias("unix:///run/redis.sock"), alias("unix:///run/other.sock", PACKAGE)),
        (alias("unix:///run/redis.sock"), alias("redis://127.0.0.1")),
        (sentinel("service"), sentinel("another")),
    ],
)
def test_w020_is_silent_about_databases_that_differ(settings, codes, other):
    """Another server, or another number."""
    settings.CACHES = {"default": other, "codes": codes}
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_CACHE": "codes"}
    assert deployment.deploy_check_shared_database(None) == []


@pytest.mark.parametrize(
    "odd",
    [
        alias("nonsense"),
        alias(""),
        alias([]),
        alias(None),
        alias("redis://10.0.0.1", db="one"),
        alias("redis://10.0.0.1", PACKAGE, CLIENT_CLASS="no.such.Client"),
        alias("redis://10.0.0.1", PACKAGE, CLIENT_CLASS="django_redis.client.ShardClient"),
        alias("redis://10.0.0.1", "no.such.Cache"),
        alias("", "django.core.cache.backends.locmem.LocMemCache"),
        {},
    ],
)
def test_w020_is_silent_about_odd_settings(settings, odd):
    """It neither fails nor takes two unknown databases for one."""
    for codes, other in ((odd, alias("redis://10.0.0.1")), (odd, odd)):
        settings.CACHES = {"default": other, "codes": codes}
        for name in ("codes", "default", "missing"):
            settings.SWAP_USER = settings.SWAP_USER | {"OTP_CACHE": name}
            assert deployment.deploy_check_shared_database(None) == []
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_CACHE": 5}
    assert deployment.deploy_check_shared_database(None) == []


def test_w020_at_deployment_only(settings, redis_server):
    """All aliases of the database are named, and the warning is right: clear() empties it."""
    shared = alias(redis_server.url)
    settings.CACHES = {"default": shared, "codes": alias(redis_server.url), "pages": shared}
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_CACHE": "codes"}
    assert ours() == {}
    told = deployed()
    assert set(told) == {"swap_user.W020"}
    assert "CACHES['default'] and CACHES['pages']" in told["swap_user.W020"]
    client = connection.client("codes")
    for name in settings.CACHES:
        client.set("a challenge", "1")
        caches[name].clear()
        assert client.exists("a challenge") == 0, name
    settings.CACHES = settings.CACHES | {"codes": alias(redis_server.url, db=1)}
    assert deployed() == {}
    client = connection.client("codes")
    client.set("a challenge", "1")
    caches["default"].clear()
    assert client.exists("a challenge") == 1


class LoudSender(StdOutOTPSender):
    """A sender of a project that prints codes too."""


def test_w002_a_subclass_prints_too(settings):
    """A subclass of the printing sender is reported, and a path that leads nowhere is not."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_SENDER_CLASS": f"{__name__}.LoudSender"}
    assert "swap_user.W002" in deployed()
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_SENDER_CLASS": "no.such.Sender"}
    assert "swap_user.W002" not in deployed()
