"""How a script gets its keys and arguments, and where its source is."""

from importlib import resources

import pytest
import redis
from django.core.exceptions import ImproperlyConfigured

from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.store import scripts
from swap_user.otp.store.budgets import Budget

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
