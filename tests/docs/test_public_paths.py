"""What a project reads names public paths only: pages, messages of checks, log lines, errors."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.utils.module_loading import import_string

from swap_user.conf import declared
from swap_user.conf.setting import FlagOrPath
from tests import ROOT
from tests.docs.reading import PAGES

PACKAGE = ROOT / "swap_user"

PATH = re.compile(r"\bswap_user(?:\.\w+)+")

# Ids of checks, permissions of the admin, and the logger.
OTHER_NAMES = re.compile(r"swap_user\.(?:[EW]\d{3}|(?:add|change|delete|view)_\w+|security)")

PRIVATE = [
    f"{folder.parent.relative_to(ROOT).as_posix()}/{folder.name}".replace("/", ".")
    for folder in [PACKAGE / "checks", PACKAGE / "conf", PACKAGE / "management"]
    + [each for each in (PACKAGE / "otp").iterdir() if each.is_dir() and each.name != "__pycache__"]
]

# A page says of these that they are private, or that they are gone since 0.9.8.
SAID_TO_BE_PRIVATE = {"versioning.md": {"swap_user.otp.throttling"}}
GONE = {"coming-from-0.9.8.md": {"swap_user.base_senders"}}


def wrong(text: str) -> set[str]:
    """Return the dotted paths in a text that are private, or that can't be imported."""
    return {path for path in PATH.findall(text) if not is_public(path)}


def is_public(path: str) -> bool:
    if OTHER_NAMES.fullmatch(path):
        return True
    if any(path == private or path.startswith(f"{private}.") for private in PRIVATE):
        return False
    return "._" not in path and is_importable(path)


def is_importable(path: str) -> bool:
    try:
        import_module(path)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("swap_user"):
            return True  # the module needs a package that is not installed here
        try:
            import_string(path)
        except ImportError:
            return False
    return True


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.parent.name != "contributing"],
    ids=lambda page: page.name,
)
def test_pages(page):
    """Each path that a page names is one that a project may import."""
    known = SAID_TO_BE_PRIVATE.get(page.name, set()) | GONE.get(page.name, set())
    assert wrong(page.read_text()) == known


def said(module: Path) -> Iterator[str]:
    """
    Yield the texts of a module that a project reads.

    In private folders, these are exceptions, warnings and log lines. Checks are read as a whole,
    without what they import by its name, and of public modules also the docstrings.
    """
    tree = ast.parse(module.read_text())
    name = module.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    private = any(name.startswith(each) for each in PRIVATE)
    imported = {
        id(call.args[0])
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "import_string"
    }
    for node in ast.walk(tree):
        match node:
            case ast.Raise(exc=ast.Call() as shown):
                yield from texts(shown)
            case ast.Call(func=ast.Attribute(attr="record" | "warn")):
                yield from texts(node)
            case ast.Constant(value=str(text)) if "checks" in module.parts:
                yield "" if id(node) in imported else text
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield "" if private else ast.get_docstring(node) or ""


def texts(call: ast.Call) -> Iterator[str]:
    for node in ast.walk(call):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


MODULES = sorted(PACKAGE.rglob("*.py"))


def test_messages():
    """Errors, warnings, log lines, hints of checks, and the docstrings of public modules."""
    found = {
        (module.relative_to(ROOT).as_posix(), path)
        for module in MODULES
        for text in said(module)
        for path in wrong(text)
    }
    assert found == set()


def test_texts_are_found():
    """The test above reads what it is about."""
    read = {path for module in MODULES for text in said(module) for path in PATH.findall(text)}
    assert {
        "swap_user.otp.views.SignUpForm",  # a hint in a variable
        "swap_user.backends.OTPBackend",  # a log line
        "swap_user.wsgi.drained",  # a docstring
    } <= read
    assert wrong("swap_user.otp.pages.addresses.forms.SignUpForm, swap_user.otp.senders.Nope") == {
        "swap_user.otp.pages.addresses.forms.SignUpForm",
        "swap_user.otp.senders.Nope",
    }


NAMING = [each.name for each in declared() if each.name.endswith("_CLASS")]
NAMING += ["OTP_DISPATCHER", *(each.name for each in declared() if isinstance(each, FlagOrPath))]


@pytest.mark.parametrize("value", ["builtins.dict", "no.such.Thing", "abstract"])
@pytest.mark.parametrize("name", NAMING)
def test_checks_of_classes(settings, name, value):
    """Hints that are made of the class that a setting must name."""
    if value == "abstract":
        value = "swap_user.otp.senders.AbstractOTPSender"
    settings.SWAP_USER = {**settings.SWAP_USER, name: value}
    (found,) = [each for each in run_checks() if each.id.startswith("swap_user.E")]
    assert found.hint
    assert wrong(f"{found.msg} {found.hint}") == set()
    if value == "builtins.dict":
        assert PATH.search(found.hint), found.hint
