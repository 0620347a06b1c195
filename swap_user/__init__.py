"""Swappable Django users who log in with an email or a phone number and a one-time code."""

from swap_user import moved

__version__ = "1.0.0a1"

moved.install()
