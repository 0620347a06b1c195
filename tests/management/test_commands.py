"""Django's commands on the user models, and the package's own."""

from __future__ import annotations

import getpass
import io

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.core.management.commands import migrate as django_migrate

from swap_user.management.commands.migrate import Command
from swap_user.management.users import get_user
from tests.support import username
from tests.user_models import HAS_PASSWORD, UserModel

KIND = UserModel.USERNAME_FIELD
TYPED = {"email": "USER1@Example.COM", "phone": "+49 151 12345-001"}.get(KIND, "")


class Terminal(io.StringIO):
    """A standard input that looks like a person's."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def typed(monkeypatch):
    """What the person types: a list of lines for the questions, another for the passwords."""
    lines: list[str] = []
    passwords: list[str] = []
    monkeypatch.setattr("builtins.input", lambda question: lines.pop(0))
    # Popping from an empty list fails a test that is asked for a password it doesn't expect.
    monkeypatch.setattr(getpass, "getpass", lambda prompt="": passwords.pop(0))
    return lines, passwords


# --- createsuperuser ------------------------------------------------------------------------------


@pytest.mark.user_model("ours")
@pytest.mark.django_db
def test_createsuperuser_interactive(typed, capsys):
    """It asks for a username until that is a good one, and for a password only if there are any."""
    lines, passwords = typed
    lines += ["", "alice", TYPED]
    if HAS_PASSWORD:
        passwords += ["kZ81!plqX", "kZ81!plqX"]
    call_command("createsuperuser", stdin=Terminal())
    user = UserModel.objects.get_by_natural_key(username())
    assert user.is_superuser
    assert user.has_usable_password() is HAS_PASSWORD
    assert lines == passwords == []
    assert "created successfully" in capsys.readouterr().out


@pytest.mark.user_model("ours")
@pytest.mark.django_db
def test_createsuperuser_interactive_sees_a_duplicate(typed, capsys):
    """A username that is taken in another form is asked for again."""
    UserModel.objects.create_user(username())
    lines, passwords = typed
    lines += [TYPED, username(2)]
    if HAS_PASSWORD:
        passwords += ["kZ81!plqX", "kZ81!plqX"]
    call_command("createsuperuser", stdin=Terminal())
    assert UserModel.objects.get_by_natural_key(username(2)).is_superuser
    assert "already taken" in capsys.readouterr().err


@pytest.mark.user_model("ours")
@pytest.mark.django_db
def test_createsuperuser_noinput(monkeypatch):
    """Without questions, by option or by environment."""
    call_command("createsuperuser", interactive=False, verbosity=0, **{KIND: TYPED})
    monkeypatch.setenv(f"DJANGO_SUPERUSER_{KIND.upper()}", username(2))
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "kZ81!plqX")
    call_command("createsuperuser", interactive=False, verbosity=0)
    users = UserModel.objects.filter(is_superuser=True).order_by("pk")
    assert [user.get_username() for user in users] == [username(1), username(2)]
    assert users[1].check_password("kZ81!plqX") is HAS_PASSWORD


@pytest.mark.user_model("ours")
@pytest.mark.django_db
@pytest.mark.parametrize("name", ["alice", "", TYPED])
def test_createsuperuser_noinput_refuses(name):
    """A username that is bad or taken ends in one line, not in a traceback."""
    UserModel.objects.create_user(username())
    with pytest.raises(CommandError):
        call_command("createsuperuser", interactive=False, verbosity=0, **{KIND: name})


# --- changepassword -------------------------------------------------------------------------------


@pytest.mark.user_model("no password")
@pytest.mark.django_db
def test_changepassword_refuses(typed):
    """On a model without passwords the command ends in one line that says so."""
    UserModel.objects.create_user(username())
    typed[1].extend(["kZ81!plqX", "kZ81!plqX"])
    with pytest.raises(CommandError, match="have no password"):
        call_command("changepassword", username(), stdout=io.StringIO())


@pytest.mark.user_model("ours", "password")
@pytest.mark.django_db
def test_changepassword_works(typed):
    """Where there are passwords it changes them, for a username in any form."""
    UserModel.objects.create_user(username())
    typed[1].extend(["kZ81!plqX", "kZ81!plqX"])
    call_command("changepassword", TYPED, stdout=io.StringIO())
    assert UserModel.objects.get().check_password("kZ81!plqX")


# --- migrate --------------------------------------------------------------------------------------


@pytest.fixture
def migrated(monkeypatch):
    """The options that Django's own migrate was called with, in place of its work."""
    calls: list[dict[str, object]] = []
    monkeypatch.setattr(
        django_migrate.Command, "handle", lambda self, *args, **options: calls.append(options)
    )
    return calls


def _install(monkeypatch, *labels):
    others = {label: app for label, app in apps.app_configs.items() if "swap_to_" not in label}
    monkeypatch.setattr(apps, "app_configs", others | dict.fromkeys(labels, None))


def _migrate(*args, **options):
    output = io.StringIO()
    call_command(Command(), *args, stdout=output, skip_checks=True, **options)
    return output.getvalue()


@pytest.mark.parametrize("label", ["swap_to_email", "swap_to_phone"])
def test_migrate_understands_the_seed_page(monkeypatch, migrated, label):
    """The printed step migrates everything in a project that has the OTP app of that name."""
    _install(monkeypatch, f"{label}_otp")
    output = _migrate(label, plan=True, database="default")
    assert output == f"This project has {label}_otp, not {label}. Migrating all apps.\n"
    assert migrated[0]["app_label"] is None
    assert migrated[0]["plan"] is True
    assert _migrate(label, verbosity=0) == ""


@pytest.mark.parametrize(
    ("installed", "args"),
    [
        (["swap_to_email_otp"], []),
        (["swap_to_email_otp"], ["swap_to_email_otp"]),
        (["swap_to_email_otp"], ["auth"]),
        (["swap_to_email_otp"], ["swap_to_phone"]),
        (["swap_to_email_otp"], ["swap_to_email", "zero"]),
        (["swap_to_email_otp"], ["swap_to_email", "0001"]),
        (["swap_to_email_otp", "swap_to_email"], ["swap_to_email"]),
        (["swap_to_email"], ["swap_to_email"]),
        ([], ["swap_to_email"]),
    ],
)
def test_migrate_is_otherwise_djangos(monkeypatch, migrated, installed, args):
    """In every other case the arguments reach Django's command as they are, in silence."""
    _install(monkeypatch, *installed)
    assert _migrate(*args) == ""
    assert migrated[0]["app_label"] == (args[0] if args else None)
    assert migrated[0]["migration_name"] == (args[1] if args[1:] else None)


def test_migrate_is_the_command_that_runs():
    """manage.py finds it, with Django's arguments."""
    assert get_commands()["migrate"] == "swap_user"
    ours, djangos = load_command_class("swap_user", "migrate"), django_migrate.Command()
    helps = [
        command.create_parser("manage.py", "migrate").format_help() for command in (ours, djangos)
    ]
    assert helps[0] == helps[1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.user_model("no password")
def test_migrate_of_the_seed_page_for_real():
    """It runs to its end on this project."""
    output = io.StringIO()
    call_command("migrate", UserModel._meta.app_label.removesuffix("_otp"), stdout=output)
    assert "Apply all migrations" in output.getvalue()


def test_a_user_with_a_similar_name_is_not_found(db, monkeypatch):
    """A collation that ignores accents returns another user, whom the command must not change."""
    user = UserModel(**{KIND: username()})
    monkeypatch.setattr("swap_user.users.lookup.named", lambda name: [user])
    assert get_user(username()) is user
    with pytest.raises(CommandError, match="There is no user"):
        get_user(username(2))
