"""What tests of the scripts share."""

import pytest
import redis


@pytest.fixture
def client(shared_redis):
    """A client of its own, to look at what the scripts have stored."""
    with redis.Redis.from_url(shared_redis.url, decode_responses=True) as client:
        yield client
