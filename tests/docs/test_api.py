"""The tables of names, models, pages and templates are those of the code."""

from __future__ import annotations

import inspect
import re

from tests import ROOT
from tests.docs.reading import code, rows


def test_public_names():
    """What `swap_user.otp` offers is in the reference, and nothing else."""
    from swap_user import otp

    told = {code(row[0]).partition("(")[0] for row in rows("docs/reference/api.md", "name")}
    senders = {"AbstractOTPSender", "StdOutOTPSender", "EmailOTPSender", "AbstractSMSOTPSender"}
    assert told - senders == set(otp.__all__)


def test_names_in_other_modules():
    """Each is where the reference says, and takes what it says."""
    from django.utils.module_loading import import_string

    for name, *_ in rows("docs/reference/api.md", "where"):
        path, _, arguments = code(name).partition("(")
        told = [each.split("=")[0] for each in re.findall(r"[\w=]+", arguments)]
        try:
            named = import_string(path)
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("swap_user"):
                raise
            continue  # an adapter whose package is not installed here, but in the stage `docs`
        if told:
            assert list(inspect.signature(named).parameters) == told


def test_helpers_of_tests():
    """What `swap_user.testing` offers, and the arguments of its functions; the fixtures."""
    from swap_user import testing
    from swap_user.testing import plugin

    told = [code(row[0]).partition("(") for row in rows("docs/reference/api.md", "helper")]
    assert sorted(name for name, *_ in told) == sorted(testing.__all__)
    for name, _, arguments in told:
        if arguments:
            names = re.findall(r"(\w+)(?:=[^,()]+|=\([^)]*\))?[,)]", arguments)
            assert names == list(inspect.signature(getattr(testing, name)).parameters), name
    fixtures = {code(row[0]) for row in rows("docs/howto/testing.md", "fixture")}
    assert fixtures == {name for name in vars(plugin) if name.startswith("otp_")}


def test_enrollment():
    """What an enrollment offers, and what it is begun with."""
    from swap_user.otp import enroll
    from swap_user.otp.verification.enrollment import Enrollment

    told = {code(row[0]).partition("(")[0] for row in rows("docs/reference/api.md", "enrollment")}
    assert told == {name for name in dir(Enrollment) if not name.startswith("_")}
    arguments = [
        name
        for row in rows("docs/howto/authenticators.md", "argument")
        for name in re.findall(r"`(\w+)`", row[0])
    ]
    assert arguments == list(inspect.signature(enroll).parameters)[1:]


def test_signals():
    """Every signal, and what it is sent with."""
    from django.dispatch import Signal

    from swap_user import signals

    told = {code(row[0]) for row in rows("docs/reference/api.md", "signal")}
    assert told == {name for name, value in vars(signals).items() if isinstance(value, Signal)}


def test_policies():
    """Every policy that comes with the package."""
    from swap_user.otp import policies

    told = {code(row[0]) for row in rows("docs/howto/policies.md", "policy")}
    shipped = [
        each
        for each in vars(policies).values()
        if inspect.isclass(each) and issubclass(each, policies.AnyCode)
    ]
    assert told == {f"{each.__module__}.{each.__name__}" for each in shipped}


def test_fields_of_the_models():
    """Every field of both."""
    from swap_user.models import Authenticator, RecoveryCode

    told = [
        name
        for row in rows("docs/reference/api.md", "field")
        for name in re.findall(r"`(\w+)`", row[0])
    ]
    assert told == [each.name for each in (*Authenticator._meta.fields, *RecoveryCode._meta.fields)]


def test_user_models():
    """The four models, where their bases are, and the name that settings give them."""
    from django.utils.module_loading import import_string

    for _, setting, base in rows("docs/reference/api.md", "model"):
        assert (
            import_string(code(base)).__name__
            == "Abstract" + code(setting).strip('"').split(".")[1]
        )
    told = {f"{code(row[1])}.{code(row[0])}" for row in rows("docs/howto/user-model.md", "base")}
    assert told == {code(row[2]) for row in rows("docs/reference/api.md", "model")}


def test_addresses():
    """The names and paths of the pages."""
    from django.urls import reverse

    for name, path, _ in rows("docs/reference/pages.md", "URL name"):
        assert reverse(code(name)) == f"/admin/{code(path)}"


def test_addresses_of_sign_in_methods():
    """The names and paths of those pages."""
    from swap_user.otp.admin.pages import PAGES

    told = [(code(row[0]), code(row[1])) for row in rows("docs/reference/pages.md", "page")]
    assert told == [(f"admin:{page.name}", page.route) for page in PAGES]


def test_addresses_of_own_pages():
    """The names and paths in the contract, and those of the table above with another prefix."""
    from swap_user.otp.urls import app_name, urlpatterns

    named = {each.name: str(each.pattern) for each in urlpatterns}
    told = {code(row[0]): code(row[1]) for row in rows("docs/reference/pages.md", "own page")}
    for row in rows("docs/reference/pages.md", "page"):
        name = code(row[0]).replace("admin:", "swap_user:")
        told[name] = code(row[1]).replace("sign-in-methods/sessions/", "sessions/")
    assert told == {f"{app_name}:{name}": route for name, route in named.items()}


def test_variables_of_the_stylesheet():
    """Those that the stylesheet sets on the root."""
    text = (ROOT / "swap_user/static/swap_user/pages.css").read_text()
    root = text[text.index(":where(:root) {") : text.index("}")]
    told = [
        name
        for row in rows("docs/reference/pages.md", "CSS variable")
        for name in re.findall(r"--[\w-]+", row[0])
    ]
    assert sorted(told) == sorted(re.findall(r"(--[\w-]+):", root))


def test_blocks_of_the_base_template():
    """Those that a template of a project can fill."""
    text = (ROOT / "swap_user/templates/swap_user/base.html").read_text()
    told = [code(row[0]) for row in rows("docs/reference/pages.md", "block")]
    assert sorted(told) == sorted(re.findall(r"{% block (\w+) %}", text))


def test_templates():
    """Every template that the pages name is there."""
    templates = ROOT / "swap_user/templates"
    named = {
        code(row[0]) for page in ("docs/reference/pages.md",) for row in rows(page, "template")
    }
    assert named >= {code(row[0]) for row in rows("docs/howto/email.md", "template")}
    for name in named:
        assert (templates / name).is_file(), name


def test_attributes_of_the_admin_site():
    """Those that the mixin itself defines."""
    from swap_user.otp.sites import OTPAdminSiteMixin

    told = {code(row[0]) for row in rows("docs/reference/pages.md", "attribute")}
    assert told == {
        name
        for name, value in vars(OTPAdminSiteMixin).items()
        if name.startswith("otp_") and not callable(value)
    }


def test_addresses_of_pages_about_other_users():
    """The names and paths of those pages."""
    from swap_user.otp.admin.pages import USER_PAGES

    told = [(code(row[0]), code(row[1])) for row in rows("docs/reference/pages.md", "staff page")]
    assert told == [(f"admin:{page.name}", page.route) for page in USER_PAGES]
