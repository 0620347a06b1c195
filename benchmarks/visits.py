"""Visit the login pages with known and unknown usernames, while a slow server takes the mails."""

from __future__ import annotations

import gc
import io
import random
import time
from typing import Any
from urllib.parse import urlencode

from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory
from django.utils.crypto import get_random_string

from benchmarks.contestants import SECRET, User, address
from benchmarks.telling import Visit
from swap_user.models import Authenticator
from swap_user.otp.authenticators.secrets import seal
from swap_user.otp.background import lanes, lifecycle, thread_pool

WARM_UP = 20
LOGIN, CHECK = "/admin/login/", "/admin/check-otp/"

# No code here has eight digits, so this one is always wrong.
WRONG = "12345678"

# Maximum pause of a visitor between both pages, in seconds: long enough to overlap a delivery.
LONGEST_PAUSE = 0.3


class Site:
    """The WSGI application, called as a server calls it."""

    def __init__(self) -> None:
        self.handle = WSGIHandler()
        self.requests: Any = RequestFactory()

    def post(self, path: str, data: dict[str, str], visitor: dict[str, str]) -> tuple[int, str]:
        """
        Post a form.

        Args:
            path: the path of the page.
            data: the form fields.
            visitor: the visitor's address and cookies. Cookies of the response are added to it.

        Returns:
            The time until the response in nanoseconds, and its status.
        """
        cookies = {key: value for key, value in visitor.items() if key != "address"}
        body = urlencode({**data, "csrfmiddlewaretoken": cookies["csrftoken"]}).encode()
        environ = self.requests._base_environ(
            PATH_INFO=path,
            REQUEST_METHOD="POST",
            CONTENT_TYPE="application/x-www-form-urlencoded",
            CONTENT_LENGTH=str(len(body)),
            HTTP_COOKIE="; ".join(f"{key}={value}" for key, value in cookies.items()),
            REMOTE_ADDR=visitor["address"],
        )
        environ["wsgi.input"] = io.BytesIO(body)
        answer: list[Any] = []
        started = time.perf_counter_ns()
        response = self.handle(environ, lambda *args: answer.extend(args))
        b"".join(response)
        taken = time.perf_counter_ns() - started
        response.close()
        for name, value in answer[1]:
            if name == "Set-Cookie":
                key, _, rest = value.partition("=")
                visitor[key] = rest.partition(";")[0]
        return taken, answer[0]


def visits(number: int, *, seed: int = 1) -> list[Visit]:
    """
    Return the times of ``number`` pairs of visitors.

    Args:
        number: number of measured pairs. Some warm-up pairs visit first.
        seed: seed of the random order within pairs, and of the pauses.
    """
    site, draw, found = Site(), random.Random(seed), []
    names = _accounts(number + WARM_UP)
    gc.collect()
    gc.freeze()
    gc.disable()
    for index, (known, unknown) in enumerate(names):
        if index % 25 == 0:
            gc.collect()
        # Wait until a thread is free: a delivery that waits for a thread does not overlap a visit.
        while lifecycle.current().unfinished >= lanes.share(thread_pool.WORKERS):
            time.sleep(0.005)
        pause = draw.uniform(0, LONGEST_PAUSE) if index % 4 > 1 else 0.0
        order = [known, unknown]
        draw.shuffle(order)
        times = {name: _visit(site, name, pause) for name in order}
        if index >= WARM_UP:
            ask, check = zip(times[known], times[unknown], strict=True)
            found.append(Visit(ask=ask, check=check, app=index % 2 == 1, pause=pause))
    gc.enable()
    return found


def _visit(site: Site, name: str, pause: float) -> tuple[int, int]:
    """Request a code, enter a wrong one, and return the times of both in nanoseconds."""
    visitor = {"address": address(), "csrftoken": get_random_string(32)}
    asked, status = site.post(LOGIN, {"username": name}, visitor)
    assert status.startswith("302"), status
    time.sleep(pause)
    checked, status = site.post(CHECK, {"otp": WRONG}, visitor)
    assert status.startswith("200"), status
    return asked, checked


def _accounts(number: int) -> list[tuple[str, str]]:
    """
    Create users with sent codes, every second one also with an authenticator app.

    Returns:
        Pairs of the username of a user and an unknown username.
    """
    field = User.USERNAME_FIELD
    names = [f"{get_random_string(12).lower()}@example.com" for _ in range(2 * number)]
    known, unknown = names[:number], names[number:]
    users = User._default_manager.bulk_create(
        [User(**{field: name, "email": name, "is_staff": True}) for name in known]
    )
    rows = [
        Authenticator(pk=Authenticator.sent_id(user.pk), user=user, type="sent") for user in users
    ]
    rows += [Authenticator(user=user, type="totp", name="phone") for user in users[1::2]]
    for row in rows:
        seal(row, SECRET)
    Authenticator.objects.bulk_create(rows)
    return list(zip(known, unknown, strict=True))
