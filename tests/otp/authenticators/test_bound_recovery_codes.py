"""The hash of a recovery code is bound to its owner and encrypted (R46)."""

from __future__ import annotations

import io
import re
from base64 import b64encode
from importlib import import_module
from typing import Any

import django
import pytest
from django.apps import apps
from django.core import checks
from django.core.management import call_command
from django.db import connection, transaction

from swap_user.checks.upgrade import database_check_upgrade, deploy_check_upgrade
from swap_user.management.commands.finish_otp_upgrade import STEPS
from swap_user.models import PendingUpgrade, RecoveryCode
from swap_user.otp import generate_recovery_codes, remaining_recovery_codes
from swap_user.otp.authenticators import recovery_codes, upgrades
from swap_user.otp.authenticators.recovery_codes import SEALED
from swap_user.otp.authenticators.rotation import rotate_keys
from swap_user.otp.authenticators.secrets import keyring
from swap_user.otp.crypto.keyring import decode_key, key_id
from swap_user.otp.sessions import unrecorded
from tests.otp.verification.test_consumption import race
from tests.support import configure, enter, give, make_user, username
from tests.work import observed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.requirement("R46")]

K1, K2 = (b64encode(bytes([byte]) * 32).decode() for byte in (1, 2))

migration: Any = import_module("swap_user.migrations.0003_sealed_recovery_codes")


class Editor:
    """What a migration gets as schema editor, as far as it is used."""

    connection = connection


@pytest.fixture(autouse=True)
def _nothing_known():
    """Another process, which knows nothing of finished upgrades."""
    upgrades._finished.clear()
    yield
    upgrades._finished.clear()


@pytest.fixture
def upgraded(user):
    """An installation of the version before, just migrated; its user has ten recovery codes."""
    give(user)
    migration.record_pending_steps(apps, Editor)
    return user


def finish(**options: Any) -> str:
    """Run the command and return what it prints."""
    out = io.StringIO()
    call_command("finish_otp_upgrade", stdout=out, **options)
    return out.getvalue()


def stored() -> list[str]:
    return list(RecoveryCode.objects.order_by("pk").values_list("code", flat=True))


def test_a_row_that_was_moved_to_another_user(user, caplog):
    """By SQL: it lets nobody in as that user, and back in its place its owner."""
    code = generate_recovery_codes(user)[0]
    other = make_user(2)
    RecoveryCode.objects.update(user=other)
    assert enter(None, code, username(2)) is None
    assert "secret unreadable: recovery_code=" in caplog.text
    assert enter(None, code) is None
    RecoveryCode.objects.update(user=user)
    assert enter(None, code) == user


def test_a_hash_that_was_copied_into_a_row_of_another_user(user):
    """By SQL, over the hash of another code: refused, and the other codes of that user work."""
    code = generate_recovery_codes(user)[0]
    others = generate_recovery_codes(make_user(2))
    first = RecoveryCode.objects.filter(user=user).order_by("pk")[0]
    theirs = RecoveryCode.objects.exclude(user=user).order_by("pk")[0]
    RecoveryCode.objects.filter(pk=theirs.pk).update(code=first.code)
    assert enter(None, code, username(2)) is None
    assert enter(None, others[1], username(2))


def test_a_copy_of_a_used_row(user, shared_redis):
    """By SQL: the code is used, whatever the copy says, also when Redis has forgotten it."""
    code = generate_recovery_codes(user)[0]
    copies = list(RecoveryCode.objects.all())
    assert enter(None, code) == user
    for copy in copies:
        copy.pk = None
        copy.save(force_insert=True)
    shared_redis.flush()
    assert enter(None, code) is None


def test_a_plain_hash_that_was_written_by_sql(user):
    """A new installation accepts no hash that is not encrypted, whoever made it."""
    generate_recovery_codes(user)
    RecoveryCode.objects.update(code=recovery_codes._hash("0" * 16, "salt"))
    assert enter(None, "0" * 16) is None
    # A state that was made up brings the plain form back no more than none.
    upgrades._finished.clear()
    PendingUpgrade.objects.create(name=upgrades.RECOVERY_CODES, seal="open")
    assert enter(None, "0" * 16) is None


def test_keys_rotate(user, settings):
    """As those of authenticators: [k1] → [k2, k1] → rotate → [k2], used codes included."""
    configure(settings, OTP_ENCRYPTION_KEYS=[K1])
    codes = generate_recovery_codes(user)
    assert enter(None, codes[0]) == user
    configure(settings, OTP_ENCRYPTION_KEYS=[K2, K1])
    run = rotate_keys(batch_size=4)
    assert [next(run).rotated for _ in range(2)] == [0, 4]
    run.close()  # interrupted
    *_, progress = rotate_keys(batch_size=4)
    assert (progress.rotated, progress.unreadable) == (6, {})
    configure(settings, OTP_ENCRYPTION_KEYS=[K2])
    assert enter(None, codes[0]) is None
    assert [enter(None, code) for code in codes[1:]] == [user] * 9


def test_a_missing_key_is_named(user, settings, capsys):
    """By the command that rotates; the codes are refused until it is back."""
    configure(settings, OTP_ENCRYPTION_KEYS=[K1])
    codes = generate_recovery_codes(user)
    configure(settings, OTP_ENCRYPTION_KEYS=[K2])
    *_, progress = rotate_keys()
    names = [f"recoverycode {row.pk}" for row in RecoveryCode.objects.all()]
    assert progress.unreadable == dict.fromkeys(names, key_id(decode_key(K1)))
    assert enter(None, codes[0]) is None
    configure(settings, OTP_ENCRYPTION_KEYS=[K2, K1])
    assert enter(None, codes[0]) == user


def test_a_used_code_is_encrypted_with_the_newest_key(user, settings):
    """In the UPDATE that it needs anyway."""
    configure(settings, OTP_ENCRYPTION_KEYS=[K1])
    code = generate_recovery_codes(user)[0]
    configure(settings, OTP_ENCRYPTION_KEYS=[K2, K1])
    assert enter(None, code) == user
    assert not recovery_codes.is_stale(RecoveryCode.objects.exclude(used_at=None).get())


# --- The upgrade ----------------------------------------------------------------------------------


def test_a_new_installation_has_nothing_to_finish(db):
    """The migration of an empty database records nothing."""
    migration.record_pending_steps(apps, Editor)
    assert upgrades.recorded() == []
    assert finish() == "The upgrade is already finished.\n"


def test_servers_of_both_versions(upgraded):
    """Until the upgrade is finished: new sets can be read by old servers, and old ones by new."""
    codes = generate_recovery_codes(upgraded)
    assert all(text.startswith("pbkdf2_sha256$") and len(text) <= 128 for text in stored())
    assert enter(None, codes[0]) == upgraded
    # What is used is encrypted; an old server refuses it, and raises no exception.
    (used,) = [text for text in stored() if text.startswith(SEALED)]
    assert recovery_codes._salt(used)
    assert enter(None, codes[0]) is None
    assert enter(None, codes[1]) == upgraded


def test_the_upgrade_is_finished(upgraded):
    """Rows are encrypted in batches, the codes work on, and the plain form is refused."""
    codes = generate_recovery_codes(upgraded)
    plain = stored()[1]
    assert enter(None, codes[0]) == upgraded
    assert finish(batch_size=4) == "recovery codes: 9 converted; the old form is refused now.\n"
    assert all(text.startswith(SEALED) for text in stored())
    assert enter(None, codes[0]) is None
    assert enter(None, codes[1]) == upgraded
    RecoveryCode.objects.update(code=plain, used_at=None)
    assert enter(None, codes[1]) is None
    assert finish() == "The upgrade is already finished.\n"
    new = generate_recovery_codes(upgraded)
    assert all(text.startswith(SEALED) for text in stored())
    assert enter(None, new[0]) == upgraded


def test_the_command_is_interrupted(upgraded):
    """Half-way both forms are read, new sets are encrypted, and a second run does the rest."""
    codes = generate_recovery_codes(upgraded)
    run = STEPS[upgrades.RECOVERY_CODES](4)
    assert [next(run).done for _ in range(2)] == [0, 4]
    run.close()
    assert [enter(None, codes[number]) for number in (0, 9)] == [upgraded] * 2
    generate_recovery_codes(make_user(2))
    assert sum(text.startswith(SEALED) for text in stored()) == 4 + 1 + 10
    assert "recovery codes: 5 converted" in finish()
    assert upgrades.recorded() == []


def test_a_set_that_is_written_meanwhile(upgraded):
    """A transaction that has begun to write the plain form: the command waits, and converts it."""
    if connection.vendor == "sqlite":
        pytest.skip("a second writer waits for the whole transaction")
    codes: list[str] = []

    def generate() -> None:
        with transaction.atomic():
            codes.extend(generate_recovery_codes(upgraded))

    race([generate, finish, generate])
    assert upgrades.recorded() == []
    assert all(text.startswith(SEALED) for text in stored())
    assert enter(None, codes[-1]) == upgraded or enter(None, codes[0]) == upgraded


def test_keys_rotate_before_the_upgrade_is_finished(upgraded, settings):
    """The state is encrypted again too, so the plain form stays accepted, and stays as it is."""
    codes = generate_recovery_codes(upgraded)
    plain = stored()
    # The seal of another step is not a ciphertext.
    PendingUpgrade.objects.create(name=unrecorded.NAME)
    configure(settings, OTP_ENCRYPTION_KEYS=[K2])
    *_, progress = rotate_keys()
    # The authenticator and the state.
    assert (progress.total, progress.rotated, progress.unreadable) == (2, 2, {})
    assert stored() == plain
    assert [each.total for each in rotate_keys()] == [0]
    PendingUpgrade.objects.get(name=unrecorded.NAME).delete()
    assert PendingUpgrade.objects.get().seal.split(".")[1] == keyring().primary_id
    assert enter(None, codes[0]) == upgraded
    assert remaining_recovery_codes(upgraded) == 9


@pytest.mark.user_model("ours")
def test_the_migration_can_be_undone_and_done_again(user):
    """On the tables of the version before; what was accepted before is accepted after."""
    codes = generate_recovery_codes(user)
    hashes = [recovery_codes._open(row, plain=False) for row in RecoveryCode.objects.all()]
    for row, hashed in zip(RecoveryCode.objects.all(), hashes, strict=True):
        RecoveryCode.objects.filter(pk=row.pk).update(code=hashed)
    call_command("migrate", "swap_user", "0002", verbosity=0)
    try:
        assert "swap_user_pendingupgrade" not in connection.introspection.table_names()
        assert database_check_upgrade(None, databases=["default"]) == []  # not migrated
    finally:
        call_command("migrate", "swap_user", verbosity=0)
    upgrades._finished.clear()
    assert upgrades.recorded() == ["recovery codes"]
    assert enter(None, codes[0]) == user


@pytest.mark.requirement("R33")
def test_nothing_to_probe_during_an_upgrade(upgraded, settings):
    """As many decryptions, hashes and queries with plain and encrypted codes, and with none."""
    configure(settings, OTP_DISPATCHER="tests.work.RecordingDispatcher")
    generate_recovery_codes(upgraded)
    other = make_user(2)
    generate_recovery_codes(other)
    for row in RecoveryCode.objects.filter(user=other).order_by("pk")[:7]:
        recovery_codes.reseal(row)
        row.save()
    make_user(3)
    assert enter(None, "0" * 16, username(9)) is None  # what is made up is made once
    seen = []
    for number in (1, 2, 3, 4):  # plain codes, both forms, no codes, nobody
        with observed() as work:
            assert enter(None, "0" * 16, username(number)) is None
        seen.append(([without_names(each) for each in work.queries], work.commands, work.done))
    assert all(each == seen[0] for each in seen)
    assert seen[0][2]["AES-GCM"] == 10 + 1  # and the state of the upgrade


def without_names(sql: str) -> str:
    return re.sub(r"user\d@example.com|\+49\d+|user\d", "?", sql)


# --- The check ------------------------------------------------------------------------------------


def messages(**options: Any) -> list[str | None]:
    return [each.id for each in checks.run_checks(**options) if "W012" in (each.id or "")]


def test_w012_the_upgrade_is_not_finished(upgraded, django_assert_num_queries):
    """Reported where a check may ask the database, and gone when the command has run."""
    assert messages(databases=["default"]) == ["swap_user.W012"]
    if django.VERSION < (6, 1):  # since then, a single alias may not have been named
        assert deploy_check_upgrade(None, databases=["default"]) == []  # reported once
    assert deploy_check_upgrade(None, databases=["other"]) == []
    assert [each.id for each in deploy_check_upgrade(None)] == ["swap_user.W012"]
    assert "swap_user.W012" in messages(include_deployment_checks=True)
    (message,) = database_check_upgrade(None, databases=["default"])
    assert "recovery codes" in message.msg
    assert "finish_otp_upgrade" in str(message.hint)
    with django_assert_num_queries(0):
        assert messages() == []
    finish()
    assert messages(databases=["default"]) == []
