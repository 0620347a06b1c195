"""A project whose tests are run in processes of their own."""

from pathlib import Path

import pytest

from swap_user.otp.store import keys
from tests.testing.projects import Project, make_project, redis_cache

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the keys as in a single process. Each worker of this suite has a server of its own."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.setattr(keys, "NAMESPACE", keys.NAMESPACE)


@pytest.fixture
def project(tmp_path, shared_redis, settings) -> Project:
    """A project that uses the Redis of this test."""
    if settings.AUTH_USER_MODEL != "swap_to_email_otp.EmailOTPUser":
        pytest.skip("the project has its own settings: once is enough")
    return make_project(tmp_path, redis_cache(shared_redis.url))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that run a project: each of them starts Python a few times."""
    for item in items:
        if item.path.parent == HERE and "project" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.heavy)
