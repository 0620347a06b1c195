"""Log in to Django with one-time codes: sent ones, or those of an authenticator app."""

__version__ = "1.0.0a1"
