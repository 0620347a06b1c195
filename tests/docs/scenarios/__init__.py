"""What is done in each project that the pages build, by the name of the project."""

from tests.docs.scenarios import (
    addresses,
    factors,
    keys,
    logins,
    neighbours,
    own_pages,
    own_views,
    sending,
    step_up,
)
from tests.docs.scenarios.steps import SCENARIOS

__all__ = [
    "SCENARIOS",
    "addresses",
    "factors",
    "keys",
    "logins",
    "neighbours",
    "own_pages",
    "own_views",
    "sending",
    "step_up",
]
