"""The projects that the pages build work."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest

from tests.docs.building import build
from tests.docs.reading import PROJECTS, SETTINGS, code, rows
from tests.docs.scenarios import SCENARIOS


@pytest.mark.parametrize(
    "name",
    [
        name if name in ("readme", "views") else pytest.param(name, marks=pytest.mark.heavy)
        for name in PROJECTS
    ],
)
def test_project_of_the_pages_works(name, tmp_path, shared_redis, projects_django):
    """Followed to the letter, a page leads to where it says."""
    folder = tmp_path / "project"
    if (module := PROJECTS[name].needs) and find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    build(name, folder, shared_redis.url, projects_django, commands=True).use(name)


# Built and checked only: the commands and checks of the project show what its page says.
WITHOUT_SCENARIO = {
    "own-address",
    "production-upgrade",
    "senders-tasks",
    "senders-tenants",
    "settings-limits",
    "testing",
    "testing-commit",
    "testing-fakeredis",
    "testing-pages",
    "testing-parallel",
    "testing-pytest",
    "user-model-password",
}


def test_every_scenario_has_its_project():
    """Every scenario belongs to a project, so that all of them run, and none is lost."""
    assert set(SCENARIOS) == {*PROJECTS, "log_in_by_phone"} - WITHOUT_SCENARIO


# What the README's comments offer in place of a line of its settings.
DJANGO_REDIS = re.compile(r'# "(\S+)" works as BACKEND too\n( +"BACKEND": )"[^"]+"')
MODEL_BACKEND = re.compile(r"# (\S+)  # add it for a model with a password")
MODELS = rows("README.md", "log in with")


def change(pattern: re.Pattern[str], replacement: str, text: str) -> str:
    """Replace the one place where the pattern is found."""
    changed, number = pattern.subn(replacement, text)
    assert number == 1, pattern.pattern
    return changed


@pytest.mark.parametrize("cache", ["django", pytest.param("django-redis", marks=pytest.mark.heavy)])
@pytest.mark.parametrize("row", MODELS, ids=lambda row: code(row[2]))
def test_all_four_models_of_the_readme(row, cache, tmp_path, shared_redis, projects_django):
    """The steps with each row of the table in place of the first, on both cache backends."""
    name, password, app, model = row
    folder = tmp_path / "project"
    built = build("readme", folder, shared_redis.url, projects_django, commands=False)
    settings = folder / SETTINGS
    (first, *_) = MODELS
    text = settings.read_text().replace(f'"{code(first[2])}"', f'"{code(app)}"')
    text = text.replace(f'"{code(first[3])}"', f'"{code(model)}"')
    if cache == "django-redis":
        text = change(DJANGO_REDIS, r'\n\2"\1"', text)
    if password == "yes":
        text = change(MODEL_BACKEND, r"\1", text)
    if name == "phone":
        text += 'SWAP_USER = {"OTP_SENDER_CLASS": "swap_user.testing.MemoryOTPSender"}\n'
    settings.write_text(text)
    built.use("log_in_by_phone" if name == "phone" else "readme")
