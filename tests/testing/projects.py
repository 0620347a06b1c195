"""Small projects with tests of their own, which are run as their authors would run them."""

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from tests import ROOT

SETTINGS = """\
SECRET_KEY = "a secret key that only tests use, long enough for the checks 5Zq!x8"
INSTALLED_APPS = [
    "swap_user.apps.OTPSiteConfig",
    "swap_user",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "swap_user.to_email_otp",
]
AUTH_USER_MODEL = "swap_to_email_otp.EmailOTPUser"
AUTHENTICATION_BACKENDS = ["swap_user.backends.OTPBackend"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
ROOT_URLCONF = "urls"
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
LOGGING_CONFIG = None
SWAP_USER = {"OTP_PROXIES": 0, "OTP_LIMITS": {"asks_per_address": "3/1h"}}
"""

URLS = """\
from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
"""

# Is it known to pytest by its entry point? An older installation of a clone does not have it.
REGISTERED = any(each.name == "swap_user" for each in entry_points(group="pytest11"))
PLUGIN = [] if REGISTERED else ["-p", "swap_user.testing.plugin"]
WITHOUT = "no:swap_user" if REGISTERED else "no:swap_user.testing.plugin"


@dataclass
class Project:
    """
    A project on disk.

    Attributes:
        folder: where it is.
    """

    folder: Path

    def write(self, **files: str) -> None:
        """Write modules, by their names without an ending."""
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(text)

    def run(self, *arguments: str, passes: bool = True, **env: str) -> str:
        """Run Python with these arguments, and return what it prints."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
        kept.pop("DJANGO_SETTINGS_MODULE", None)
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=kept | {"PYTHONPATH": f"{ROOT}{os.pathsep}{self.folder}"} | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode == 0) is passes, done.stdout
        return done.stdout

    def pytest(self, *arguments: str, passes: bool = True, **env: str) -> str:
        """Run pytest with the plugin."""
        options = ["-c", "pytest.ini", "-p", "no:randomly", *PLUGIN, *arguments]
        return self.run("-m", "pytest", *options, passes=passes, **env)

    def test(self, *arguments: str, passes: bool = True) -> str:
        """Run ``manage.py test``."""
        command = ["-m", "django", "test", *arguments]
        return self.run(*command, passes=passes, DJANGO_SETTINGS_MODULE="settings")


def make_project(folder: Path, caches: str) -> Project:
    """
    Write the settings of a project.

    Args:
        folder: where.
        caches: the source code of CACHES["default"].
    """
    project = Project(folder)
    project.write(settings=f'{SETTINGS}CACHES = {{"default": {caches}}}\n', urls=URLS)
    (folder / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = settings\n")
    return project


def redis_cache(url: str) -> str:
    """Return the source code of a cache in Redis."""
    backend = "django.core.cache.backends.redis.RedisCache"
    return repr({"BACKEND": backend, "LOCATION": url})
