"""How a script gets its keys and arguments, and where its source is."""

from importlib import resources

import pytest
import redis
from django.core.exceptions import ImproperlyConfigured

from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.store import connection, scripts
from swap_user.otp.store.budgets import Budget
from tests.support import CACHE_BACKENDS

FOLDER = resources.files("swap_user.otp.store") / "lua"
NAMES = sorted(each.name.removesuffix(".lua") for each in FOLDER.iterdir())

# They are parts of others.
PARTS = {"budgets", "codes"}


@pytest.mark.parametrize("name", NAMES)
def test_each_file_is_a_script(name, shared_redis):
    """The server takes its source, with what it uses."""
    source = scripts.Script(scripts.read(name)).source
    assert "-- uses" not in source
    with redis.Redis.from_url(shared_redis.url) as client:
        assert client.script_load(source) == scripts.Script(scripts.read(name)).sha


@pytest.mark.parametrize("name", [name for name in NAMES if name not in PARTS])
def test_no_script_sets_a_global_variable(name):
    """The names of a part are local, and each is there once."""
    source = scripts.Script(scripts.read(name)).source
    functions = [line.split("(")[0] for line in source.splitlines() if "function " in line]
    assert all(line.startswith(("local function ", "    ")) for line in functions)
    assert len(functions) == len(set(functions))


def test_keys_and_arguments_have_names():
    """In any number, of any JSON type. A key that is None is not there."""
    script = scripts.JSONScript(
        "redis.call('SET', keys.first, args.text)\n"
        "return cjson.encode({redis.call('GET', keys.first), keys.second == nil, args.list[2]})"
    )
    assert script({"first": "x", "second": None}, text="é", list=[1, 2.5]) == ["é", True, 2.5]


def test_budgets_are_tables_that_know_their_keys():
    """After the named keys, in the order of the arguments, also within lists."""
    script = scripts.JSONScript(
        "local b = args.choices[2][1]\n"
        "return cjson.encode({KEYS[b.at], b.limit, b.window, b.scope, b.cost, keys.first, #KEYS})"
    )
    first, second = Budget("a", 1, 2, "one"), Budget("b", 3, 4, "two", cost=5)
    answer = script({"first": "x", "none": None}, choices=[[first], [second, first]])
    assert answer == ["b", 3, 4, "two", 5, "x", 4]


def test_an_empty_list_is_empty():
    """Not an object."""
    script = scripts.Script("for _ in ipairs(args.budgets) do return 1 end return #args.budgets")
    assert script({}, budgets=[]) == 0


def test_nothing_is_none():
    """A script that returns nil or false."""
    assert scripts.JSONScript("return false")({}) is None
    assert scripts.JSONScript("return nil")({}) is None
    assert scripts.Script("return nil")({}) is None


def test_what_is_no_json_is_a_mistake():
    """Of ours."""
    with pytest.raises((TypeError, AttributeError)):
        scripts.Script("return 1")({}, value=object())


def test_a_cache_of_another_kind(settings):
    """It is said which, and why that does not do."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    with pytest.raises(ImproperlyConfigured, match="LocMemCache"):
        scripts.Script("return 1")({})


@pytest.mark.parametrize(
    ("error", "closed"),
    [
        ("Error running script: READONLY You can't write against a read only replica.", 1),
        ("OOM command not allowed when used memory > 'maxmemory'.", 0),
    ],
)
def test_a_server_that_has_become_a_replica(monkeypatch, error, closed):
    """Idle connections are closed, so that the name is resolved again; those in use are left."""
    calls = []
    with scripts._reached() as client:
        monkeypatch.setattr(
            client.connection_pool, "disconnect", lambda **options: calls.append(options)
        )
    with pytest.raises(LoginUnavailable), scripts._reached():
        raise redis.exceptions.ResponseError(error)
    assert calls == [{"inuse_connections": False}] * closed


@pytest.mark.parametrize("debug", [True, False])
def test_the_log_names_the_server(settings, caplog, debug):
    """Where it is, without the password; and while the site is developed, what is to be done."""
    settings.DEBUG = debug
    url = "redis://me:s3cret@127.0.0.1:1/4"
    settings.CACHES = {"codes": {"BACKEND": CACHE_BACKENDS["django"], "LOCATION": url}}
    settings.SWAP_USER = {"OTP_CACHE": "codes"}
    with pytest.raises(LoginUnavailable), scripts._reached() as client:
        client.ping()
    line, *hints = caplog.records
    assert (line.event, line.location) == ("login unavailable", "redis://127.0.0.1:1/4")
    what = "start a Redis or Valkey server at redis://127.0.0.1:1/4, or correct LOCATION of "
    assert [each.hint for each in hints] == [f"{what}CACHES['codes']"] * debug
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("backend", CACHE_BACKENDS.values(), ids=CACHE_BACKENDS)
@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1", "redis://127.0.0.1:6379/0"),
        ("redis://u:p%3F%40@h:6390/3?password=s@x", "redis://h:6390/3"),
        ("rediss://:pqr@h/1", "redis://h:6379/1"),
        ("redis://:pqr@[2001:db8::1]/1", "redis://[2001:db8::1]:6379/1"),
        ("unix://u:p@/run/redis.sock?db=2&password=p", "unix:///run/redis.sock"),
    ],
)
def test_the_location_has_no_password(settings, backend, url, shown):
    """Wherever a URL can have one."""
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": url}}
    assert connection.location(connection.client("default")) == shown


def test_the_location_of_other_clients():
    """With Sentinel, the service; nothing if a custom client does not say."""
    sentinel = redis.sentinel.Sentinel([("127.0.0.1", 1)])
    assert connection.location(sentinel.master_for("codes", db=2)) == "redis://codes/2"
    assert connection.location(object()) == ""
