"""The real servers that tests start, and what to do where one can't be had."""

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip the test, and say what to install; on CI, where everything must be there, fail it."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
