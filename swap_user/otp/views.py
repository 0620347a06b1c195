"""The login views, for a project's own pages, and the form of the sign-up."""

from swap_user.otp.pages.addresses.sign_up_form import SignUpForm
from swap_user.otp.pages.login.views import CodeView, ResendView, UsernameView

__all__ = ["CodeView", "ResendView", "SignUpForm", "UsernameView"]
