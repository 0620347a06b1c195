"""Every page in each state, of a site's own pages and of the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client

from swap_user.models import AddressChange, Authenticator, RecoveryCode
from swap_user.otp import generate_recovery_codes
from swap_user.otp.delivery import not_me, undo_link
from swap_user.testing import log_in, outbox
from tests.support import give, username

OWN, ADMIN = "/account/", "/admin/"
METHODS = f"{OWN}sign-in-methods/"
NEW = {"username": username(2)}

# Paths below OWN or ADMIN.
CHECK, STEP_UP = "check-otp/", "step-up/"
OVERVIEW, ADD, RECOVERY = (f"sign-in-methods/{page}" for page in ("", "add/", "recovery-codes/"))
CHANGE, SIGN_UP = "change-username/", "sign-up/"


class Visit:
    """A visitor of the own pages or of the admin, who may have logged in."""

    def __init__(self, user: Any, clock: Any, root: str = OWN) -> None:
        self.user, self.clock, self.root, self.client = user, clock, root, Client()

    def get(self, path: str) -> Any:
        return self.client.get(f"{self.root}{path}")

    def post(self, path: str, data: dict[str, str] | None = None, **extra: Any) -> Any:
        return self.client.post(f"{self.root}{path}", data, **extra)

    def inside(self) -> Visit:
        self.user.refresh_from_db()  # other visits may have changed the security stamp
        log_in(self.client, self.user)
        return self

    def empty(self) -> Visit:
        """Have neither apps nor recovery codes."""
        for model in (Authenticator, RecoveryCode):
            model.objects.filter(user=self.user).delete()
        return self

    def ask(self) -> Visit:
        self.post("login/", {"username": username()})
        return self

    def later(self, seconds: float) -> Visit:
        self.clock.shift(seconds)
        return self

    @property
    def sessions(self) -> str:
        """The page of the sessions, which has another path in the admin."""
        return "sessions/" if self.root == OWN else f"{OVERVIEW}sessions/"

    def one(self, page: str) -> str:
        return f"{OVERVIEW}{give(self.user, name='One').pk}/{page}/"

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
        return self.get(OVERVIEW)


def code_of(visit: Visit) -> str:
    visit.ask()
    return outbox[-1].otp


def not_me_url(visit: Visit) -> str:
    return f"not-me/?token={not_me.sign(visit.user)}"


def undo_url(visit: Visit, *, needs_code: bool = False, current: int = 1) -> str:
    """The link in the notice of a change of address."""
    change = AddressChange.objects.create(
        user=visit.user,
        previous=username(2),
        current=username(current),
        needs_code=needs_code,
        with_factor=needs_code,
    )
    return undo_link.link("change-username/undo/", visit.user, "en", change.pk)


def undo_with_app(visit: Visit) -> str:
    """The same link, if a code of an app is asked for."""
    give(visit.user, name="One")
    return undo_url(visit, needs_code=True)


Page = Callable[[Visit], Any]

PAGES: dict[str, Page] = {
    "login": lambda visit: visit.get("login/"),
    "login, error": lambda visit: visit.post("login/", {"username": ""}),
    "code": lambda visit: visit.ask().get(CHECK),
    "code, error": lambda visit: visit.ask().post(CHECK, {"otp": "000000"}),
    "code, expired": lambda visit: visit.ask().later(301).get(CHECK),
    "step-up": lambda visit: visit.inside().later(3600).get(STEP_UP),
    "step-up, sent": lambda visit: visit.inside().later(3600).post(STEP_UP, follow=True),
    "step-up, error": lambda visit: visit.inside().later(3600).post(STEP_UP, {"otp": "0"}),
    "logged out": lambda visit: visit.inside().post("logout/"),
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
    "undo, no factor": lambda visit: visit.empty().get(undo_url(visit, needs_code=True)),
    "undo, factor": lambda visit: visit.get(undo_with_app(visit)),
    "undo, error": lambda visit: visit.post(undo_with_app(visit), {"otp": "0"}),
    "undo, impossible": lambda visit: visit.post(undo_url(visit, current=3)),
    "sign up": lambda visit: visit.get(SIGN_UP),
    "sign up, error": lambda visit: visit.post(SIGN_UP, {"username": ""}),
    "sign up, code": lambda visit: visit.post(SIGN_UP, NEW, follow=True),
    "sign up, code, error": lambda visit: (
        visit.post(SIGN_UP, NEW),
        visit.post(SIGN_UP, {"otp": "0"}),
    )[1],
    "methods, none": lambda visit: visit.empty().inside().get(OVERVIEW),
    "methods": lambda visit: visit.everything(),
    "add": lambda visit: visit.inside().get(ADD),
    "add, error": lambda visit: visit.inside().post(ADD, {"name": "x" * 65, "type": "s"}),
    "add, picture": lambda visit: visit.shown(),
    "add, begun": lambda visit: (visit.shown(), visit.get(ADD))[1],
    "add, picture, error": lambda visit: visit.shown({"otp": "000000"}),
    "rename": lambda visit: visit.inside().get(visit.one("rename")),
    "rename, error": lambda visit: visit.inside().post(visit.one("rename"), {"name": "x" * 65}),
    "remove": lambda visit: visit.inside().get(visit.one("remove")),
    "recovery": lambda visit: visit.inside().get(RECOVERY),
    "recovery, codes": lambda visit: visit.inside().post(RECOVERY, follow=True),
    "sessions": lambda visit: (
        Visit(visit.user, visit.clock).inside(),
        visit.inside(),
    )[1].get(visit.sessions),
    # The last one: it gives the user another address.
    "undo, done": lambda visit: visit.post(undo_url(visit)),
}

# What only a site's own pages have; the page after a logout is Django's own in the admin.
ONLY_OWN = ("step-up", "sign up", "logged out")

ADMIN_PAGES = {name: page for name, page in PAGES.items() if not name.startswith(ONLY_OWN)}
