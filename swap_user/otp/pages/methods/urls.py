"""All the pages: for each its address, its view and its template."""

from dataclasses import dataclass

from swap_user.otp.pages.methods import names
from swap_user.otp.pages.methods.base import MethodsView
from swap_user.otp.pages.methods.edit import RemoveView, RenameView
from swap_user.otp.pages.methods.enroll import AddView
from swap_user.otp.pages.methods.overview import OverviewView
from swap_user.otp.pages.methods.recovery_codes import RecoveryCodesView


@dataclass(frozen=True, slots=True)
class Page:
    """
    A page.

    Args:
        name: of its address.
        route: the address, as ``path()`` takes it.
        view: what answers.
        template: what it is made of.
    """

    name: str
    route: str
    view: type[MethodsView]
    template: str


def _page(name: str, route: str, view: type[MethodsView], template: str) -> Page:
    return Page(name, f"sign-in-methods/{route}", view, f"swap_user/admin/{template}.html")


PAGES = (
    _page(names.OVERVIEW, "", OverviewView, "sign_in_methods"),
    _page(names.ADD, "add/", AddView, "add_sign_in_method"),
    _page(names.RENAME, "<uuid:pk>/rename/", RenameView, "rename_sign_in_method"),
    _page(names.REMOVE, "<uuid:pk>/remove/", RemoveView, "remove_sign_in_method"),
    _page(names.RECOVERY_CODES, "recovery-codes/", RecoveryCodesView, "recovery_codes"),
)
