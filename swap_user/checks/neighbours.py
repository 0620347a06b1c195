"""System checks of the settings of other packages that process codes."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core import checks

from swap_user.checks.helpers import Messages


def check_axes(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E017: django-axes would store the codes that users type."""
    if not apps.is_installed("axes") or "otp" in getattr(settings, "AXES_SENSITIVE_PARAMETERS", ()):
        return []
    return [
        checks.Error(
            "django-axes stores the form fields of failed logins, and these contain codes.",
            hint='Add "otp" to AXES_SENSITIVE_PARAMETERS, for example '
            'AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "otp"].',
            id="swap_user.E017",
        )
    ]
