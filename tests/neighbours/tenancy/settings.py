"""A project with django-tenants: each tenant has users of its own."""

import os

import django

from tests.settings import to_email_otp as base

SECRET_KEY, USE_TZ, MIDDLEWARE = base.SECRET_KEY, True, base.MIDDLEWARE
ALLOWED_HOSTS, STATIC_URL, ROOT_URLCONF = ["*"], "static/", "tests.urls"
TEMPLATES, AUTH_USER_MODEL = base.TEMPLATES, base.AUTH_USER_MODEL
AUTHENTICATION_BACKENDS = base.AUTHENTICATION_BACKENDS
DEFAULT_AUTO_FIELD = base.DEFAULT_AUTO_FIELD
MIDDLEWARE = ["django_tenants.middleware.main.TenantMainMiddleware", *MIDDLEWARE]

TENANT_APPS = base.INSTALLED_APPS
SHARED_APPS = [
    "django_tenants",
    "tests.neighbours.tenancy",
    "django.contrib.contenttypes",
    "django_tasks_db",
]
if django.VERSION < (6, 0):
    SHARED_APPS.append("django_tasks")
INSTALLED_APPS = [*SHARED_APPS, *(app for app in TENANT_APPS if app not in SHARED_APPS)]
TENANT_MODEL, TENANT_DOMAIN_MODEL = "tenancy.Customer", "tenancy.Domain"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
DATABASES = {
    "default": {
        "ENGINE": "django_tenants.postgresql_backend",
        "NAME": os.environ.get("TENANTS_DATABASE", ""),
        "USER": "postgres",
        "HOST": os.environ.get("TENANTS_HOST", ""),
    }
}
CACHES = {
    "default": {
        **base.CACHES["default"],
        "BACKEND": os.environ.get("TENANTS_CACHE", base.CACHES["default"]["BACKEND"]),
        "KEY_FUNCTION": "django_tenants.cache.make_key",
    }
}
if "django_redis" in CACHES["default"]["BACKEND"]:
    CACHES["default"]["REVERSE_KEY_FUNCTION"] = "django_tenants.cache.reverse_key"
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
SWAP_USER = {
    "OTP_SENDER_CLASS": "tests.neighbours.tenancy.scenario.NotingSender",
    "OTP_DISPATCHER": "swap_user.contrib.tenants.TenantThreadDispatcher",
}
