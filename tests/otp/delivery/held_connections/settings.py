"""Two databases with a pool of two connections each, a router of the project's own, and SMTP."""

import os

import django

from tests.settings.to_email_otp import *  # noqa: F403

_database = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": os.environ["HELD_DATABASE"],
    "USER": "postgres",
    "HOST": os.environ["HELD_HOST"],
    "OPTIONS": {"pool": {"min_size": 0, "max_size": 2, "timeout": 20}},
}
DATABASES = {"default": _database, "other": {**_database}}
DATABASE_ROUTERS = ["tests.otp.delivery.held_connections.scenario.Router"]
INSTALLED_APPS = [*INSTALLED_APPS, "django_tasks_db"]  # noqa: F405
if django.VERSION < (6, 0):
    INSTALLED_APPS.append("django_tasks")
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
SWAP_USER = {
    "OTP_SENDER_CLASS": "tests.otp.delivery.held_connections.senders.QueryingSender",
    "OTP_DISPATCHER": f"swap_user.otp.dispatchers.{os.environ['HELD_DISPATCHER']}Dispatcher",
}
_smtp = {"host": "127.0.0.1", "port": int(os.environ["HELD_SMTP_PORT"])}
if django.VERSION >= (6, 1):
    _backend = "django.core.mail.backends.smtp.EmailBackend"
    MAILERS = {"default": {"BACKEND": _backend, "OPTIONS": _smtp}}
else:
    EMAIL_HOST, EMAIL_PORT = _smtp["host"], _smtp["port"]
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
