"""
The URL names of the pages on sign-in methods and sessions.

This module imports no models, so that an admin site can import it before they are loaded.
"""

OVERVIEW, ADD = "sign-in-methods", "add-sign-in-method"
RENAME, REMOVE = "rename-sign-in-method", "remove-sign-in-method"
RECOVERY_CODES = "recovery-codes"
FORGET_BROWSER = "forget-browser"
SESSIONS = "sessions"
CHANGE = "change-username"
