"""The URL names of the pages of a login."""

LOGIN, CHECK, RESEND, LOGOUT = "login", "check-otp", "resend-otp", "logout"
STEP_UP = "step-up"
