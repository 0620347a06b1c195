"""Import paths of the alpha still work, and say where the module is now."""

import sys
from importlib import import_module

import pytest
from django.utils.module_loading import import_string

from swap_user import moved
from swap_user.checks.configuration import check_moved
from tests import ROOT


@pytest.fixture(autouse=True)
def _not_imported_yet(monkeypatch):
    for old in moved.MOVED:
        monkeypatch.delitem(sys.modules, old, raising=False)


@pytest.mark.parametrize(("old", "new"), moved.MOVED.items())
def test_old_module(old, new):
    """The old module offers the same objects, with a warning that names the new public place."""
    folders = {path.name for path in (ROOT / "swap_user/otp").iterdir() if path.is_dir()}
    is_private = new.split(".")[:2] == ["swap_user", "otp"] and new.split(".")[2] in folders
    place = "swap_user.otp" if is_private else new
    with pytest.warns(DeprecationWarning, match=rf"{old} has moved to {place}\.$"):
        module = import_module(old)
    names = [name for name in vars(import_module(new)) if not name.startswith("__")]
    assert names
    assert all(getattr(module, name) is getattr(import_module(new), name) for name in names)


def test_migrations_of_subclasses():
    """makemigrations wrote these into the migrations of subclassed user models."""
    with pytest.warns(DeprecationWarning, match="has moved"):
        from swap_user.fields import NormalizedEmailField
    from swap_user.users import fields

    assert NormalizedEmailField is fields.NormalizedEmailField
    with pytest.warns(DeprecationWarning, match="has moved"):
        stamp = import_string("swap_user.base_models.new_security_stamp")
    assert len(stamp()) == 32


@pytest.mark.parametrize(
    ("old", "name"),
    [
        ("swap_user.otp.recovery.remaining", "remaining_recovery_codes"),
        ("swap_user.otp.reset.reset", "reset_user"),
        ("swap_user.otp.revocation.remove", "remove_authenticator"),
        ("swap_user.otp.rotation.rotate", "rotate_keys"),
        ("swap_user.otp.sessions.end_sessions", "end_sessions"),
        ("swap_user.otp.sessions.is_fresh", "is_fresh"),
    ],
)
def test_functions_with_a_new_name(old, name):
    """Functions that the alpha documented under a deep path are names of swap_user.otp."""
    from swap_user import otp

    with pytest.warns(DeprecationWarning, match="has moved"):
        assert import_string(old) is getattr(otp, name)


def test_other_modules_stay_missing():
    """A module that never existed is not found, and neither is an unknown name."""
    with pytest.raises(ModuleNotFoundError):
        import_module("swap_user.otp.nothing")
    with pytest.raises(ImportError):
        import_string("swap_user.otp.sessions.nothing")
    with pytest.warns(DeprecationWarning, match="has moved"), pytest.raises(ImportError):
        import_string("swap_user.otp.reset.nothing")


def test_installed_once():
    """A reload of the package adds no second finder."""
    before = list(sys.meta_path)
    moved.install()
    assert sys.meta_path == before


def test_w011(settings):
    """A path in the settings is reported with its successor."""
    settings.SWAP_USER = {"OTP_DISPATCHER": "swap_user.otp.dispatch.InlineDispatcher"}
    (message,) = check_moved(None)
    assert message.id == "swap_user.W011"
    assert "swap_user.otp.dispatchers.InlineDispatcher" in message.hint
    settings.SWAP_USER = {}
    assert check_moved(None) == []
