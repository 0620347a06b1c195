"""The installation steps as they are printed, and following them on what `startproject` makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from services.redis import RedisServer
from services.smtp import SMTPServer
from tests.e2e.browser import Browser
from tests.e2e.inboxes import FileInbox, Inbox, MailInbox
from tests.e2e.project import Project

# --- What the steps print -------------------------------------------------------------------------

OTP_SITE = '"swap_user.apps.OTPSiteConfig",'

REDIS_CACHE = """\
CACHES = {
    'default': {
        'BACKEND': 'django.core.cache.backends.redis.RedisCache',
        'LOCATION': 'redis://127.0.0.1:6379',
    }
}
"""
DJANGO_REDIS = """\
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": "redis://127.0.0.1:6379/1",
        "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.DefaultClient",
        }
    }
}
"""
CACHES = {"RedisCache": REDIS_CACHE, "django-redis": DJANGO_REDIS}

EMAIL_SENDER = """\
SWAP_USER = {
    "OTP_SENDER_CLASS": "swap_user.otp.senders.EmailOTPSender",
}
"""
PHONE_SENDER = """\
SWAP_USER = {
    "OTP_SENDER_CLASS": "sender.MyPhoneOTPSender",
}
"""

# Not in the steps: the one entry more.
OTP_BACKEND = 'AUTHENTICATION_BACKENDS = ["swap_user.backends.OTPBackend"]'
BOTH_BACKENDS = """\
AUTHENTICATION_BACKENDS = [
    "swap_user.backends.OTPBackend",
    "django.contrib.auth.backends.ModelBackend",
]
"""


@dataclass(frozen=True)
class Steps:
    """
    One way through the steps.

    Args:
        apps: what step 1 adds.
        user_model: the line of step 2, "" for Django's own.
        migrate: the command of step 4.
        sender: the setting of step 6.
        superuser: for `createsuperuser --noinput`.
        prompt: what `createsuperuser` asks for.
        typed: the username, as a user types it.
        receiver: where the code goes.
        shown: how the admin calls the user.
        backends: the one entry more.
    """

    apps: str
    user_model: str
    migrate: str
    sender: str
    superuser: dict[str, str]
    prompt: str
    typed: str
    receiver: str
    shown: str
    backends: str = OTP_BACKEND


EMAIL_OTP = Steps(
    apps='"swap_user",\n    "swap_user.to_email_otp",',
    user_model='AUTH_USER_MODEL = "swap_to_email_otp.EmailOTPUser"',
    migrate="python manage.py migrate swap_to_email",
    sender=EMAIL_SENDER,
    superuser={"DJANGO_SUPERUSER_EMAIL": "ada@example.com"},
    prompt="Email address: ",
    typed="Ada@Example.com",
    receiver="ada@example.com",
    shown="ada@example.com",
)
PHONE_OTP = Steps(
    apps='"swap_user",\n    "swap_user.to_phone_otp",',
    user_model='AUTH_USER_MODEL = "swap_to_phone_otp.PhoneOTPUser"',
    migrate="python manage.py migrate swap_to_phone",
    sender=PHONE_SENDER,
    superuser={"DJANGO_SUPERUSER_PHONE": "+4915112345001"},
    prompt="Phone number: ",
    typed="+49 (151) 123-45001",
    receiver="+4915112345001",
    shown="+4915112345001",
)

# The models that have a password: the same pages, the same codes.
PASSWORD = {"DJANGO_SUPERUSER_PASSWORD": "correct horse battery staple"}
EMAIL = replace(
    EMAIL_OTP,
    apps='"swap_user",\n    "swap_user.to_email",',
    user_model='AUTH_USER_MODEL = "swap_to_email.EmailUser"',
    migrate="python manage.py migrate",
    superuser=EMAIL_OTP.superuser | PASSWORD,
    backends=BOTH_BACKENDS,
)
PHONE = replace(
    PHONE_OTP,
    apps='"swap_user",\n    "swap_user.to_phone",',
    user_model='AUTH_USER_MODEL = "swap_to_phone.PhoneUser"',
    migrate="python manage.py migrate",
    superuser=PHONE_OTP.superuser | PASSWORD,
    backends=BOTH_BACKENDS,
)
AUTH_USER = replace(
    EMAIL,
    apps='"swap_user",',
    user_model="",
    superuser=EMAIL.superuser | {"DJANGO_SUPERUSER_USERNAME": "ada"},
    prompt="Username: ",
    typed="ada",
    shown="ada",
)


# --- Following them -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Site:
    """A project that is ready to be started, and the services that it uses."""

    project: Project
    inbox: Inbox
    redis: RedisServer


@contextmanager
def follow(steps: Steps, folder: Path, caches: str = REDIS_CACHE) -> Iterator[Site]:
    """Make a project and follow the steps."""
    with RedisServer(tcp=True) as redis, SMTPServer() as smtp:
        project = Project(folder)
        # 1 and 3
        project.replace("'django.contrib.admin',", OTP_SITE)
        last = "'django.contrib.staticfiles',"
        project.replace(last, f"{last}\n    {steps.apps}")
        # 2
        project.append(steps.user_model)
        # 4
        project.sh(steps.migrate)
        # the one entry more
        project.append(steps.backends)
        # 5
        project.append(caches.replace("127.0.0.1:6379", f"127.0.0.1:{redis.port}"))
        # 6
        project.append(steps.sender)
        inbox: Inbox
        if steps.sender == EMAIL_SENDER:
            inbox = MailInbox(smtp)
            project.send_mail_to(smtp)
        else:
            inbox = FileInbox(project)
        yield Site(project, inbox, redis)


def ask(browser: Browser, path: str, typed: str) -> None:
    """Open an admin page without being logged in, and give the username."""
    browser.get(path)
    assert browser.status == 302, browser.said
    browser.follow()
    assert browser.path.startswith("/admin/login/?next=")
    browser.submit(username=typed)
    assert browser.status == 302, browser.said
    assert browser.follow().path.startswith("/admin/check-otp/")
