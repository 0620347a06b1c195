"""The URL names of the pages of a login, and of the page that notices lead to."""

from swap_user.otp.delivery import not_me

LOGIN, CHECK, RESEND, LOGOUT = "login", "check-otp", "resend-otp", "logout"
STEP_UP = "step-up"
NOT_ME = not_me.URL_NAME
