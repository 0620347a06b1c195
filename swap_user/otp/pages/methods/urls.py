"""All pages on sign-in methods and sessions, each with its URL, its view and its template."""

from dataclasses import dataclass

from swap_user.otp.pages.methods import names
from swap_user.otp.pages.methods.base import MethodsView
from swap_user.otp.pages.methods.browsers import ForgetBrowserView
from swap_user.otp.pages.methods.edit import RemoveView, RenameView
from swap_user.otp.pages.methods.enroll import AddView
from swap_user.otp.pages.methods.overview import OverviewView
from swap_user.otp.pages.methods.recovery_codes import RecoveryCodesView
from swap_user.otp.pages.methods.sessions import SessionsView


@dataclass(frozen=True, slots=True)
class Page:
    """
    A page.

    Attributes:
        name: URL name.
        route: first argument of ``path()``.
        view: class of the view.
        template: name of the template in the folder of a skin, without ".html".
    """

    name: str
    route: str
    view: type[MethodsView]
    template: str

    def template_in(self, skin: str) -> str:
        """Return the template of the page in a skin: "admin" or "account"."""
        return f"swap_user/{skin}/{self.template}.html"


def _page(name: str, route: str, view: type[MethodsView], template: str) -> Page:
    return Page(name, f"sign-in-methods/{route}", view, template)


PAGES = (
    _page(names.OVERVIEW, "", OverviewView, "sign_in_methods"),
    _page(names.ADD, "add/", AddView, "add_sign_in_method"),
    _page(names.RENAME, "<uuid:pk>/rename/", RenameView, "rename_sign_in_method"),
    _page(names.REMOVE, "<uuid:pk>/remove/", RemoveView, "remove_sign_in_method"),
    _page(names.FORGET_BROWSER, "browsers/<int:pk>/forget/", ForgetBrowserView, "sign_in_methods"),
    _page(names.RECOVERY_CODES, "recovery-codes/", RecoveryCodesView, "recovery_codes"),
    Page(names.SESSIONS, "sessions/", SessionsView, "sessions"),
)
