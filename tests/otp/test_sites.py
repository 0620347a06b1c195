"""The module of the admin sites: it can be imported as early as Django's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = [
    "swap_user.apps.OTPSiteConfig",
    "early",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "swap_user",
]
AUTH_USER_MODEL = "early.User"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "x"}}
ROOT_URLCONF = "early.urls"
"""

MODELS = """
from django.contrib.auth.models import AbstractUser

class User(AbstractUser):
    pass
"""

URLS = """
from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
"""

SITE = """
from django.contrib.admin import AdminSite
from swap_user.otp.sites import OTPAdminSiteMixin

class Site(OTPAdminSiteMixin, AdminSite):
    pass
"""

APP = """
from django.apps import AppConfig

class Config(AppConfig):
    name = "early"
"""

HEADER = """
from django.contrib import admin

admin.site.site_header = "Ours"
"""


@pytest.mark.parametrize(
    "files",
    [
        {"apps.py": SITE + APP, "models.py": MODELS},
        {"__init__.py": SITE, "models.py": MODELS},
        {"models.py": HEADER + MODELS},
    ],
    ids=["by the module of an app config", "by a package", "by the module of the user model"],
)
def test_it_is_imported_before_the_user_model(tmp_path: Path, files: dict[str, str]) -> None:
    """The pages need that model, and are imported with the URLs."""
    app = tmp_path / "early"
    app.mkdir()
    for name, text in {"__init__.py": "", "urls.py": URLS, **files}.items():
        (app / name).write_text(text)
    (tmp_path / "early_settings.py").write_text(SETTINGS)
    code = """
import django

django.setup()
from django.urls import reverse
print(reverse("admin:check-otp"), reverse("admin:sign-in-methods"))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={
            "DJANGO_SETTINGS_MODULE": "early_settings",
            "PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}",
        },
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["/admin/check-otp/", "/admin/sign-in-methods/"]
