"""What tests of the own pages share."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def use_urls(settings: Any) -> Callable[..., None]:
    """Call it with patterns, and from then on the site has these pages and no others."""

    def use(*patterns: Any) -> None:
        urlconf: Any = ModuleType("made_up_urls")
        urlconf.urlpatterns = [*patterns]
        settings.ROOT_URLCONF = urlconf

    return use


@pytest.fixture
def use_templates(settings: Any) -> Callable[[dict[str, str]], None]:
    """Call it with templates by name, and from then on the site has them before ours."""

    def use(templates: dict[str, str]) -> None:
        loaders = [
            ("django.template.loaders.locmem.Loader", templates),
            "django.template.loaders.app_directories.Loader",
        ]
        engine = settings.TEMPLATES[0]
        options = {**engine["OPTIONS"], "loaders": loaders}
        settings.TEMPLATES = [{"BACKEND": engine["BACKEND"], "OPTIONS": options}]

    return use
