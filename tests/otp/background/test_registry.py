"""The names of jobs, which queues keep across releases."""

import json
import subprocess
import sys
import time

import pytest
from django.utils.module_loading import import_string

from swap_user.otp import dispatchers
from swap_user.otp.accounts import confirmation_job
from swap_user.otp.background import registry
from swap_user.otp.delivery import events, notices, send_code_job
from swap_user.otp.delivery.send_code_job import CodeJob
from swap_user.testing import outbox
from tests import ROOT
from tests.support import make_user, username

FUNCTIONS = {
    "send_code": send_code_job.deliver_code,
    "send_confirmation": confirmation_job.deliver_confirmation,
    "notify": notices.notify,
    "notify_previous": notices.notify_previous,
    "after_wrong_guess": events.after_wrong_guess,
    "run_in_context": dispatchers.run_in_context,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_names(name):
    """Each is short, and found both ways."""
    assert registry.named(name) is FUNCTIONS[name]
    assert registry.name_of(FUNCTIONS[name]) == name


def test_every_name_is_of_a_function():
    """And each function has one of the names above."""
    for name in registry.JOBS:
        assert registry.name_of(registry.named(name)) in FUNCTIONS


@pytest.mark.parametrize(
    ("former", "name"),
    [
        ("swap_user.otp.delivery_job.deliver", "send_code"),
        ("swap_user.otp.notices.tell", "notify"),
        ("swap_user.otp.notices.tell_exhausted", "after_wrong_guess"),
        ("notify_guesses_exhausted", "after_wrong_guess"),
    ],
)
def test_former_names(former, name):
    """What a queue holds since before an upgrade runs."""
    assert registry.named(former) is FUNCTIONS[name]


@pytest.mark.parametrize("path", ["os.system", "swap_user.otp.send_code", *FUNCTIONS.values(), ""])
def test_nothing_else_is_a_job(path):
    """Not even the path of a job, and nothing is imported."""
    path = path if isinstance(path, str) else f"{path.__module__}.{path.__qualname__}"
    with pytest.raises(LookupError, match="not a job"):
        registry.named(path)


def test_another_function_has_no_name():
    """For the log it has its path."""
    assert registry.name_of(json.dumps) == "json.dumps"


KNOWN = {"name": "a", "flow": None, "browser": "a1b2"}


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "is_urgent"),
    [
        ("send_code", [], KNOWN, True),
        ("send_code", [], KNOWN | {"browser": ""}, False),
        ("send_code", ["a", None], {"counter": 1}, False),
        ("run_in_context", [{"schema": "b"}, "send_code", [], KNOWN], {}, True),
        ("run_in_context", ["b", "send_code", [], KNOWN | {"browser": ""}], {}, False),
        ("run_in_context", ["b", "notify", ["1", "x", None], {"browser": "a1b2"}], {}, False),
        ("notify", ["1", "new_browser_login", None], {"browser": "a1b2"}, False),
        ("after_wrong_guess", ["a"], {}, False),
    ],
)
def test_what_is_urgent(name, args, kwargs, is_urgent):
    """A code that a known browser has asked for, in whichever context."""
    assert registry.is_urgent(FUNCTIONS[name], args, kwargs) is is_urgent


def test_a_function_that_is_no_job_is_not_urgent():
    """Whatever its arguments are."""
    assert not registry.is_urgent(json.dumps, [], KNOWN)


def test_a_worker_finds_them():
    """A process that has done no more than django.setup()."""
    script = (
        "import django; django.setup()\n"
        "from swap_user.otp.background import registry\n"
        "print(*(registry.named(name).__name__ for name in registry.JOBS))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [registry.named(name).__name__ for name in registry.JOBS]


@pytest.mark.django_db
def test_a_job_of_1_0_0a1_sends_its_code():
    """Its arguments, as that version has queued them."""
    make_user()
    kwargs = {
        "counter": 10**6,
        "digits": 6,
        "known": False,
        "expires_at": time.time() + 60,
        "host": "example.com",
        "language": "en",
    }
    registry.named("swap_user.otp.delivery_job.deliver")(username(), None, **kwargs)
    assert [sent.receiver for sent in outbox] == [username()]


def test_the_fields_of_a_request_keep_their_names():
    """And the first two their places."""
    request = CodeJob(
        "a", "b", counter=1, digits=6, expires_at=2.0, host="", language=None, known=True
    )
    assert (request.name, request.flow) == ("a", "b")


def test_paths():
    """The table names what exists."""
    assert {import_string(path) for path in registry.JOBS.values()} == set(FUNCTIONS.values())
