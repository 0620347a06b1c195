"""One account, one key: whatever the user model is and however its username is typed."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests import ROOT

FOLDER = "tests.users.own_models"
MODELS = [
    "Phone",
    "Phone, INTERNATIONAL",
    "OldPhone",
    "Lowered",
    "Prepared",
    "Number",
    "Identifier",
    "Related",
    "RelatedByNumber",
    "IExact",
    "IExactEmail",
    "NoCase",
    "HandMade",
    "Umlaut",
    "Ascii",
    "Office",
    "Legacy",
]

pytestmark = pytest.mark.requirement("R42")


@pytest.fixture(scope="module", params=MODELS)
def attacked(request: pytest.FixtureRequest, shared_redis: Any) -> dict[str, Any]:
    """What happened in a process with this user model."""
    model, _, phone_format = request.param.partition(", ")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": f"{FOLDER}.settings",
        "OWN_MODEL": model,
        "OWN_PHONE_FORMAT": phone_format or "E164",
        "OWN_REDIS": shared_redis.url,
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-m", FOLDER],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {"model": model, **json.loads(done.stdout)}


def test_every_spelling_logs_in(attacked: dict[str, Any]) -> None:
    """A code that was asked for under one spelling is right under another."""
    assert all(attacked["logins"]), attacked["logins"]


def test_codes_go_to_the_stored_address(attacked: dict[str, Any]) -> None:
    """Codes are sent to the stored username, a phone number in E.164 format."""
    assert attacked["receiver"] == attacked["stored"]


def test_every_spelling_passes_the_form(attacked: dict[str, Any]) -> None:
    """The login page accepts every spelling of a stored username."""
    assert set(attacked["pages"]) == {302}


def test_spellings_share_their_guesses(attacked: dict[str, Any]) -> None:
    """Ninety guesses under all spellings: no more are looked at than under one."""
    assert 0 < attacked["looked at"] <= 16
    assert attacked["looked at"] == attacked["unknown looked at"]


def test_spellings_share_their_known_browsers(attacked: dict[str, Any]) -> None:
    """A browser is known under every spelling, and is unknown after the sessions are ended."""
    assert attacked["known browser"] == [True, False]


def test_reset_lifts_the_limits(attacked: dict[str, Any]) -> None:
    """reset_otp finds the user and lifts the limits that were reached."""
    assert attacked["reset"] is True


def test_password_and_code(attacked: dict[str, Any]) -> None:
    """With the policy Both, the right password and the right code log in."""
    assert all(attacked["both"]), attacked["both"]


@pytest.mark.requirement("R33")
def test_unknown_names_do_the_same_work(attacked: dict[str, Any]) -> None:
    """A wrong code makes as many calls for an unknown username."""
    known, unknown = attacked["known"], attacked["unknown"]
    assert abs(known - unknown) <= known * 0.04
