"""
The pages for a site's own users.

Include them under any path: ``path("account/", include("swap_user.otp.urls"))``. Their namespace is
``swap_user``.
"""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from swap_user.otp.pages.account import names
from swap_user.otp.pages.account.logout import logout_page
from swap_user.otp.pages.account.look import account_page, step_page
from swap_user.otp.pages.account.step_up import StepUpView
from swap_user.otp.pages.login.views import CodeView, ResendView, UsernameView
from swap_user.otp.pages.methods.urls import PAGES

app_name = "swap_user"

_code = _("Enter the code")
_step_up = step_page(
    StepUpView, "step_up", _("Confirm that it is you"), check=names.STEP_UP, resend=names.STEP_UP
)

urlpatterns = [
    path("login/", step_page(UsernameView, "login", _("Log in")), name=names.LOGIN),
    path("check-otp/", step_page(CodeView, "check_otp", _code), name=names.CHECK),
    path("resend-otp/", step_page(ResendView, "check_otp", _code), name=names.RESEND),
    path("step-up/", _step_up, name=names.STEP_UP),
    path("logout/", logout_page, name=names.LOGOUT),
    *(path(page.route, account_page(page), name=page.name) for page in PAGES),
]
