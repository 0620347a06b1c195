"""All pages for users who are logged in: on sign-in methods, on sessions, and on their address."""

from swap_user.otp.pages.addresses.change import ChangeUsernameView
from swap_user.otp.pages.methods import urls
from swap_user.otp.pages.methods.names import CHANGE
from swap_user.otp.pages.methods.urls import Page

PAGES = (
    *urls.PAGES,
    Page(CHANGE, "change-username/", ChangeUsernameView, "change_username"),
)
