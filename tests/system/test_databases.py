"""More than one database: what decides is read where it is written (R44)."""

from __future__ import annotations

import inspect
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

import swap_user
from swap_user.models import Authenticator, RecoveryCode
from swap_user.otp import enroll, generate_recovery_codes, send_code
from swap_user.otp.authenticators.secrets import is_enrolled
from swap_user.otp.crypto import hotp
from swap_user.testing import log_in, outbox
from tests.otp.pages.methods.helpers import CODES
from tests.otp.verification.codes import an_hour
from tests.support import NOW, RFC_SECRET, enter, give, make_user, totp, use_policy, username

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("clock"),
]


class PrimaryReplicaRouter:
    """As Django documents it, with one replica."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, *args: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, *args: Any, **hints: Any) -> bool:
        return True


class SecondRouter(PrimaryReplicaRouter):
    """All models are in a second database."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "second"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "second"


@pytest.fixture
def copied(tmp_path, monkeypatch) -> Iterator[Callable[[str], None]]:
    """Make a database of this name: a copy of the primary, which stays as it is."""
    if connection.vendor != "sqlite":
        pytest.skip("copies the file of the database")
    # The test case lets nobody connect to databases that the settings don't name.
    patched = inspect.getclosurevars(BaseDatabaseWrapper.ensure_connection).nonlocals
    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", patched["real_ensure_connection"])
    made: list[str] = []

    def copy(alias: str) -> None:
        path = tmp_path / alias
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as source:
            source.execute("VACUUM INTO ?", [str(path)])
        conf = {**connection.settings_dict, "NAME": str(path)}
        monkeypatch.setitem(connections.settings, alias, conf)
        made.append(alias)

    yield copy
    for alias in made:
        connections[alias].close()
        delattr(connections._connections, alias)


@pytest.fixture
def behind(copied, settings) -> Callable[[], None]:
    """Let a replica answer all reads that the router sends there. It stays as it is now."""

    def begin() -> None:
        copied("replica")
        settings.DATABASE_ROUTERS = [f"{__name__}.PrimaryReplicaRouter"]

    return begin


@pytest.mark.requirement("R44")
@pytest.mark.parametrize("kind", ["totp", "recovery"])
def test_a_user_who_was_deactivated_on_the_primary(user, behind, kind):
    """Stays out, although the replica does not know yet."""
    give(user)
    code = totp(NOW) if kind == "totp" else generate_recovery_codes(user)[0]
    behind()
    type(user).objects.using("default").update(is_active=False)
    assert enter(None, code) is None


@pytest.mark.requirement("R44")
def test_the_first_code_of_a_new_user(behind):
    """Is sent and accepted, although the replica does not know the user yet."""
    behind()
    user = make_user()
    send_code(None, username())
    (message,) = outbox
    assert enter(None, message.otp) == user


@pytest.mark.requirement("R44")
def test_a_counter_that_was_used_on_the_primary(user, behind, shared_redis):
    """Is refused, although the replica and Redis don't know that it was used."""
    give(user, "hotp")
    behind()
    assert enter(None, hotp.code_at(RFC_SECRET, 3)) == user
    shared_redis.flush()
    assert enter(None, hotp.code_at(RFC_SECRET, 3)) is None
    assert enter(None, hotp.code_at(RFC_SECRET, 4)) == user


@pytest.mark.requirement("R44")
def test_an_authenticator_that_is_new_on_the_primary(user, behind, settings):
    """The policy knows of it at once: a sent code is not enough any more."""
    use_policy(settings, "AuthenticatorOnceEnrolled")
    send_code(None, username())
    code = outbox[-1].otp
    behind()
    enroll(user).authenticator.save()
    assert is_enrolled(user)
    assert enter(None, code) is None
    send_code(None, username())
    assert len(outbox) == 1


@pytest.mark.requirement("R44")
def test_recovery_codes_that_are_new_on_the_primary(user, behind):
    """Work at once, and those that they replace don't."""
    old = generate_recovery_codes(user)
    behind()
    new = generate_recovery_codes(user)
    assert enter(None, old[0]) is None
    assert enter(None, new[0]) == user


@pytest.mark.requirement("R44")
def test_notices_and_commands_see_the_primary(behind, notices, capsys):
    """A user whom the replica does not know is notified, and reset by name."""
    behind()
    generate_recovery_codes(make_user())
    assert len(notices) == 1
    call_command("reset_otp", username())
    assert "recovery codes: 10" in capsys.readouterr().out


@pytest.mark.requirement("R44")
def test_the_page_of_recovery_codes_asks_the_primary(client, behind, settings, monkeypatch):
    """A second press makes no second set, although the replica knows of no set at all."""
    # Django reads the stamp from the replica, and ends a session whose stamp is newer.
    monkeypatch.setattr("swap_user.otp.pages.methods.base.end_sessions", lambda *args, **kwargs: 0)
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    log_in(client, make_user(is_staff=True, is_superuser=True))
    behind()
    pages = [client.post(CODES, {"replaces": "0"}, follow=True) for _ in range(2)]
    first, second = (
        re.findall(r'<li><code dir="ltr">([0-9A-Z-]+)</code>', str(page.content)) for page in pages
    )
    assert len(first) == 10
    assert second == first
    assert enter(None, first[0])


def test_a_set_is_replaced_as_a_whole(user, copied, settings, monkeypatch):
    """In a second database too: what fails half-way leaves the ten codes that were there."""
    codes = generate_recovery_codes(user)
    copied("second")
    settings.DATABASE_ROUTERS = [f"{__name__}.SecondRouter"]
    user = get_user_model().objects.get()

    def fail(self: Any, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr("django.db.models.query.QuerySet.bulk_create", fail)
    with pytest.raises(RuntimeError):
        generate_recovery_codes(user)
    assert RecoveryCode.objects.using("second").count() == 10
    assert enter(None, codes[0]) == user


@pytest.mark.requirement("R43")
def test_a_second_database_that_rolls_back(user, copied, settings, shared_redis):
    """The transaction of that database counts, whatever the default one does."""
    give(user, "hotp")
    copied("second")
    settings.DATABASE_ROUTERS = [f"{__name__}.SecondRouter"]
    with transaction.atomic(using="second"):
        assert enter(None, hotp.code_at(RFC_SECRET, 3))
        transaction.set_rollback(True, using="second")
    an_hour(shared_redis)
    assert enter(None, hotp.code_at(RFC_SECRET, 3)) is None
    assert Authenticator.objects.using("second").get().consumed == 3


def test_every_transaction_names_its_database():
    """A bare ``atomic()`` would be one of the default database, wherever the models are."""
    package = Path(swap_user.__file__).parent
    bare = re.compile(r"atomic\(\s*\)|@(transaction\.)?atomic\b")
    found = [path for path in package.rglob("*.py") if bare.search(path.read_text())]
    assert found == []
