"""Migrations of large tables: short locks, nothing written twice, and the tables of the alpha."""

from __future__ import annotations

import threading
from importlib import import_module

import pytest
from django.contrib.auth import SESSION_KEY
from django.db import connection, migrations, models, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState
from django.db.utils import OperationalError
from django.test import Client
from django.test.utils import CaptureQueriesContext

from swap_user.testing import log_in
from swap_user.users import online, upgrade
from swap_user.users.models import new_security_stamp
from swap_user.users.online import LockedTable
from tests.support import username
from tests.user_models import UserModel
from tests.users.test_migrations import AS_IN_098, LABEL, migrate

pytestmark = [pytest.mark.user_model("ours")]

__all__ = ["migrate"]

TABLE = UserModel._meta.db_table


def column_is_nullable(name: str = "security_stamp") -> bool:
    """Return whether the column of the user table allows NULL."""
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, TABLE)
    return next(column.null_ok for column in columns if column.name == name)


def as_in_the_alpha(migrate) -> None:
    """Apply the migration of the alpha that added the stamp, and record it."""
    migrate("0002_active_by_default")
    model = UserModel.__name__.lower()
    operation = migrations.AddField(
        model_name=model,
        name="security_stamp",
        field=models.CharField(default=new_security_stamp, editable=False, max_length=32),
    )
    from django.db.migrations.executor import MigrationExecutor

    loader = MigrationExecutor(connection).loader
    before: ProjectState = loader.project_state([(LABEL, "0002_active_by_default")])
    after = before.clone()
    operation.state_forwards(LABEL, after)
    with connection.schema_editor() as editor:
        operation.database_forwards(LABEL, editor, before, after)
    MigrationRecorder(connection).record_applied(LABEL, "0003_security_stamp")


@pytest.mark.user_model("no password")
def test_upgrade_from_the_alpha(migrate):
    """NULL is allowed then; stamps stay, and with them the sessions."""
    as_in_the_alpha(migrate)
    assert not column_is_nullable()
    field = UserModel.USERNAME_FIELD
    with connection.cursor() as cursor:
        quote = connection.ops.quote_name
        columns = ["is_superuser", field, "is_active", "is_staff", "security_stamp"]
        names = ", ".join(map(quote, columns))
        values = [True, username(), True, True, "a stamp of the alpha"]
        holders = ", ".join(["%s"] * len(columns))
        cursor.execute(f"INSERT INTO {quote(TABLE)} ({names}) VALUES ({holders})", values)
    user = UserModel.objects.get()
    client = Client()
    log_in(client, user)
    migrate(None)
    assert column_is_nullable()
    assert SESSION_KEY in client.session
    assert client.get("/admin/").status_code == 200
    assert UserModel.objects.get().security_stamp == "a stamp of the alpha"
    UserModel.objects.all().delete()


@pytest.mark.user_model("no password")
def test_a_new_database_needs_no_second_change(migrate):
    """The last migration changes nothing where the column allows NULL already."""
    migrate("0003_security_stamp")
    assert column_is_nullable()
    with CaptureQueriesContext(connection) as queries:
        migrate(None)
    assert not [query for query in queries if "DROP NOT NULL" in query["sql"]]


@pytest.mark.user_model("no password")
def test_no_row_is_written(migrate):
    """Neither by the new column nor by its default."""
    migrate("0002_active_by_default")
    with CaptureQueriesContext(connection) as queries:
        migrate("0003_security_stamp")
    written = [query["sql"] for query in queries if TABLE in query["sql"]]
    assert [sql for sql in written if sql.startswith(("UPDATE", "INSERT"))] == []
    assert len([sql for sql in written if "ADD COLUMN" in sql]) == 1
    assert not [sql for sql in written if "DEFAULT" in sql]


@pytest.mark.user_model("email as username")
def test_batches_are_transactions_of_their_own(migrate, monkeypatch):
    """What was done before an interruption stays done, and the next run does the rest."""
    monkeypatch.setattr(upgrade, "BATCH_SIZE", 2)
    old = migrate(AS_IN_098)
    for number in range(6):
        old.objects.create(email=username(number).upper())
    original, calls = upgrade._normalize, []

    def interrupted(rows, pks):
        calls.append(pks)
        if len(calls) == 3:
            raise KeyboardInterrupt
        original(rows, pks)

    monkeypatch.setattr(upgrade, "_normalize", interrupted)
    with pytest.raises(KeyboardInterrupt):
        migrate("0004_normalize_emails")
    emails = list(old.objects.order_by("pk").values_list("email", flat=True))
    assert [email.islower() for email in emails] == [True] * 4 + [False] * 2
    monkeypatch.setattr(upgrade, "_normalize", original)
    migrate(None)
    assert all(user.email.islower() for user in UserModel.objects.all())


@pytest.mark.postgres
@pytest.mark.user_model("email as username")
def test_the_index_is_built_while_rows_are_written(migrate):
    """Concurrently; what an interrupted run has left behind is built again."""
    old = migrate("0004_normalize_emails")
    old.objects.create(email=username())
    name = f"{LABEL}_{UserModel.__name__.lower()}_email_ci"
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE UNIQUE INDEX "{name}" ON "{TABLE}" (LOWER(email))')
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(%s)", [name]
        )
    with CaptureQueriesContext(connection) as queries:
        migrate(None)
    built = [query["sql"] for query in queries if "INDEX" in query["sql"]]
    assert any(sql.startswith("DROP INDEX CONCURRENTLY") for sql in built)
    assert any(sql.startswith("CREATE UNIQUE INDEX CONCURRENTLY") for sql in built)
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name])
        assert cursor.fetchone() == (True,)


@pytest.mark.postgres
@pytest.mark.user_model("no password")
@pytest.mark.parametrize("attempts", [1, 400])
def test_a_locked_table_is_tried_again(migrate, monkeypatch, attempts):
    """The statement gives up before logins behind it wait a second, and tries until it is free."""
    migrate("0002_active_by_default")
    monkeypatch.setattr(online, "ATTEMPTS", attempts)
    monkeypatch.setattr(online, "LOCK_TIMEOUT", 0.05)
    locked, release = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f'SELECT 1 FROM "{TABLE}" FOR UPDATE')
            locked.set()
            release.wait(20)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait(20)
    monkeypatch.setattr(online.time, "sleep", lambda seconds: release.set() or holder.join(20))
    if attempts == 1:
        with pytest.raises(LockedTable, match="run migrate again"):
            migrate("0003_security_stamp")
    else:
        migrate("0003_security_stamp")
        assert column_is_nullable()
    release.set()
    holder.join(20)


def test_other_errors_are_raised():
    """Only a lock is waited for."""
    assert not online._is_lock_timeout(OperationalError("disk full"))


def test_all_migrations_that_change_the_user_table_are_online():
    """Each of them is atomic in its parts only, or changes nothing in the database."""
    package = f"{UserModel.__module__.rpartition('.')[0]}.migrations"
    from tests import ROOT

    for path in sorted((ROOT / package.replace(".", "/")).glob("0*.py")):
        migration = import_module(f"{package}.{path.stem}").Migration
        harmless = (migrations.CreateModel, migrations.AlterField, migrations.AlterModelOptions)
        if not all(isinstance(each, harmless) for each in migration.operations):
            assert migration.atomic is False, path.stem
