"""The projects that the pages build work."""

from __future__ import annotations

import pytest

from tests.docs.building import build
from tests.docs.reading import PROJECTS, SETTINGS, code, rows
from tests.docs.scenarios import SCENARIOS


@pytest.mark.parametrize("name", PROJECTS)
def test_project_of_the_pages_works(name, tmp_path, shared_redis, projects_django):
    """Followed to the letter, a page leads to where it says."""
    folder = tmp_path / "project"
    build(name, folder, shared_redis.url, projects_django, commands=True).use(name)


def test_every_scenario_has_its_project():
    """Every scenario belongs to a project, so that all of them run."""
    assert set(SCENARIOS) <= {*PROJECTS, "log_in_by_phone"}


DJANGO_REDIS = "readme-django-redis"


@pytest.mark.parametrize(
    ("row", "base"),
    list(zip(rows("README.md", "users are known by"), ["readme", DJANGO_REDIS] * 2, strict=True)),
    ids=lambda value: value if isinstance(value, str) else code(value[1]),
)
def test_all_four_models_of_the_readme(row, base, tmp_path, shared_redis, projects_django):
    """The steps with each row of the table in place of the first, by turns on both backends."""
    known_by, app, model, password = row
    folder = tmp_path / "project"
    built = build(base, folder, shared_redis.url, projects_django, commands=False)
    settings = folder / SETTINGS
    (first, *_) = rows("README.md", "users are known by")
    text = settings.read_text().replace(f'"{code(first[1])}"', f'"{code(app)}"')
    text = text.replace(f'"{code(first[2])}"', f'"{code(model)}"')
    if password == "yes":
        text += PROJECTS["readme-passwords"].blocks[0].body
    if known_by == "phone":
        text += 'SWAP_USER = {"OTP_SENDER_CLASS": "swap_user.testing.MemoryOTPSender"}\n'
    settings.write_text(text)
    built.use("log_in_by_phone" if known_by == "phone" else "readme")
