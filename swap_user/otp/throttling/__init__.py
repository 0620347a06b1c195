"""Limits on guesses and on messages."""
