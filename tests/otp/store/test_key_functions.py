"""A KEY_FUNCTION that depends on the tenant is asked each time."""

import contextvars
import threading

import pytest
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache
from django_redis.cache import RedisCache as PackageRedisCache

from swap_user.otp.store import connection, keys
from tests.support import CACHE_BACKENDS, ask, enter, visitor

TENANT = contextvars.ContextVar("tenant", default="public")


def by_tenant(key, key_prefix, version):
    return f"{TENANT.get()}:{key_prefix}:{version}:{key}"


def hashed(key, key_prefix, version):
    return f"{hash((TENANT.get(), key_prefix, version))}:{key[::-1]}"


class LazyPrefix(str):  # noqa: SLOT000
    """Text that depends on the tenant."""

    def __str__(self):
        return TENANT.get()

    __format__ = lambda self, spec: TENANT.get()  # noqa: E731


class OwnVersion(int):
    """A number that depends on the tenant."""

    def __str__(self):
        return TENANT.get()

    __format__ = lambda self, spec: TENANT.get()  # noqa: E731


class OwnKeys(RedisCache):
    """Makes keys itself."""

    def make_key(self, key, version=None):
        return f"{TENANT.get()}:{super().make_key(key, version)}"


class OwnPackageKeys(PackageRedisCache):
    """The same."""

    def make_key(self, key, version=None):
        return f"{TENANT.get()}:{super().make_key(key, version)}"


@pytest.fixture(params=CACHE_BACKENDS)
def backend(request):
    """Both cache backends."""
    return request.param


def use(settings, shared_redis, backend, **options):
    path = CACHE_BACKENDS.get(backend, backend)
    cache = {"BACKEND": path, "LOCATION": shared_redis.url, **options}
    settings.CACHES = {"default": cache}


def in_tenant(name, function, *args):
    """Call a function in a tenant."""
    token = TENANT.set(name)
    try:
        return function(*args)
    finally:
        TENANT.reset(token)


def key():
    return keys.redis_key("abc", "guesses")


@pytest.mark.parametrize("function", [by_tenant, hashed])
def test_it_is_asked_each_time(settings, shared_redis, backend, function):
    """In one process, for one tenant after another, in any thread."""
    use(settings, shared_redis, backend, KEY_FUNCTION=f"{__name__}.{function.__name__}")
    found = [in_tenant(name, key) for name in ("one", "two", "one")]
    assert found[0] == found[2] != found[1]
    seen = []
    thread = threading.Thread(target=lambda: seen.append(in_tenant("two", key)))
    thread.start()
    thread.join()
    assert seen == [found[1]]
    expected = function("swap_user:{abc}:guesses", "", 1)
    assert key() == expected == caches["default"].make_key("swap_user:{abc}:guesses")


@pytest.mark.parametrize("own", [OwnKeys, OwnPackageKeys])
def test_a_method_of_the_projects_own_is_asked_too(settings, shared_redis, own):
    """A subclass may make keys itself."""
    use(settings, shared_redis, f"{__name__}.{own.__name__}")
    assert [in_tenant(name, key)[:4] for name in ("one", "two")] == ["one:", "two:"]


@pytest.mark.parametrize(
    "option", [{"KEY_PREFIX": LazyPrefix("lazy")}, {"VERSION": OwnVersion(5)}], ids=str
)
def test_a_prefix_of_the_projects_own_is_read_each_time(settings, shared_redis, backend, option):
    """A lazy text, or a version of a class of its own. It tells the tenants apart."""
    use(settings, shared_redis, backend, **option)
    assert in_tenant("one", key) != in_tenant("two", key)
    assert in_tenant("one", keys.scope) != in_tenant("two", keys.scope)


def test_with_djangos_own_function_there_are_no_tenants(settings, shared_redis, backend):
    """Then cookies of known browsers have no part for one."""
    use(settings, shared_redis, backend, KEY_PREFIX="site", VERSION=3)
    assert keys.scope() == ""


@pytest.mark.parametrize("kept", ["_clients", "_prefixes"])
def test_the_first_call_of_a_process(settings, shared_redis, backend, monkeypatch, kept):
    """Nothing is stored yet."""
    use(settings, shared_redis, backend)
    monkeypatch.setattr(connection, kept, {})
    assert connection.client("default").ping()
    assert key().endswith("{abc}:guesses")


def test_djangos_own_function_is_asked_once(settings, shared_redis, backend, monkeypatch):
    """The fast path of every other project."""
    use(settings, shared_redis, backend, KEY_PREFIX="site", VERSION=3)
    first = key()
    assert first == "site:3:swap_user:{abc}:guesses"
    monkeypatch.setattr(caches["default"], "make_key", None)
    assert key() == first


@pytest.mark.django_db
def test_a_code_counts_in_its_tenant_only(settings, shared_redis, backend, user):
    """Challenges, budgets and marks are the tenant's."""
    use(settings, shared_redis, backend, KEY_FUNCTION=f"{__name__}.by_tenant")
    request = visitor()
    code = in_tenant("one", ask, request)
    assert in_tenant("two", enter, request, code) is None
    assert in_tenant("one", enter, request, code) == user
