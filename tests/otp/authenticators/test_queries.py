"""The kept queries of a login equal those of the ORM, whatever the user model."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests import ROOT

FOLDER = "tests.otp.authenticators.odd_models"

# For each model, whether its SELECT is kept. A manager of the project may change it at any time.
MODELS = {
    "Plain": True,
    "UUIDKey": True,
    "DBColumn": True,
    "JSON": True,
    "Number": True,
    "Generated": True,
    "Converted": True,
    "ConvertedName": True,
    "Proxy": True,
    "Tables": True,
    "Keyed": True,
    "Managed": False,
    "Querysetted": False,
    "Picky": True,
}
PARAMETERS = [
    model
    if model in ("Plain", "UUIDKey", "Managed")
    else pytest.param(model, marks=pytest.mark.heavy)
    for model in (*MODELS, "Plain, routed")
]


@pytest.fixture(scope="module", params=PARAMETERS)
def compared(request: pytest.FixtureRequest, shared_redis: Any) -> dict[str, Any]:
    """The result of a process with this user model."""
    model, _, routed = request.param.partition(", ")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": f"{FOLDER}.settings",
        "ODD_MODEL": model,
        "ODD_ROUTER": routed,
        "ODD_REDIS": shared_redis.url,
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-m", f"{FOLDER}.compare"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {"model": model, **json.loads(done.stdout)}


def test_the_same_rows(compared: dict[str, Any]) -> None:
    """Authenticators and users have the same values as those of the ORM."""
    assert compared["kept"] == compared["orm"]
    assert [len(rows) for rows in compared["kept"]] == [2, 2, 0, 0, 0, 0]
    assert compared["counted"] == [9, 7]
    assert compared["is kept"] == MODELS[compared["model"]]


def test_the_same_update(compared: dict[str, Any]) -> None:
    """The mark of one row rises and never falls, as with the ORM."""
    orm, kept = compared["changed"]
    assert kept == orm == [[True, False, False, True], [6, 3]]


@pytest.mark.requirement("R33")
def test_the_same_work_for_unknown_names(compared: dict[str, Any]) -> None:
    """A wrong code costs the same queries and objects whether or not the user exists."""
    known, unknown = compared["known"], compared["unknown"]
    assert known["queries"] == unknown["queries"]
    if compared["model"] == "Picky":
        pytest.skip("no object can be made of a row of default values")
    assert known["calls"] == unknown["calls"]
    # For a wrong guess with a user, Django calls about thirty small functions more than for one
    # without. Newer versions of Python call fewer functions in all.
    assert abs(known["total"] - unknown["total"]) <= known["total"] * 0.04
