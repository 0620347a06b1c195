"""
Print, as JSON, how the kept queries compare with those of the ORM for one user model.

It runs in a process of its own, because a project has one user model.
"""

import json
import sys
import time
from collections import Counter
from typing import Any

import django

# What the SELECT of a login reads beside authenticators and users, and for whom.
COUNTED = ("stranger_units", "known_units", "browser_seen_at")
BROWSER, SINCE = "f" * 32, 1_700_000_000
GIVEN: Any = {"browser": BROWSER, "since": SINCE}


def main() -> None:
    """Give a user the usual two authenticators, and compare."""
    django.setup()
    from django.contrib.auth import authenticate, get_user_model
    from django.core.cache import cache
    from django.core.management import call_command
    from django.db import connections, router
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from swap_user.models import Authenticator, KnownBrowser, WrongGuess
    from swap_user.otp import enroll
    from swap_user.otp.authenticators import queries, updates
    from swap_user.otp.authenticators.secrets import sent_authenticator
    from swap_user.otp.crypto.hotp import code_at, time_step
    from tests.work import without_values

    model: Any = get_user_model()
    alias = router.db_for_write(model)
    call_command("migrate", database=alias, run_syncdb=True, verbosity=0, interactive=False)
    user = model.objects.create(name="ada")
    model.objects.create(name="other")
    enrollment = enroll(user)
    enrollment.confirm(code_at(enrollment.secret, time_step(time.time())))
    sent_authenticator(user)
    Authenticator.objects.update(last_used_at=timezone.now())
    model.objects.update(last_login=timezone.now())
    # Wrong guesses of strangers and of known browsers, and one that does not count any more.
    for owner, at, units, is_known in (
        (user, SINCE + 1, 4, False),
        (user, SINCE + 2, 5, False),
        (user, SINCE + 2, 7, True),
        (user, SINCE, 11, False),
        (None, SINCE + 1, 13, False),
    ):
        WrongGuess.objects.create(user=owner, at=at, units=units, is_known=is_known)
    KnownBrowser.objects.create(user=user, browser=BROWSER)
    KnownBrowser.objects.create(user=user, browser="other")

    def described(row: Any) -> Any:
        fields = [(each.attname, repr(getattr(row, each.attname))) for each in row._meta.fields]
        state = [row._state.db, row._state.adding, sorted(row.get_deferred_fields())]
        counted = [repr(getattr(row, name, "-")) for name in COUNTED]
        return [type(row).__name__, fields, state, counted]

    def rows(found: Any) -> Any:
        return sorted([described(row), described(row.user)] for row in found)

    asked = [
        (name, {**GIVEN, "browser": browser})
        for name in ("ada", "other", "unknown")
        for browser in (BROWSER, "")
    ]
    kept = [rows(queries.AuthenticatorQuery(name, **given).run()) for name, given in asked]
    orm = [rows(queries.orm_select(name, **given)) for name, given in asked]
    counted = [getattr(queries.orm_select("ada", **GIVEN)[0], name) for name in COUNTED[:2]]

    first = Authenticator.objects.order_by("pk")[0]
    changed = []

    def raise_mark(*args: Any) -> bool:
        with connections[alias].cursor() as cursor:
            return updates.raise_mark(*args, connections[alias], cursor)

    for update in (updates.orm_update, raise_mark):
        Authenticator.objects.update(consumed=3)
        done = [bool(update(first, counter, {"consumed": counter})) for counter in (5, 5, 4, 6)]
        marks = list(Authenticator.objects.order_by("pk").values_list("consumed", flat=True))
        changed.append([done, marks])

    def wrong_code(name: str) -> None:
        assert authenticate(None, username=name, otp="000000") is None

    def work(name: str) -> Any:
        wrong_code(name)  # once before, so that everything is imported and kept
        cache.clear()
        with CaptureQueriesContext(connections[alias]) as captured:
            wrong_code(name)
        cache.clear()
        calls: Counter[str] = Counter()

        def count(frame: Any, event: str, _: Any) -> None:
            if event == "call":
                calls[frame.f_code.co_name] += 1

        sys.setprofile(count)
        wrong_code(name)
        sys.setprofile(None)
        watched = ("from_db", "from_db_value", "decrypt", "at", "execute")
        return {
            "queries": [without_values(each["sql"]) for each in captured],
            "calls": {key: calls[key] for key in watched},
            "total": sum(calls.values()),
        }

    result = {
        "kept": kept,
        "orm": orm,
        "changed": changed,
        "known": work("ada"),
        "unknown": work("eve"),
        "counted": counted,
        "is kept": queries._columns(alias, model, True).sql is not None,
    }
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
