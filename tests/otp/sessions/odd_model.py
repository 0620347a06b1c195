"""
Print, as JSON, what happens to the sessions of one odd user model.

It runs in a process of its own, because a project has one user model.
"""

import json
from typing import Any

import django


def main() -> None:
    """Log in, change the key, list, change the address, and delete."""
    django.setup()
    from django.contrib.auth import SESSION_KEY, get_user_model, login
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session
    from django.core.management import call_command
    from django.db import router
    from django.http import HttpRequest

    from swap_user.models import LoginSession
    from swap_user.otp import end_sessions, sessions_of
    from swap_user.signals import receiver_changed

    model: Any = get_user_model()
    alias = router.db_for_write(model)
    call_command("migrate", database=alias, run_syncdb=True, verbosity=0, interactive=False)
    user, other = model.objects.create(name="ada"), model.objects.create(name="other")

    def logged_in(who: Any) -> Any:
        request = HttpRequest()
        request.session = SessionStore()
        login(request, who, backend="swap_user.backends.OTPBackend")
        request.session.save()
        return request.session

    one, two, theirs = logged_in(user), logged_in(user), logged_in(other)
    one.cycle_key()
    one.save()
    facts: dict[str, Any] = {
        "listed": sorted(row.session_key for row in sessions_of(user))
        == sorted([one.session_key, two.session_key])
    }
    end_sessions(user)
    stored = Session.objects.using(alias)
    facts["left"] = [row.session_key for row in stored.all()] == [theirs.session_key]
    changes: list[Any] = []
    receiver_changed.connect(lambda previous, **kwargs: changes.append(previous.name), weak=False)
    session = logged_in(user)
    if model._meta.pk.name != "name":
        found = model._base_manager.get(pk=user.pk)
        found.name = "grace"
        found.save()
        facts["changed"] = (changes, SESSION_KEY in SessionStore(session.session_key))
        user = found
    user.delete()
    facts["rows"] = LoginSession.objects.count()
    facts["sessions"] = stored.count()
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
