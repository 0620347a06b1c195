"""
The parts of the admin site that need the user model.

``swap_user.otp.sites`` imports this module when a page is first used; see ``sites._pages``.
"""

from dataclasses import replace

from django.contrib.auth.views import redirect_to_login

from swap_user.otp.accounts.address_change import (
    CodeNeeded,
    FreshLoginNeeded,
    own_address_change,
)
from swap_user.otp.admin import user_link
from swap_user.otp.admin.enforce_enrollment import must_enroll, redirect_to_enrollment
from swap_user.otp.admin.user_sessions import (
    END_USER_SESSIONS,
    USER_SESSIONS,
    EndUserSessionsView,
    UserSessionsView,
)
from swap_user.otp.pages.account.not_me import NotMeView
from swap_user.otp.pages.addresses import urls
from swap_user.otp.pages.addresses.undo import UndoChangeView
from swap_user.otp.pages.login.views import CodeView, ResendView, UsernameView
from swap_user.otp.pages.methods.base import log_in_again
from swap_user.otp.pages.methods.names import SESSIONS
from swap_user.otp.pages.methods.urls import Page
from swap_user.otp.sessions.proof import is_sufficient, waive
from swap_user.otp.sessions.records import follow

# "sessions/" is the page of the app "sessions" in an admin that shows its models.
PAGES = tuple(
    replace(page, route=f"sign-in-methods/{page.route}") if page.name == SESSIONS else page
    for page in urls.PAGES
)

_USER = "sign-in-methods/users/<str:object_id>/"

# The pages for staff about other users. Own pages of a site have none of them.
USER_PAGES = (
    Page(USER_SESSIONS, _USER, UserSessionsView, "user_sessions"),
    Page(END_USER_SESSIONS, f"{_USER}end/", EndUserSessionsView, "end_user_sessions"),
)

__all__ = [
    "PAGES",
    "USER_PAGES",
    "CodeNeeded",
    "CodeView",
    "FreshLoginNeeded",
    "NotMeView",
    "ResendView",
    "UndoChangeView",
    "UsernameView",
    "follow",
    "is_sufficient",
    "log_in_again",
    "must_enroll",
    "own_address_change",
    "redirect_to_enrollment",
    "redirect_to_login",
    "user_link",
    "waive",
]
