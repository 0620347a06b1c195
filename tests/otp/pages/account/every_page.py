"""Every own page in each state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client

from swap_user.models import AddressChange
from swap_user.otp import generate_recovery_codes
from swap_user.otp.delivery import not_me, undo_link
from swap_user.testing import log_in, outbox
from tests.support import give, username

OWN = "/account/"
METHODS, CHECK, STEP_UP = f"{OWN}sign-in-methods/", f"{OWN}check-otp/", f"{OWN}step-up/"
ADD = f"{METHODS}add/"
CHANGE, SIGN_UP = f"{OWN}change-username/", f"{OWN}sign-up/"
NEW = {"username": username(2)}


class Visit:
    """A visitor of the own pages, who may have logged in."""

    def __init__(self, user: Any, clock: Any) -> None:
        self.user, self.clock, self.client = user, clock, Client()
        self.get, self.post = self.client.get, self.client.post

    def inside(self) -> Visit:
        self.user.refresh_from_db()  # other visits may have changed the security stamp
        log_in(self.client, self.user)
        return self

    def ask(self) -> Visit:
        self.post(f"{OWN}login/", {"username": username()})
        return self

    def later(self, seconds: float) -> Visit:
        self.clock.shift(seconds)
        return self

    def one(self, page: str) -> str:
        return f"{METHODS}{give(self.user, name='One').pk}/{page}/"

    def shown(self, data: dict[str, str] | None = None) -> Any:
        """Begin to add an app, and perhaps give a code."""
        begun = self.inside().post(ADD, {"name": "One"}, follow=True)
        return begun if data is None else self.post(f"{ADD}?confirm", data)

    def everything(self) -> Any:
        """Have an app with a name and one without, recovery codes and a known browser."""
        self.post(CHECK, {"otp": code_of(self)})
        give(self.user, name="One")
        give(self.user)
        generate_recovery_codes(self.user)
        return self.get(METHODS)


def code_of(visit: Visit) -> str:
    visit.ask()
    return outbox[-1].otp


def not_me_url(visit: Visit) -> str:
    return f"{OWN}not-me/?token={not_me.sign(visit.user)}"


def undo_url(visit: Visit, *, needs_code: bool = False, current: int = 1) -> str:
    """The link in the notice of a change of address."""
    change = AddressChange.objects.create(
        user=visit.user,
        previous=username(2),
        current=username(current),
        needs_code=needs_code,
        with_factor=needs_code,
    )
    return undo_link.link(f"{OWN}change-username/undo/", visit.user, "en", change.pk)


Page = Callable[[Visit], Any]

PAGES: dict[str, Page] = {
    "login": lambda visit: visit.get(f"{OWN}login/"),
    "login, error": lambda visit: visit.post(f"{OWN}login/", {"username": ""}),
    "code": lambda visit: visit.ask().get(CHECK),
    "code, error": lambda visit: visit.ask().post(CHECK, {"otp": "000000"}),
    "code, expired": lambda visit: visit.ask().later(301).get(CHECK),
    "step-up": lambda visit: visit.inside().later(3600).get(STEP_UP),
    "step-up, sent": lambda visit: visit.inside().later(3600).post(STEP_UP, follow=True),
    "step-up, error": lambda visit: visit.inside().later(3600).post(STEP_UP, {"otp": "0"}),
    "logged out": lambda visit: visit.inside().post(f"{OWN}logout/"),
    "not me": lambda visit: visit.get(not_me_url(visit)),
    "not me, done": lambda visit: visit.inside().post(not_me_url(visit)),
    "change": lambda visit: visit.inside().get(CHANGE),
    "change, error": lambda visit: visit.inside().post(CHANGE, {"username": ""}),
    "change, code": lambda visit: visit.inside().post(CHANGE, NEW, follow=True),
    "change, code, error": lambda visit: (
        visit.inside().post(CHANGE, NEW),
        visit.post(CHANGE, {"otp": "0"}),
    )[1],
    "undo": lambda visit: visit.get(undo_url(visit)),
    "undo, factor": lambda visit: visit.get(undo_url(visit, needs_code=True)),
    "undo, error": lambda visit: visit.post(undo_url(visit, needs_code=True), {"otp": "0"}),
    "undo, impossible": lambda visit: visit.post(undo_url(visit, current=3)),
    "sign up": lambda visit: visit.get(SIGN_UP),
    "sign up, error": lambda visit: visit.post(SIGN_UP, {"username": ""}),
    "sign up, code": lambda visit: visit.post(SIGN_UP, NEW, follow=True),
    "sign up, code, error": lambda visit: (
        visit.post(SIGN_UP, NEW),
        visit.post(SIGN_UP, {"otp": "0"}),
    )[1],
    "methods, none": lambda visit: visit.inside().get(METHODS),
    "methods": lambda visit: visit.everything(),
    "add": lambda visit: visit.inside().get(ADD),
    "add, error": lambda visit: visit.inside().post(ADD, {"name": "x" * 65, "type": "s"}),
    "add, picture": lambda visit: visit.shown(),
    "add, begun": lambda visit: (visit.shown(), visit.get(ADD))[1],
    "add, picture, error": lambda visit: visit.shown({"otp": "000000"}),
    "rename": lambda visit: visit.inside().get(visit.one("rename")),
    "rename, error": lambda visit: visit.inside().post(visit.one("rename"), {"name": "x" * 65}),
    "remove": lambda visit: visit.inside().get(visit.one("remove")),
    "recovery": lambda visit: visit.inside().get(f"{METHODS}recovery-codes/"),
    "recovery, codes": lambda visit: visit.inside().post(f"{METHODS}recovery-codes/", follow=True),
    "sessions": lambda visit: (Visit(visit.user, visit.clock).inside(), visit.inside())[1].get(
        f"{OWN}sessions/"
    ),
    # The last one: it gives the user another address.
    "undo, done": lambda visit: visit.post(undo_url(visit)),
}
