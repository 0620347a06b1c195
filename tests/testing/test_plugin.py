"""The pytest plugin, in projects with and without Django."""

from swap_user.testing import plugin
from tests.testing.projects import PLUGIN

TESTS = """\
import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import RequestFactory
from django.urls import reverse

from swap_user.otp import send_code
from swap_user.testing import outbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return get_user_model().objects.create_superuser("me@example.com")


@pytest.fixture
def admin_user(user):
    return user


def ask(times):
    for _ in range(times):
        send_code(RequestFactory().get("/"), "me@example.com")

"""

PASSING = """\
@pytest.mark.parametrize("number", range(3))
def test_limits_begin_anew(user, otp_outbox, number):
    assert otp_outbox is outbox
    ask(3)
    assert len(otp_outbox) == 3
    ask(1)
    assert len(otp_outbox) == 3
    cache.set("mine", 1)


def test_the_cache_is_kept():
    assert cache.get("mine") == 1


def test_login(client, user, otp_outbox):
    client.post(reverse("admin:login"), {"username": "me@example.com"})
    response = client.post(reverse("admin:check-otp"), {"otp": otp_outbox[-1].otp})
    assert response.url == reverse("admin:index")


def test_reset(user, otp_outbox, otp_reset_limits):
    ask(3)
    otp_reset_limits()
    ask(3)
    assert len(otp_outbox) == 6


def test_app(client, user, otp_outbox, otp_enroll_authenticator):
    app = otp_enroll_authenticator(user)
    client.post(reverse("admin:login"), {"username": "me@example.com"})
    response = client.post(reverse("admin:check-otp"), {"otp": app.now()})
    assert response.url == reverse("admin:index")


def test_log_in(client, user, otp_log_in):
    otp_log_in(client, user)
    assert client.get(reverse("admin:index")).status_code == 200


@pytest.mark.parametrize("policy", ["AnyCode", "AuthenticatorOnceEnrolled", "Both"])
def test_admin_client(otp_admin_client, otp_enroll_authenticator, admin_user, settings, policy):
    otp_enroll_authenticator(admin_user)
    settings.SWAP_USER = {"OTP_POLICY_CLASS": f"swap_user.otp.policies.{policy}"}
    assert otp_admin_client.get(reverse("admin:index")).status_code == 200


def test_the_settings_are_as_before(user, capsys):
    ask(1)
    assert outbox == []
"""

FAILING = """\
def test_limited(user, otp_outbox):
    ask(5)
    otp_outbox[4]


def test_fails_in_setup(broken):
    pass


@pytest.fixture
def broken(user, otp_outbox):
    ask(4)
    raise ValueError


def test_other_reason():
    assert 0
"""

WITHOUT_DJANGO = """\
import sys


def test_django_is_not_loaded():
    assert "swap_user.testing.plugin" in sys.modules
    assert "django" not in sys.modules


def test_fixture(otp_outbox):
    pass
"""

DJANGO_LATE = """\
import sys
import unittest


class Tests(unittest.TestCase):
    def test_without_the_app(self):
        import django
        from django.conf import settings

        settings.configure(INSTALLED_APPS=[])
        django.setup()

    def test_without_the_app_after_that(self):
        assert "swap_user.testing.messages" not in sys.modules
"""


def counted(output):
    """Return the last line, without the time."""
    return output.strip().splitlines()[-1].strip("= ").rpartition(" in ")[0]


def test_fixtures(project):
    """Each test begins with an empty outbox and fresh limits."""
    project.write(test_it=TESTS + PASSING)
    assert counted(project.pytest()) == "12 passed"


def test_limits_of_an_earlier_run(project):
    """They are forgotten when Redis is first used."""
    project.write(test_it=TESTS + PASSING)
    for _ in range(2):
        output = project.pytest("-k", "anew", "-q")
    assert counted(output) == "3 passed, 9 deselected"


def test_a_failure_names_the_limit(project):
    """In a section of the report; without one if the failure has another reason."""
    project.write(test_it=TESTS + FAILING)
    output = project.pytest(passes=False)
    assert counted(output) == "2 failed, 1 error"
    head, *parts = output.split("swap_user: limits reached in this test")
    assert len(parts) == 2
    assert "ERROR at setup of test_fails_in_setup" in head
    for part, times in zip(parts, ("", " (2 times)"), strict=True):
        assert f"because of the limit asks_per_address{times}\n" in part
    assert parts[1].index("test_other_reason") > 0
    assert "IndexError: 3 codes were sent in this process. send limited: " in output


def test_a_project_without_django(project):
    """Nothing is imported. Who asks for a fixture is told what is missing."""
    project.write(test_it=WITHOUT_DJANGO)
    (project.folder / "pytest.ini").write_text("[pytest]\n")
    output = project.pytest("-p", "no:django", "-p", "no:pytest_django", passes=False)
    assert counted(output) == "1 passed, 1 error"
    assert 'Django is not set up with "swap_user" in INSTALLED_APPS.' in output


def test_a_project_without_the_app(project):
    """Nothing of the package is imported, also if Django is set up late."""
    project.write(test_it=DJANGO_LATE)
    (project.folder / "pytest.ini").write_text("[pytest]\n")
    # Without pytest-django, which does not expect that Django is set up late.
    assert counted(project.pytest("-p", "no:django")) == "2 passed"


def test_without_redis(project):
    """Tests that need no Redis pass without one, and at once."""
    settings = project.folder / "settings.py"
    settings.write_text(settings.read_text() + '\nCACHES["default"]["LOCATION"] = "unix:///none"\n')
    project.write(test_it=TESTS + PASSING)
    output = project.pytest("-k", "log_in or admin_client")
    assert counted(output) == "4 passed, 8 deselected"
    project.pytest("-k", "test_login", passes=False)


def test_the_entry_point():
    """pytest finds the plugin by the name that the documentation gives it."""
    import tomllib

    from tests import ROOT

    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    assert found == {"pytest11": {"swap_user": plugin.__name__}}
    assert PLUGIN in ([], ["-p", plugin.__name__])
