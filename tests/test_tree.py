"""The tree stays readable: folders are small, and every module has its layer."""

import re
import tomllib
from pathlib import Path

import pytest

from tests import ROOT

PACKAGE = ROOT / "swap_user"
MOST_FILES = 12
FOLDERS = sorted({path.parent for path in PACKAGE.rglob("*.py")} - {*PACKAGE.rglob("migrations")})

# Folders whose parts each have a layer of their own.
DIVIDED = ("swap_user", "swap_user.otp", "swap_user.otp.pages")

# What no layer needs to name: the four user models have a contract of their own.
WITHOUT_LAYER = re.compile(r"swap_user\.(migrations|to_\w+)")


def dotted(path: Path) -> str:
    """Return the name by which a module or folder is imported."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def layers() -> set[str]:
    """Return every module that the contract `direction` names."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (direction,) = [each for each in config["contracts"] if each["id"] == "direction"]
    return set(re.findall(r"[\w.]+", " ".join(direction["layers"])))


@pytest.mark.parametrize("folder", FOLDERS, ids=dotted)
def test_no_folder_is_too_large(folder):
    """A folder has twelve modules of its own at most; a larger one is divided by what they do."""
    modules = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MOST_FILES, sorted(modules)


def test_every_module_has_a_layer():
    """A module or folder that no layer names could import anything."""
    modules = {
        dotted(path)
        for folder in FOLDERS
        if dotted(folder) in DIVIDED
        for path in folder.iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").is_file()
    }
    placed = {name for name in modules if not WITHOUT_LAYER.fullmatch(name)} - {*DIVIDED}
    assert placed - layers() == set()
