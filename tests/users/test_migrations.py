"""The user models' migrations, and projects that have a model of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from swap_user.users import upgrade
from tests import ROOT
from tests.support import username
from tests.user_models import HAS_PASSWORD, UserModel

KIND = UserModel.USERNAME_FIELD

pytestmark = pytest.mark.user_model("ours")

LABEL = UserModel._meta.app_label
AS_IN_098 = "0002_update_verbose_name" if LABEL == "swap_to_email" else "0001_initial"


@pytest.fixture
def migrate(transactional_db):
    """Brings the user app to a migration and returns the user model of that time."""

    def to(name: str | None) -> Any:
        executor = MigrationExecutor(connection)
        targets = [node for node in executor.loader.graph.leaf_nodes() if node[0] == LABEL]
        targets = [(LABEL, name)] if name else targets
        executor.migrate(targets)
        state = MigrationExecutor(connection).loader.project_state(targets)
        return state.apps.get_model(LABEL, UserModel.__name__)

    yield to
    # A failed test must not leave rows that can't be migrated.
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {connection.ops.quote_name(UserModel._meta.db_table)}")
    to(None)


@pytest.mark.django_db
def test_no_migration_is_missing():
    """The migrations say what the models say."""
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_migrations_begin_with_098(migrate):
    """Names, table and columns are those of 0.9.8."""
    old = migrate(AS_IN_098)
    assert old._meta.db_table == f"{LABEL}_{UserModel.__name__.lower()}"
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, old._meta.db_table)
    columns = {"id", "last_login", "is_superuser", KIND, "is_active", "is_staff"}
    assert {column.name for column in described} == columns | (
        {"password"} if HAS_PASSWORD else set()
    )
    assert old._meta.get_field("is_active").default is False
    assert type(old._meta.pk).__name__ == "AutoField"
    assert type(old._meta.get_field(KIND)).__name__ == (
        "EmailField" if KIND == "email" else "PhoneNumberField"
    )
    assert old._meta.constraints == []


def _old_rows(old: Any, count: int = 5) -> None:
    for number in range(count):
        name = username(number)
        if KIND == "email" and number % 2:
            name = name.replace("user", "USER").replace("example", "Example")
        old.objects.create(**{KIND: name, "is_active": number % 3 == 0})


def test_upgrade_of_a_database_with_users(migrate, monkeypatch):
    """Every row of a 0.9.8 database comes along: canonical, otherwise unchanged."""
    monkeypatch.setattr(upgrade, "BATCH_SIZE", 2)
    old = migrate(AS_IN_098)
    _old_rows(old)
    before = dict(old.objects.values_list("pk", "is_active"))
    migrate(None)
    users = list(UserModel.objects.order_by("pk"))
    assert [user.get_username() for user in users] == [username(n) for n in range(5)]
    assert {user.pk: user.is_active for user in users} == before
    if not HAS_PASSWORD:
        # The rows are not written: the first rotation gives a stamp.
        assert {user.security_stamp for user in users} == {None}
        assert len({user.get_session_auth_hash() for user in users}) == 5
        before_rotation = users[0].get_session_auth_hash()
        users[0].rotate_security_stamp()
        assert UserModel.objects.get(pk=users[0].pk).get_session_auth_hash() != before_rotation
    assert UserModel.objects.create_user(username(9)).is_active


def test_downgrade_keeps_users(migrate):
    """The way back to 0.9.8 loses no row, and the way forward is open again."""
    for number in range(3):
        UserModel.objects.create_user(username(number))
    old = migrate(AS_IN_098)
    assert old.objects.count() == 3
    migrate(None)
    assert UserModel.objects.get_by_natural_key(username(2))


@pytest.mark.user_model("email as username")
@pytest.mark.parametrize("lower_first", [True, False])
def test_upgrade_stops_at_a_collision(migrate, lower_first, monkeypatch):
    """Two accounts with one address stop the upgrade, named by their keys; nothing is changed."""
    if connection.vendor == "mysql":
        pytest.skip("its collation never let such twins in")
    monkeypatch.setattr(upgrade, "BATCH_SIZE", 2)
    old = migrate(AS_IN_098)
    _old_rows(old, 3)
    names = ["Twin@example.com", "twin@example.com", "TWIN@Example.com"]
    twins = [old.objects.create(email=name).pk for name in names[:: 1 if lower_first else -1]]
    pair = [old.objects.create(email=name).pk for name in ("Pair@example.com", "PAIR@example.com")]
    before = list(old.objects.order_by("pk").values_list("pk", "email"))
    with pytest.raises(upgrade.EmailCollision) as caught:
        migrate(None)
    message = str(caught.value)
    assert ", ".join(map(str, twins)) + "; " + ", ".join(map(str, pair)) in message
    assert "migrate again." in message
    assert "@" not in message
    assert list(old.objects.order_by("pk").values_list("pk", "email")) == before
    # As the message says: give the others another address, then migrate again.
    for pk in [*twins[1:], pair[1]]:
        old.objects.filter(pk=pk).update(email=f"other{pk}@example.com")
    migrate(None)
    assert UserModel.objects.get_by_natural_key("TWIN@example.com").pk == twins[0]


# --- Projects with models of their own ------------------------------------------------------------


def _project(folder: Path, app: str, base: str, installed: str = "") -> None:
    (folder / "accounts").mkdir()
    (folder / "accounts" / "__init__.py").touch()
    (folder / "accounts" / "models.py").write_text(
        textwrap.dedent(f"""
        from django.db import models
        from swap_user.{app}.base_models import {base}

        class Member({base}):
            nickname = models.CharField(max_length=20, blank=True)
        """)
    )
    (folder / "project.py").write_text(
        textwrap.dedent(f"""
        SECRET_KEY = "a secret key for a project that lives for one test"
        INSTALLED_APPS = [
            "django.contrib.auth", "django.contrib.contenttypes", "swap_user", {installed}
        ]
        DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}}}
        AUTHENTICATION_BACKENDS = ["swap_user.backends.OTPBackend"]
        CACHES = {{"default": {{
            "BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"
        }}}}
        """)
    )


def _manage(folder: Path, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "django", *args],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        start_new_session=True,  # no terminal to ask for a password at
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
            "DJANGO_SETTINGS_MODULE": "project",
        },
    )


def test_a_project_subclasses_a_base(tmp_path):
    """A project's own model on a base needs none of the four apps, and works with the commands."""
    app, base = UserModel.__module__.split(".")[1], f"Abstract{UserModel.__name__}"
    _project(tmp_path, app, base, '"accounts"')
    with (tmp_path / "project.py").open("a") as file:
        file.write('AUTH_USER_MODEL = "accounts.Member"\n')
    made = _manage(tmp_path, "makemigrations", "accounts")
    assert made.returncode == 0, made.stderr
    migration = next((tmp_path / "accounts" / "migrations").glob("0001*.py")).read_text()
    assert "objects" not in migration
    assert ("accounts_member_email_ci" in migration) is (KIND == "email")
    assert _manage(tmp_path, "migrate").returncode == 0
    made = _manage(tmp_path, "createsuperuser", "--noinput", f"--{KIND}", username())
    assert made.returncode == 0, made.stderr
    if not HAS_PASSWORD:
        stdin = "kZ81!plqX\nkZ81!plqX\n"
        refused = _manage(tmp_path, "changepassword", username(), stdin=stdin)
        assert refused.returncode == 1
        assert "Traceback" not in refused.stderr
        last = refused.stderr.strip().splitlines()[-1]
        assert last.endswith("Member accounts have no password: they log in with one-time codes.")


def test_all_four_apps_while_another_model_is_used(tmp_path):
    """Models that are swapped out migrate, check and need no table."""
    apps = ", ".join(
        f'"swap_user.to_{app}"' for app in ("email", "phone", "email_otp", "phone_otp")
    )
    _project(tmp_path, "to_email", "AbstractEmailUser", apps)
    for command in (["makemigrations", "--check", "--dry-run"], ["migrate"], ["check"]):
        done = _manage(tmp_path, *command)
        assert done.returncode == 0, done.stdout + done.stderr
