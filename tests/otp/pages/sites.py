"""The two sites that show the same pages, see the fixture ``site``."""

from __future__ import annotations

import pytest

ADMIN, OWN = "admin", "own"

# For tests of pages that belong to neither site, such as those with a URLconf of their own.
neither = pytest.mark.parametrize("site", [ADMIN], indirect=True, ids=[""])


def only_admin(reason: str) -> pytest.MarkDecorator:
    """Skip a test through the own pages, because only the admin has what it is about."""
    skipped = pytest.param(OWN, marks=pytest.mark.skip(reason=reason))
    return pytest.mark.parametrize("site", [ADMIN, skipped], indirect=True)


def only_own(reason: str) -> pytest.MarkDecorator:
    """Skip a test through the admin, because only the own pages have what it is about."""
    skipped = pytest.param(ADMIN, marks=pytest.mark.skip(reason=reason))
    return pytest.mark.parametrize("site", [skipped, OWN], indirect=True)
