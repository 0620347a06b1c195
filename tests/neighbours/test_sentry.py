"""An error tracker that keeps the local variables of every frame sees no code and no secret."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from tests.neighbours.projects import run_project
from tests.user_models import UserModel

pytestmark = [
    pytest.mark.neighbour("sentry-sdk"),
    pytest.mark.requirement("R54"),
    pytest.mark.skipif(find_spec("sentry_sdk") is None, reason="sentry-sdk is not installed"),
    pytest.mark.skipif(
        UserModel._meta.label != "swap_to_email_otp.EmailOTPUser", reason="one model is enough"
    ),
]


EVENTS = """
import json
import sentry_sdk
from sentry_sdk.transport import Transport

events = []


class Memory(Transport):
    # Keeps what sentry-sdk would send.
    def capture_envelope(self, envelope):
        if event := envelope.get_event():
            events.append(event)


def functions(event):
    found = []
    for value in event["exception"]["values"]:
        found += [frame["function"] for frame in value["stacktrace"]["frames"]]
    return found
"""

SITE = """
from django.core.management import call_command
from django.test import Client

call_command("migrate", verbosity=0)
from swap_user.testing import log_in, outbox
from tests.support import make_user, username
"""


def test_one_server_error_on_the_code_page(shared_redis: Any) -> None:
    """With sentry-sdk's defaults: a 500 after the code was compared. The body is masked too."""
    said = run_project(
        "",
        EVENTS
        + """
sentry_sdk.init(dsn="https://key@example.com/1", transport=Memory)
"""
        + SITE
        + """
from swap_user.otp.verification import consumption


def fails(*args, **kwargs):
    raise RuntimeError("forced")


make_user(is_staff=True)
client = Client(raise_request_exception=False)
client.post("/admin/login/", {"username": username()})
code = str(outbox[-1].otp)
consumption.consume = fails
said["status"] = client.post("/admin/check-otp/", {"otp": code}).status_code
(event,) = events
said["functions"] = functions(event)
said["body"] = event["request"]["data"]["otp"]
said["times"] = json.dumps(event, default=repr).count(code)
""",
    )
    assert said["status"] == 500
    assert {"_verify_code", "authenticate", "form_valid"} <= set(said["functions"])
    assert "***" in said["body"]
    assert said["times"] == 0


# Every function of the package that a step calls fails at the last line that it runs, when it has
# all of its local variables; one function after the other.
FAIL_EVERYWHERE = r"""
import collections, io, logging, os, re, sys, time
from unittest.mock import patch

import swap_user
from sentry_sdk.scrubber import EventScrubber

# Stricter than the defaults: nothing is scrubbed by its name, and personal data are kept.
sentry_sdk.init(
    dsn="https://key@example.com/1", transport=Memory, send_default_pii=True,
    event_scrubber=EventScrubber(denylist=[], pii_denylist=[]), attach_stacktrace=True,
    max_value_length=100_000,
)
logging.getLogger("django.request").setLevel(logging.CRITICAL)
"""

STEPS = r"""
from django.conf import settings
from django.core.cache import cache
from swap_user.otp.authenticators import recovery_codes
from swap_user.otp.crypto import hotp
from swap_user.otp.masked import Masked, reveal
from swap_user.otp.store import scripts
from tests.support import RFC_SECRET, give

PACKAGE = os.path.dirname(swap_user.__file__)
user = make_user(is_staff=True, is_superuser=True)
known, terminal = set(), io.StringIO()  # all that must not be seen


class Forced(Exception):
    pass


class Watch:
    # Keep what the package makes, so that it can be looked for.
    def __init__(self, module, name):
        self.call = getattr(module, name)
        setattr(module, name, self)

    def __call__(self, *args, **kwargs):
        made = self.call(*args, **kwargs)
        for text in made if isinstance(made, list) else [made]:
            known.add(reveal(text))
            known.add(reveal(text).replace("-", ""))
        return made


Watch(hotp, "generate_secret")
Watch(recovery_codes, "generate_recovery_codes")


def fresh(logged_in=False, asked=False):
    cache.clear()
    outbox.clear()
    client = Client(raise_request_exception=False)
    if logged_in:
        log_in(client, user)
    if asked:
        client.post("/admin/login/", {"username": username()})
        known.add(outbox[-1].otp)
    return client


def enter(text):
    masked = Masked(text)  # sentry-sdk sees the frames of this test too

    def act(client):
        known.update([reveal(masked), reveal(masked).replace("-", "")])
        return client.post(CHECK, {"otp": masked})

    return act


def with_recovery_code():
    client = fresh(asked=True)
    client.code = reveal(recovery_codes.generate_recovery_codes(user)[0])
    return client


def adding(client):
    page = client.post("/admin/sign-in-methods/add/", {"name": "x"}, follow=True).content.decode()
    client.secret = re.search(r"secret=([A-Z2-7]+)", page)[1]
    known.add(client.secret)
    return client


def command(client):
    def app(prompt):
        secret = Masked(re.search(r"the secret ([A-Z2-7]+)", terminal.getvalue())[1])
        code = hotp.code_at(secret, 0)
        known.update([reveal(secret), reveal(code)])
        return reveal(code)

    terminal.seek(0), terminal.truncate()
    with patch("builtins.input", app):
        try:
            call_command("enroll_authenticator", username(), "--type=hotp", stdout=terminal)
        except Forced:
            sentry_sdk.capture_exception()


def with_app_code():
    client = fresh(asked=True)
    client.code = reveal(hotp.code_at(RFC_SECRET, hotp.time_step(time.time())))
    return client


def with_code_to_add():
    client = adding(fresh(logged_in=True))
    client.code = reveal(hotp.code_at(client.secret, hotp.time_step(time.time())))
    return client


def send(address):
    def act(client):
        known.update([client.code, client.code.replace("-", "")])
        return client.post(address, {"otp": Masked(client.code)})

    return act


CHECK, ADD = "/admin/check-otp/", "/admin/sign-in-methods/add/?confirm"
STEPS = {
    "ask": (fresh, lambda client: client.post("/admin/login/", {"username": username()})),
    "sent code": (
        lambda: fresh(asked=True),
        lambda client: client.post(CHECK, {"otp": Masked(outbox[-1].otp)}),
    ),
    "wrong code": (lambda: fresh(asked=True), enter("482915")),
    "odd code": (lambda: fresh(asked=True), enter("hunter2 is no code")),
    "wrong recovery code": (lambda: fresh(asked=True), enter("7K2M-9QXD-0VBE-3HJT")),
    "recovery code": (
        with_recovery_code,
        send(CHECK),
    ),
    "app code": (with_app_code, send(CHECK)),
    "resend": (
        lambda: fresh(asked=True), lambda client: client.post("/admin/resend-otp/")
    ),
    "begin to add": (
        lambda: fresh(logged_in=True),
        lambda client: client.post("/admin/sign-in-methods/add/", {"name": "x"}, follow=True),
    ),
    "add": (with_code_to_add, send(ADD)),
    "wrong code of an app": (
        lambda: adding(fresh(logged_in=True)),
        lambda client: known.add("482915") or client.post(ADD, {"otp": Masked("482915")}),
    ),
    "recovery codes": (
        lambda: fresh(logged_in=True),
        lambda client: client.post("/admin/sign-in-methods/recovery-codes/", follow=True),
    ),
    "command": (fresh, command),
}


def reset():
    known.clear()
    known.add(RFC_SECRET)
    from swap_user.models import Authenticator, MessageCount, RecoveryCode, WrongGuess

    for model in (Authenticator, MessageCount, RecoveryCode, WrongGuess):
        model.objects.all().delete()
    give(user)
    user.refresh_from_db()


def trace(seen, wanted=None, last=0):
    # Note the functions and how many lines their first calls run, or let one fail at its last line.
    running = {}

    def local(frame, event, argument):
        code = frame.f_code
        if event == "line" and running.get(code) is frame:
            seen[code] += 1
            if code is wanted and seen[code] == last:
                raise Forced("forced")
        return local

    def start(frame, event, argument):
        file, code = frame.f_code.co_filename, frame.f_code
        # Not what the test itself uses, that is the masked text and the outbox, nor the pool, whose
        # callers would wait for a job that it has lost, nor what holds a lock, which would not be
        # released when the last line that runs is the end of the `with`.
        if not file.startswith(PACKAGE) or file.endswith(("masked.py", "thread_pool.py")):
            return None
        if file.startswith(PACKAGE + "/testing/"):
            return None
        if any("lock" in name for name in code.co_names):
            return None
        if code not in seen:
            seen[code], running[code] = 0, frame
        return local

    return start


def run(name, wanted=None, last=0):
    prepare, act = STEPS[name]
    reset()
    client, seen = prepare(), {}
    events.clear()
    sys.settrace(trace(seen, wanted, last))
    try:
        act(client)
    finally:
        sys.settrace(None)
    return seen


leaks, failed, times = [], {}, collections.Counter()
for name in STEPS:
    for code, last in run(name).items():
        times[code] += 1
        if times[code] > 2:  # twice is enough to see it fail at different depths
            continue
        run(name, code, last)
        for event in events:
            event.get("request", {}).pop("data", None)  # the body has a scrubber, see the docs
        # Without the microseconds of the log, which may be the digits of a code.
        text = re.sub(r"\.\d{6}Z", "", json.dumps(events, default=repr))
        if any(code.co_name in functions(event) for event in events if "exception" in event):
            failed.setdefault(name, []).append(code.co_name)
        for secret in known:
            if found := re.search(rf"(?<![0-9A-Za-z]){re.escape(secret)}(?![0-9A-Za-z])", text):
                where = f"{code.co_filename}:{code.co_firstlineno} {code.co_name}"
                leaks.append([name, where, text[max(found.start() - 200, 0) : found.end() + 100]])
                break
said["leaks"], said["failed"] = leaks, failed
"""


LOCAL_MAIL = """
import django
if django.VERSION < (6, 1):
    ours["EMAIL_BACKEND"] = "django.core.mail.backends.locmem.EmailBackend"
else:
    ours["MAILERS"] = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
"""


def test_an_error_at_every_depth(shared_redis: Any) -> None:
    """Whichever function fails, on whichever page: no event contains a code or a secret."""
    said = run_project(LOCAL_MAIL, EVENTS + FAIL_EVERYWHERE + SITE + STEPS)
    assert said["leaks"] == [], "\n".join(map(str, said["leaks"]))
    # It is no test unless functions of all depths have failed where sentry-sdk saw it.
    failed = {name: set(functions) for name, functions in said["failed"].items()}

    assert {"normalize", "verify", "choose", "form_valid"} <= failed["sent code"]
    assert {"at", "decrypt", "open_secret", "_computed"} <= failed["sent code"]
    assert {"authenticate", "verify", "far_ahead"} <= failed["wrong code"]
    assert {"consume_recovery_code", "_verify_recovery_code", "_hash"} <= failed["recovery code"]
    assert {"_picture", "secret", "qr_svg"} <= failed["begin to add"]
    assert {"confirm", "end"} <= failed["add"]
    assert {"confirm", "ask_code"} <= failed["wrong code of an app"]
    assert {"make_set", "save", "load", "_random_code"} <= failed["recovery codes"]
    assert {"_write", "_confirm", "write"} <= failed["command"]
    assert sum(map(len, failed.values())) > 200


def test_a_sender_that_raises(shared_redis: Any) -> None:
    """In a delivery thread; it reports its own errors, and ours are in the log."""
    said = run_project(
        """
ours["SWAP_USER"] = {
    "OTP_SENDER_CLASS": "failing.Sender",
    "OTP_SEND_ATTEMPTS": 1,
}
import tempfile
ours["DATABASES"]["default"]["NAME"] = tempfile.mkstemp(suffix=".sqlite3")[1]
""",
        EVENTS
        + """
sentry_sdk.init(dsn="https://key@example.com/1", transport=Memory, attach_stacktrace=True)
"""
        + SITE.replace("verbosity=0)", "verbosity=0)\nimport failing")
        + """
from swap_user.testing import wait_for_deliveries

make_user(is_staff=True)
Client().post("/admin/login/", {"username": username()})
assert wait_for_deliveries()
said["functions"] = [functions(event) for event in events if "exception" in event]
said["logged"] = json.dumps([event["logentry"] for event in events if "logentry" in event])
said["times"] = json.dumps(events, default=repr).count(failing.codes[0])
""",
        {
            "failing.py": """
import sentry_sdk
from swap_user.otp.senders import AbstractSMSOTPSender

codes = []


class Sender(AbstractSMSOTPSender):
    def send(self, receiver, otp, **kwargs):
        codes.append("".join(otp))
        try:
            super().send(receiver, otp, **kwargs)
        except RuntimeError:
            sentry_sdk.capture_exception()
            raise

    def send_text(self, receiver, text):
        raise RuntimeError("the provider is down")
"""
        },
    )
    assert ["send", "send_text"] in [each[-2:] for each in said["functions"]]
    assert "code not sent" in said["logged"]
    assert said["times"] == 0
