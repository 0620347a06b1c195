"""Connects the records of sessions with the signals of Django."""

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_save

from swap_user.otp.sessions import engines, records


def connect() -> None:
    """Connect the receivers. ``SwapUserConfig.ready()`` calls this function."""
    user_logged_in.connect(records.note_login, dispatch_uid="swap_user.records")
    user_logged_out.connect(records.note_logout, dispatch_uid="swap_user.records")
    for model in engines.session_models():
        post_save.connect(records.note_save, sender=model, dispatch_uid="swap_user.records")
