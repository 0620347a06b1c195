"""
The pages for a site's own users.

Include them under any path: ``path("account/", include("swap_user.otp.urls"))``. Their namespace is
``swap_user``.
"""

from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from swap_user.otp.pages.account import names
from swap_user.otp.pages.account.enroll_first import (
    AccountCodeView,
    AccountSignUpView,
    AccountUsernameView,
)
from swap_user.otp.pages.account.logout import logout_page
from swap_user.otp.pages.account.look import account_page, step_page
from swap_user.otp.pages.account.not_me import not_me_page
from swap_user.otp.pages.account.step_up import StepUpView
from swap_user.otp.pages.addresses.names import SIGN_UP, UNDO
from swap_user.otp.pages.addresses.undo import UndoChangeView
from swap_user.otp.pages.addresses.urls import PAGES
from swap_user.otp.pages.login.views import ResendView

app_name = "swap_user"

_code = _("Enter the code")
_step_up = step_page(
    StepUpView, "step_up", _("Confirm that it is you"), check=names.STEP_UP, resend=names.STEP_UP
)
_sign_up = step_page(
    AccountSignUpView, "sign_up", _("Create an account"), check=SIGN_UP, resend=SIGN_UP
)
_undo = step_page(UndoChangeView, "undo_change", "")

urlpatterns = [
    path(
        "login/",
        step_page(AccountUsernameView, "login", pgettext_lazy("swap_user", "Log in")),
        name=names.LOGIN,
    ),
    path("check-otp/", step_page(AccountCodeView, "check_otp", _code), name=names.CHECK),
    path("resend-otp/", step_page(ResendView, "check_otp", _code), name=names.RESEND),
    path("step-up/", _step_up, name=names.STEP_UP),
    path("logout/", logout_page, name=names.LOGOUT),
    path("sign-up/", _sign_up, name=SIGN_UP),
    path("change-username/undo/", _undo, name=UNDO),
    path("not-me/", not_me_page, name=names.NOT_ME),
    *(path(page.route, account_page(page), name=page.name) for page in PAGES),
]
