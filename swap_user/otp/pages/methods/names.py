"""What the addresses of the pages are called; needs no models, so that an admin site can say it."""

OVERVIEW, ADD = "sign-in-methods", "add-sign-in-method"
RENAME, REMOVE = "rename-sign-in-method", "remove-sign-in-method"
RECOVERY_CODES = "recovery-codes"
