"""
Signals: what happened to an account, for a project to act upon.

All are sent with ``sender=Authenticator`` or ``sender=RecoveryCode`` and ``user``.
"""

from django.dispatch import Signal

authenticator_added = Signal()
"""An authenticator was enrolled; with ``authenticator``."""

authenticator_removed = Signal()
"""An authenticator was removed or revoked; with ``authenticator``, which is deleted already."""

recovery_codes_generated = Signal()
"""A user has a new set of recovery codes; the earlier set ended."""

recovery_code_used = Signal()
"""Somebody logged in with a recovery code; with ``remaining``, how many are left."""
