"""
The parts of the admin site that need the user model.

``swap_user.otp.sites`` imports this module when a page is first used; see ``sites._pages``.
"""

from django.contrib.auth.views import redirect_to_login

from swap_user.otp.accounts.address_change import FreshLoginNeeded, own_address_change
from swap_user.otp.admin.enforce_enrollment import must_enroll, redirect_to_enrollment
from swap_user.otp.pages.login.views import CodeView, ResendView, UsernameView
from swap_user.otp.pages.methods.base import log_in_again
from swap_user.otp.pages.methods.urls import PAGES
from swap_user.otp.sessions.records import follow

__all__ = [
    "PAGES",
    "CodeView",
    "FreshLoginNeeded",
    "ResendView",
    "UsernameView",
    "follow",
    "log_in_again",
    "must_enroll",
    "own_address_change",
    "redirect_to_enrollment",
    "redirect_to_login",
]
