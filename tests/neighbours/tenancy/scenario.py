"""Two tenants, whose users have the same email address, and what they are sent."""

from django.contrib.auth import authenticate, get_user_model
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory, override_settings

from swap_user.otp.senders import AbstractOTPSender

EMAIL = "ada@example.com"


class NotingSender(AbstractOTPSender):
    """Notes in which schema it runs and what it can see there; the first attempt fails."""

    sent: list[tuple[str, str, str]] = []
    has_failed: set[str] = set()

    def send(self, receiver, otp, **kwargs):
        pks = str([user.pk for user in get_user_model().objects.all()])
        if otp not in self.has_failed:
            self.has_failed.add(otp)
            raise ConnectionError(otp)
        self.sent.append((connection.schema_name, pks, otp))


def make_tenants():
    """Make two schemas; the user of the second one has another primary key."""
    from django_tenants.utils import tenant_context

    from tests.neighbours.tenancy.models import Customer, Domain

    call_command("migrate_schemas", shared=True, run_syncdb=True, verbosity=0)
    model, tenants = get_user_model(), []
    for number, name in enumerate(("one", "two")):
        tenant = Customer.objects.create(schema_name=name, name=name)
        Domain.objects.create(domain=f"{name}.test", tenant=tenant, is_primary=True)
        with tenant_context(tenant):
            model.objects.create(pk=10 + number, email=EMAIL, is_staff=True)
        tenants.append(tenant)
    return tenants


def request():
    """Return a request with a session of its own."""
    from django.contrib.sessions.backends.db import SessionStore

    made = RequestFactory(REMOTE_ADDR="81.2.69.160").get("/")
    made.session = SessionStore()
    return made


def play():
    """Return what happened, for the test to look at."""
    from django_tenants.utils import tenant_context

    from swap_user.models import WrongGuess
    from swap_user.otp import limited, remember_browser, send_code
    from swap_user.otp.background import lifecycle
    from swap_user.otp.delivery import retry
    from swap_user.otp.visitors import known_browsers
    from swap_user.testing import wait_for_deliveries

    lifecycle.current().delays, retry.PAUSE = (0.0, 0.0), 0.01
    one, two = make_tenants()
    seen = {}
    for tenant in (one, two):
        with tenant_context(tenant):
            send_code(None, EMAIL)
    assert wait_for_deliveries(30)
    seen["sent in threads"] = sorted(NotingSender.sent)
    codes = {schema: code for schema, _, code in NotingSender.sent}
    for schema, tenant in (("one", two), ("two", one)):
        with tenant_context(tenant):
            user = authenticate(None, username=EMAIL, otp=codes[schema])
            seen[f"code of {schema} in {tenant.name}"] = user and user.pk
    with tenant_context(one):
        entered = request()
        user = authenticate(entered, username=EMAIL, otp=codes["one"])
        seen["code of one in one"] = user and user.pk
        response = HttpResponse()
        remember_browser(entered, response)
        browser = request()
        browser.COOKIES = {name: morsel.value for name, morsel in response.cookies.items()}
        seen["browser known in one"] = known_browsers.read(browser) is not None
        for number in range(101):
            stranger = request()
            authenticate(stranger, username=EMAIL, otp=f"{number:06}")
        seen["limited in one"] = bool(limited(stranger))
        seen["wrong guesses in one"] = WrongGuess.objects.filter(user_id=10).count()
    with tenant_context(two):
        seen["browser known in two"] = known_browsers.read(browser) is not None
        entered = request()
        user = authenticate(entered, username=EMAIL, otp=codes["two"])
        seen["code of two in two"] = user and user.pk
        seen["limited in two"] = bool(limited(entered))
        seen["wrong guesses in two"] = WrongGuess.objects.filter(user_id=11).count()

    NotingSender.sent.clear()
    dispatcher = {"OTP_DISPATCHER": "swap_user.contrib.tenants.TenantTaskDispatcher"}
    from django.conf import settings

    with override_settings(SWAP_USER={**settings.SWAP_USER, **dispatcher}):
        for tenant in (one, two):
            with tenant_context(tenant):
                send_code(None, EMAIL)
        connection.set_schema_to_public()
        seen["sent before the worker runs"] = list(NotingSender.sent)
        call_command("db_worker", batch=True, startup_delay=False, reload=False, verbosity=0)
    seen["sent by the worker"] = sorted(NotingSender.sent)
    seen["schema of the worker"] = connection.schema_name
    return seen
