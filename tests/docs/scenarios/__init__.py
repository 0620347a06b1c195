"""What is done in each project that the pages build, by the name of the project."""

from tests.docs.scenarios import (
    addresses,
    counting,
    factors,
    json_api,
    keys,
    logins,
    neighbours,
    other_apis,
    own_pages,
    own_views,
    sending,
    step_up,
)
from tests.docs.scenarios.steps import SCENARIOS

__all__ = [
    "SCENARIOS",
    "addresses",
    "counting",
    "factors",
    "json_api",
    "keys",
    "logins",
    "neighbours",
    "other_apis",
    "own_pages",
    "own_views",
    "sending",
    "step_up",
]
