"""What is built is whole, and works where nothing else is installed."""

import importlib.util
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from pathlib import Path
from types import SimpleNamespace

import pytest

import swap_user
from tests import ROOT
from tests.services import missing


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command, and return what it prints."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def source_files() -> set[str]:
    """Return every file of the package as it is here."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "swap_user").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> SimpleNamespace:
    """Build the source distribution, and from that the wheel."""
    for needed in ("build", "hatchling"):
        if importlib.util.find_spec(needed) is None:
            missing(f"{needed} is not installed: pip install -e '.[test]'")
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    return SimpleNamespace(wheel=next(out.glob("*.whl")), sdist=next(out.glob("*.tar.gz")))


def test_wheel_has_the_whole_package_and_nothing_else(built):
    """Templates, static files, migrations and py.typed are in it; tests and demo are not."""
    with zipfile.ZipFile(built.wheel) as wheel:
        names = set(wheel.namelist())
    info = {name for name in names if ".dist-info/" in name}
    assert names - info == source_files()
    assert "swap_user/py.typed" in names
    assert any(name.endswith(".html") for name in names)
    assert any("/static/" in name for name in names)
    assert {f"swap_user/to_{app}/migrations/0001_initial.py" for app in ("email", "phone")} < names
    assert any(name.endswith("licenses/LICENSE") for name in info)


def test_metadata(built):
    """The version is the package's own, and Python is new enough."""
    with zipfile.ZipFile(built.wheel) as wheel:
        (path,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = message_from_string(wheel.read(path).decode())
    assert metadata["Name"] == "django-swap-user"
    assert metadata["Version"] == swap_user.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"


def test_source_distribution_can_be_tested(built):
    """It has the package, its tests, and what runs them."""
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert source_files() <= names
    assert {"pyproject.toml", "README.md", "LICENSE", "Makefile", "scripts/test"} <= names
    assert {"tests/conftest.py", "demo/__main__.py"} <= names
    assert not [name for name in names if name.startswith(("demo/.data", ".venv"))]


@pytest.mark.heavy
def test_wheel_works_in_an_environment_of_its_own(built, tmp_path):
    """Installed with what it declares and no more, it imports with nothing configured."""
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=tmp_path)
    python = venv / "bin" / "python"
    if uv := shutil.which("uv", path=Path(sys.executable).parent):
        run(uv, "pip", "install", "--quiet", "--python", python, built.wheel, cwd=tmp_path)
    else:
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "-qq", "--no-compile"]
        run(*pip, built.wheel, cwd=tmp_path)
    said = run(python, "-c", "import swap_user; print(swap_user.__file__)", cwd=tmp_path)
    assert Path(said.strip()).is_relative_to(venv)
    settings = (
        "from django.conf import settings\n"
        "settings.configure(INSTALLED_APPS=['swap_user.apps.OTPSiteConfig', 'django.contrib.auth',"
        " 'django.contrib.contenttypes', 'django.contrib.sessions', 'django.contrib.messages',"
        " 'swap_user', 'swap_user.to_phone_otp'],"
        " AUTH_USER_MODEL='swap_to_phone_otp.PhoneOTPUser', SECRET_KEY='x')\n"
        "import django; django.setup()\n"
        "from django.contrib.auth import get_user_model\n"
        "print(get_user_model().__name__)\n"
    )
    assert run(python, "-c", settings, cwd=tmp_path) == "PhoneOTPUser\n"
