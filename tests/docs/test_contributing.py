"""CONTRIBUTING.md is true: its commands, paths and links exist."""

import re
import shlex

from tests import ROOT
from tests.docs.test_links import anchors

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
BLOCKS = re.findall(r"^ *```sh\n(.*?)^ *```", TEXT, re.DOTALL | re.MULTILINE)
COMMANDS = [shlex.split(line, comments=True) for block in BLOCKS for line in block.splitlines()]
COMMANDS += [
    shlex.split(each) for each in re.findall(r"`((?:make|bash|\.venv/bin)[ /][^`]+)`", TEXT)
]


def arguments(*command: str) -> set[str]:
    """Return what the page passes to a command."""
    start = len(command)
    calls = [words[start:] for words in COMMANDS if tuple(words[:start]) == command]
    assert calls, f"the page does not use {command}"
    return {argument for call in calls for argument in call}


def test_make_targets():
    """Each is in the Makefile."""
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert arguments("make") - targets == set()


def test_stages_of_ci():
    """Each is a stage of .ci/run."""
    script = (ROOT / ".ci/run").read_text()
    stages = set(re.findall(r'stage "?([\w.-]+)', script)) | {"django-6.1-py3.13"}
    assert arguments("bash", ".ci/run") - stages == set()


def test_paths():
    """Each path of this repository that a command or a sentence names."""
    words = {word for command in COMMANDS for word in command}
    words |= set(re.findall(r"`([\w.]+/[\w./-]+)`", TEXT))
    own = ("tests/", "docs/", "swap_user/", "scripts/", ".ci/", ".pre-commit")
    paths = {word for word in words if word.startswith(own)}
    assert len(paths) > 20
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_links():
    """Each leads to a file of this repository and to a heading that is there."""
    for target, anchor in re.findall(r"\]\((?!https:)([^)#]*)#?([^)]*)\)", TEXT):
        page = ROOT / (target or "CONTRIBUTING.md")
        assert page.is_file(), target
        assert not anchor or anchor in anchors(page), f"{target}#{anchor}"
