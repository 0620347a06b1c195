"""
The pytest plugin, which pytest loads by its entry point. ``-p no:swap_user`` switches it off.

It imports no module of Django and none that needs it. In projects without Django, or without this
package in INSTALLED_APPS, it does nothing.
"""

import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from swap_user.testing.messages import Outbox

# An attribute of a test: the limits that it has reached.
_REACHED = "_otp_reached_limits"

ALL_FACTORS = ("password", "sent", "authenticator")


def _is_installed() -> bool:
    """Return whether Django is set up with this package."""
    registry = getattr(sys.modules.get("django.apps"), "apps", None)
    return registry is not None and registry.ready and registry.is_installed("swap_user")


def _need_app() -> None:
    if not _is_installed():
        pytest.fail('Django is not set up with "swap_user" in INSTALLED_APPS.', pytrace=False)


@pytest.fixture(autouse=True)
def _otp_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """Empty the outbox and forget the limits before each test."""
    if not _is_installed():
        yield
        return
    from swap_user.testing.isolation import one_test  # noqa: PLC0415

    with one_test() as reached:
        setattr(request.node, _REACHED, reached)
        yield


# Not wrapper=True, which older versions of pytest do not know.
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Add a section to the report of a failed test that has reached limits."""
    report = (yield).get_result()
    reached = getattr(item, _REACHED, None)
    if report.failed and reached is not None and (text := reached.text()):
        from swap_user.testing.reached import TITLE  # noqa: PLC0415

        report.sections.append((TITLE, text))


@pytest.fixture
def otp_outbox() -> "Iterator[Outbox]":
    """The outbox. Codes and notices of the test go there, whatever the settings are."""
    _need_app()
    from swap_user.testing.messages import memory_sender  # noqa: PLC0415

    with memory_sender() as outbox:
        yield outbox


@pytest.fixture
def otp_log_in() -> "Callable[..., None]":
    """The function ``swap_user.testing.log_in()``."""
    _need_app()
    from swap_user.testing.logins import log_in  # noqa: PLC0415

    return log_in


@pytest.fixture
def otp_enroll_authenticator() -> "Callable[..., Any]":
    """The function ``swap_user.testing.enroll_authenticator()``."""
    _need_app()
    from swap_user.testing.authenticators import enroll_authenticator  # noqa: PLC0415

    return enroll_authenticator


@pytest.fixture
def otp_reset_limits() -> "Callable[[], None]":
    """The function ``swap_user.testing.reset_limits()``, for use within a test."""
    _need_app()
    from swap_user.testing.limits import reset_limits  # noqa: PLC0415

    return reset_limits


@pytest.fixture
def otp_admin_client(admin_user: Any) -> "Client":
    """
    A test client in which ``admin_user`` of pytest-django is logged in, for the OTP admin site.

    The session has shown a password, a sent code and an authenticator, so every policy is
    satisfied.
    """
    _need_app()
    from django.test import Client  # noqa: PLC0415

    from swap_user.testing.logins import log_in  # noqa: PLC0415

    client = Client()
    log_in(client, admin_user, ALL_FACTORS)
    return client
