"""
The documentation is true: its blocks run, its tables are the code's, its links lead somewhere.

A page's blocks build projects. Comments in the page, which no reader sees, say which:

    <!-- project: NAME -->              what follows belongs to this project (`startproject`)
    <!-- project: NAME, from OTHER -->  likewise, but it begins with all files of another one
    <!-- django >= 6.1 -->              the next block is for these versions of Django (or `< 6.1`)
    <!-- not run: REASON -->            the next block isn't run

Tabs are for readers only: a block in a tab is read like any other. Tabs for versions of Django hold
the comment of that version, tabs for ways to do a thing each name a project of their own.

A block's title is its file. The blocks of `mysite/settings.py` are added to what `startproject`
wrote, those of any other file replace it; lines of `sh` are run in the order of the page. When a
project is complete, Django checks it, without a warning, and its scenario in scenarios.py uses
it.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import django
import pytest

from tests import ROOT
from tests.docs.scenarios import SCENARIOS

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

SETTINGS = "mysite/settings.py"
REDIS_URL = "redis://127.0.0.1:6379"

# --- Reading ---

_TOKEN = re.compile(
    r"""
      ^(?P<indent>[ ]*)```(?P<language>\w*)(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=indent)```[ ]*$
    | ^[ ]*<!--[ ]*(?P<comment>[^\n]*?)[ ]*-->[ ]*$
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
_FENCED = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
_PROJECT = re.compile(r"project: ([\w-]+)(?:, from ([\w-]+))?")
_VERSION = re.compile(r"django (>=|<) (\d+)\.(\d+)")


@dataclass
class Block:
    """What stands between two fences."""

    page: Path
    line: int
    language: str
    title: str
    body: str
    not_run: str = ""
    project: str = ""

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """The lines of a block of `sh`, without comments."""
        lines = (line.split("  #")[0].strip() for line in self.body.splitlines())
        return [line for line in lines if line and not line.startswith("#")]


@dataclass
class Project:
    """The blocks that belong together, in the order of the page."""

    name: str
    base: str = ""
    blocks: list[Block] = field(default_factory=list)


def dedent(body: str, indent: str) -> str:
    return "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True))


def read_page(page: Path, projects: dict[str, Project]) -> Iterator[Block]:
    """Yield the blocks of a page, and put those that are to be run into their projects."""
    text = page.read_text()
    project: Project | None = None
    for_this_version, not_run = True, ""
    for token in _TOKEN.finditer(text):
        comment = token["comment"]
        if comment is None:
            title = re.search(r'title="([^"]+)"', token["info"])
            block = Block(
                page=page,
                line=text.count("\n", 0, token.start()) + 1,
                language=token["language"],
                title=title[1] if title else "",
                body=dedent(token["body"], token["indent"]),
                not_run=not_run,
                project=project.name if project else "",
            )
            yield block
            if project and for_this_version and not not_run:
                project.blocks.append(block)
            for_this_version, not_run = True, ""
        elif named := _PROJECT.fullmatch(comment):
            name, base = named[1], named[2] or ""
            project = projects.setdefault(name, Project(name, base))
        elif version := _VERSION.fullmatch(comment):
            new_enough = django.VERSION[:2] >= (int(version[2]), int(version[3]))
            for_this_version = new_enough == (version[1] == ">=")
        elif comment.startswith("not run: "):
            not_run = comment.removeprefix("not run: ")
        else:
            raise ValueError(f"{page.name}: what is {comment!r}?")


def read_pages() -> tuple[list[Block], dict[str, Project]]:
    projects: dict[str, Project] = {}
    blocks = [block for page in PAGES for block in read_page(page, projects)]
    return blocks, projects


BLOCKS, PROJECTS = read_pages()


def rows(page: str, first_column: str) -> list[list[str]]:
    """Return the cells of every table of a page whose first column has this heading."""
    found = []
    for table in re.findall(r"(?:^\|.*\|\n)+", (ROOT / page).read_text(), re.MULTILINE):
        cells = [[c.strip() for c in row.strip("|").split(" | ")] for row in table.splitlines()]
        if cells[0][0].strip("| ") == first_column:
            found += [[c.strip("| ") for c in row] for row in cells[2:]]
    assert found, f"{page} has no table of {first_column!r}"
    return found


def code(cell: str) -> str:
    """Return what stands in backticks."""
    (text,) = re.findall(r"`([^`]+)`", cell)
    return text


# --- Every block ---


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_every_block_is_run_or_says_why_not(block, tmp_path):
    """Nothing is printed that nobody has tried."""
    if block.not_run:
        return
    if block.language == "sh":
        for command in block.commands:
            known = block.project if command.startswith(MANAGE) else runner(command)
            assert known, f"{block.where}: what is {command!r}, or in which project?"
            if not block.project:
                runner(command)(command, tmp_path, {})
        return
    assert block.title, f"{block.where}: which file is this? Or why is it not run?"
    assert block.project, f"{block.where}: of which project is this?"
    assert block.language in ("python", "html", "text"), f"{block.where}: in what language is this?"


def test_no_block_is_overlooked():
    """As many blocks were read as there are fences; none is written in another way."""
    for page in PAGES:
        text = page.read_text()
        mine = [block for block in BLOCKS if block.page == page]
        assert text.count("```") == 2 * len(mine), page
        assert "~~~" not in text, page


# What opens or closes a directive of MyST; `{tab} title` and the like follow it.
_COLONS = re.compile(r"^ *(:{3,})(.*)$", re.MULTILINE)


def wrong_directives(text: str) -> Iterator[str]:
    """Yield what is wrong with the directives of a page, which Sphinx would read otherwise."""
    opened: list[int] = []
    for line in _COLONS.finditer(_FENCED.sub("", text)):
        colons, directive = len(line[1]), line[2].strip()
        if directive:
            if not re.match(r"\{[\w-]+\}", directive):
                yield f"{directive!r} is no directive"
            if opened and colons >= opened[-1]:
                yield f"{directive!r} needs fewer colons than what it is in"
            opened.append(colons)
        elif not opened or colons != opened.pop():
            yield f"{line[0]!r} closes nothing"
    if opened:
        yield f"{len(opened)} directives are left open"
    yield from re.findall(r"^ *(?:!!!|\?\?\?\+?|===) .*$", text, re.MULTILINE)  # as in MkDocs


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_directives(page):
    """Each is closed, with as many colons, and what is in it has fewer."""
    assert list(wrong_directives(page.read_text())) == []


@pytest.mark.parametrize(
    "text",
    [
        ":::{tab} One\ntext\n",
        ":::{tab} One\ntext\n::::\n",
        ":::{tab} One\n::::{note}\ntext\n::::\n:::\n",
        "text\n:::\n",
        "::: tab\n:::\n",
        '!!! warning "Title"\n\n    text\n',
        '=== "One"\n\n    text\n',
    ],
)
def test_wrong_directives_are_found(text):
    """Of what Sphinx takes without a word, too."""
    assert list(wrong_directives(text))


def test_readme_is_for_github():
    """It has none of what only Sphinx knows."""
    text = _FENCED.sub("", (ROOT / "README.md").read_text())
    assert not _COLONS.search(text)
    assert not re.search(r"\)\{[.#:]", text)


TABS = """
<!-- project: shop -->

```sh
python manage.py check
```

::::{tab} Email
<!-- project: shop-email, from shop -->

```python title="mysite/settings.py"
KNOWN_BY = "email"
```

:::{warning}
```sh
python manage.py migrate
```
:::
::::

::::{tab} Phone
<!-- project: shop-phone, from shop -->

- In a list:

  ```python title="mysite/settings.py"
  KNOWN_BY = "phone"
  ```
::::

:::{tab} Django 6.0 or later
<!-- django >= 6.0 -->

```python title="mysite/settings.py"
VERSION = "new"
```
:::

:::{tab} Django 5.2
<!-- django < 6.0 -->

```python title="mysite/settings.py"
VERSION = "old"
```
:::
"""


def test_blocks_in_tabs_are_run(tmp_path):
    """Each in the project that its tab names, and for its versions of Django."""
    page = tmp_path / "page.md"
    page.write_text(TABS)
    projects: dict[str, Project] = {}
    assert len(list(read_page(page, projects))) == 6
    version = "new" if django.VERSION >= (6, 0) else "old"
    assert {name: [block.body for block in each.blocks] for name, each in projects.items()} == {
        "shop": ["python manage.py check\n"],
        "shop-email": ['KNOWN_BY = "email"\n', "python manage.py migrate\n"],
        "shop-phone": ['KNOWN_BY = "phone"\n', f'VERSION = "{version}"\n'],
    }
    assert {projects[name].base for name in ("shop-email", "shop-phone")} == {"shop"}


@pytest.mark.parametrize(
    "block", [b for b in BLOCKS if b.language == "python"], ids=lambda b: b.where
)
def test_python_fits_a_page(block):
    """It compiles, whichever Django it is for, and no line must be scrolled."""
    compile(block.body, block.where, "exec")
    assert max(map(len, block.body.splitlines())) <= 100


# --- Shell ---


class Django:
    """Runs commands and scenarios of projects; see scenarios.py."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.docs.scenarios"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, commands: list[str], folder: Path, env: dict[str, str], scenario: str) -> None:
        """Run commands of the project in this folder, and a scenario after them."""
        output = folder.parent / "output"
        request = {
            "folder": str(folder),
            "env": env,
            "commands": [command.removeprefix("python ") for command in commands],
            "scenario": scenario,
            "output": str(output),
        }
        print(json.dumps(request), file=self._process.stdin, flush=True)
        status = self._process.stdout.readline().strip()
        assert status == "0", f"{commands} {scenario}: {status}\n{output.read_text()}"

    def end(self) -> None:
        self._process.communicate(timeout=10)


@pytest.fixture(scope="module")
def projects_django():
    """A Django without settings, for projects to use."""
    server = Django()
    yield server
    server.end()


def install(command: str, *_: object) -> None:
    """See that it installs a clone; doing so is another test's business (test_packaging.py)."""
    assert command == "pip install ../" + pyproject()["project"]["name"]


def start_project(command: str, *_: object) -> None:
    """Every project begins with this, see `start`."""
    assert command == "django-admin startproject mysite ."


def make(command: str, *_: object) -> None:
    """See that there is such a target; the commands themselves have tests of their own."""
    target = command.split()[1]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


MANAGE = "python manage.py "
MAKE_KEY = MANAGE + "generate_otp_key"
_RUNNERS: dict[str, Callable[..., None]] = {
    "pip install ": install,
    "django-admin startproject ": start_project,
    "make ": make,
}


def runner(command: str) -> Callable[..., None] | None:
    return next((run for start, run in _RUNNERS.items() if command.startswith(start)), None)


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


# --- Every project ---

# The provider's client that the pages say is the reader's own.
PUSH_API = """
sent = []


class PushAPI:
    @staticmethod
    def send(to, title, text):
        sent.append((to, title, text))
"""
BROUGHT_ALONG = {
    "senders": {"mysite/push.py": PUSH_API},
}


def start(folder: Path) -> None:
    """Do what `django-admin startproject mysite .` does."""
    from django.core.management.templates import TemplateCommand

    folder.mkdir()
    TemplateCommand().handle("project", "mysite", str(folder), **_START_OPTIONS)


_START_OPTIONS: dict[str, Any] = {
    "verbosity": 0,
    "template": None,
    "extensions": ["py"],
    "files": [],
    "exclude": None,
    "secret_key": "only for this test, and long enough for every check of Django: 5Zq!x8R0mVw2",
}


def lineage(name: str) -> list[Project]:
    project = PROJECTS[name]
    return [*(lineage(project.base) if project.base else []), project]


def build(name: str, folder: Path, redis_url: str, runs: Django, *, commands: bool) -> Built:
    """
    Make the project `name` by following its page.

    Args:
        name: which.
        folder: where; made here.
        redis_url: the server to use in place of the one in the pages.
        runs: what runs it.
        commands: run what the page itself, not the pages before it, says to run.
    """
    start(folder)
    env = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    env |= {"PYTHONPATH": str(ROOT), "SECRET_KEY": _START_OPTIONS["secret_key"] + "even longer"}
    built = Built(folder, env, runs)
    (*ancestors, last) = lineage(name)
    for project in (*ancestors, last):
        for path, text in BROUGHT_ALONG.get(project.name, {}).items():
            (folder / path).write_text(text)
        for block in project.blocks:
            if block.language != "sh":
                built.write(block.title, block.body.replace(REDIS_URL, redis_url))
            elif commands and project is last:
                built.run(block.commands)
    return built


@dataclass
class Built:
    """A project on disk."""

    folder: Path
    env: dict[str, str]
    django: Django
    waiting: list[str] = field(default_factory=list)

    def run(self, commands: list[str]) -> None:
        """Run commands; those of the project wait until it changes, and then share a process."""
        for command in commands:
            if command.startswith(MANAGE):
                self.waiting.append(command)
            else:
                runner(command)(command, self.folder, self.env)
            if command == MAKE_KEY:
                # What it printed is what the pages keep in the environment.
                self.catch_up()
                output = (self.folder.parent / "output").read_text()
                self.env["OTP_ENCRYPTION_KEYS"] = output.split()[-1]

    def catch_up(self) -> None:
        """Run the commands that wait."""
        if self.waiting:
            self.django.run(self.waiting, self.folder, self.env, "")
            self.waiting = []

    def write(self, title: str, text: str) -> None:
        """Write a block to its file."""
        self.catch_up()
        path = self.folder / title
        path.parent.mkdir(parents=True, exist_ok=True)
        if title == SETTINGS:
            text = f"{path.read_text()}\n{text}"
        path.write_text(text)

    def use(self, scenario: str) -> None:
        """Check the project and run its scenario."""
        self.django.run(self.waiting, self.folder, self.env, scenario)


@pytest.mark.parametrize("name", PROJECTS)
def test_project_of_the_pages_works(name, tmp_path, shared_redis, projects_django):
    """Followed to the letter, a page leads to where it says."""
    folder = tmp_path / "project"
    build(name, folder, shared_redis.url, projects_django, commands=True).use(name)


def test_every_scenario_has_its_project():
    """A scenario whose project is gone would be run by nobody."""
    assert set(SCENARIOS) <= {*PROJECTS, "log_in_by_phone"}


# What the README's comments offer in place of a line of its settings.
DJANGO_REDIS = re.compile(r'# "(\S+)" works as BACKEND too\n( +"BACKEND": )"[^"]+"')
MODEL_BACKEND = re.compile(r"# (\S+)  # add it for a model with a password")
MODELS = rows("README.md", "log in with")


def change(pattern: re.Pattern[str], replacement: str, text: str) -> str:
    """Replace the one place where the pattern is found."""
    changed, number = pattern.subn(replacement, text)
    assert number == 1, pattern.pattern
    return changed


@pytest.mark.parametrize("cache", ["django", "django-redis"])
@pytest.mark.parametrize("row", MODELS, ids=lambda row: code(row[2]))
def test_all_four_models_of_the_readme(row, cache, tmp_path, shared_redis, projects_django):
    """The steps with each row of the table in place of the first, on both cache backends."""
    name, password, app, model = row
    folder = tmp_path / "project"
    built = build("readme", folder, shared_redis.url, projects_django, commands=False)
    settings = folder / SETTINGS
    (first, *_) = MODELS
    text = settings.read_text().replace(f'"{code(first[2])}"', f'"{code(app)}"')
    text = text.replace(f'"{code(first[3])}"', f'"{code(model)}"')
    if cache == "django-redis":
        text = change(DJANGO_REDIS, r'\n\2"\1"', text)
    if password == "yes":
        text = change(MODEL_BACKEND, r"\1", text)
    if name == "phone":
        text += 'SWAP_USER = {"OTP_SENDER_CLASS": "swap_user.testing.MemoryOTPSender"}\n'
    settings.write_text(text)
    built.use("log_in_by_phone" if name == "phone" else "readme")


# --- Tables ---


def test_settings():
    """Every setting with its default, in the order of the code, and nothing else."""
    from swap_user.conf import declared

    table = rows("docs/reference/settings.md", "key")
    told = [(code(row[0]), ast.literal_eval(code(row[1]))) for row in table]
    assert told == [(setting.name, setting.default) for setting in declared()]


def test_limits_of_settings():
    """The smallest and the largest number of each."""
    from swap_user.conf import declared

    allowed = {code(row[0]): row[2] for row in rows("docs/reference/settings.md", "key")}
    for setting in declared():
        if isinstance(setting.default, bool):
            assert allowed[setting.name] == "`True` or `False`"
        elif isinstance(setting.default, int):
            end = "or more" if setting.maximum is None else f"to {setting.maximum}"
            assert allowed[setting.name] == f"{setting.minimum} {end}"
    definitions = re.findall(
        r"^- \*\*`(\w+)`\*\*", (ROOT / "docs/reference/settings.md").read_text(), re.MULTILINE
    )
    assert definitions == [setting.name for setting in declared()]


def test_keywords_of_senders():
    """What a sender is given."""
    source = ast.parse((ROOT / "swap_user/otp/delivery/send_code_job.py").read_text())
    (call,) = [
        node
        for node in ast.walk(source)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "send"
    ]
    told = [code(row[0]) for row in rows("docs/howto/senders.md", "keyword")]
    assert told == [keyword.arg for keyword in call.keywords]


def test_check_ids():
    """Every id of a system check, once."""
    source = "".join(path.read_text() for path in (ROOT / "swap_user/checks").glob("*.py"))
    told = [code(row[0]) for row in rows("docs/reference/operations.md", "id")]
    assert told == sorted(set(re.findall(r'"(swap_user\.[EW]\d+)"', source)))


def test_settings_of_the_former_version():
    """Every setting that went, and what took its place."""
    from swap_user.conf.renamed import FORMER

    told = {code(row[0]): row[1] for row in rows("docs/coming-from-0.9.8.md", "setting")}
    assert told.keys() == FORMER.keys()
    for name, successor in FORMER.items():
        assert told[name] == f"`{successor}`" if successor else told[name].startswith("gone")


def logged() -> set[tuple[str, str]]:
    """Return the level and the words of every line that the security logger can write."""
    found = set()
    for path in (ROOT / "swap_user").rglob("*.py"):
        source = path.read_text()
        # There is one way to it.
        assert path.name == "audit.py" or 'getLogger("swap_user.security")' not in source
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="audit"), attr="record"),
                    args=[level, ast.Constant(value=str(event))],
                    keywords=fields,
                ):
                    reason = {each.arg: constant(each.value, source, node) for each in fields}
                    parts = " ".join(f"{name}={text or '…'}" for name, text in reason.items())
                    found.add((ast.unparse(level).removeprefix("logging."), f"{event}: {parts}"))
                case ast.Call(func=ast.Attribute(value=ast.Name(id="audit"), attr="record")):
                    raise AssertionError(ast.unparse(node))
    return found


def constant(value: ast.expr, source: str, call: ast.Call) -> str:
    """Return the text that a part of a log line always is, "" if it varies."""
    if isinstance(value, ast.Constant):
        return str(value.value)
    before = source.splitlines()[call.lineno - 2].strip()
    if isinstance(value, ast.Name) and before.startswith(f'{value.id} = "'):
        return str(ast.literal_eval(before.partition(" = ")[2]))
    return ""


def test_log_lines():
    """Every line of the security logger."""
    told = {(row[0], code(row[1])) for row in rows("docs/reference/operations.md", "level")}
    assert told == logged()


def words(node: ast.expr) -> Iterator[str]:
    """Yield the texts that an expression may be, with "…" for what is filled in."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp():
            yield from (*words(node.body), *words(node.orelse))
        case ast.JoinedStr():
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values
            )
        case _:
            raise ValueError(ast.dump(node))


def test_reasons_of_refusals():
    """Every reason that a refusal is logged with."""
    source = ast.parse((ROOT / "swap_user/otp/verification/verifier.py").read_text())
    given = {
        text
        for node in ast.walk(source)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_Refused"
        for text in words(node.args[0])
    }
    told = {code(row[0]) for row in rows("docs/reference/operations.md", "reason of a refusal")}
    assert told == given


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
        named = import_string(path)
        if told:
            assert list(inspect.signature(named).parameters) == told


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


def test_commands():
    """Every command of this package."""
    text = (ROOT / "docs/reference/operations.md").read_text()
    told = set(re.findall(r"^- \*\*`(\w+)", text, re.MULTILINE))
    ours = {path.stem for path in (ROOT / "swap_user/management/commands").glob("[a-z]*.py")}
    assert told - {"createsuperuser", "changepassword"} == ours


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
    from swap_user.otp.pages.methods.urls import PAGES

    told = [(code(row[0]), code(row[1])) for row in rows("docs/reference/pages.md", "page")]
    assert told == [(f"admin:{page.name}", page.route) for page in PAGES]


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


def test_requirements_and_their_tests():
    """Every row is there, and each module that it names has a test that shows it."""
    told = [row for row, *_ in rows("docs/topics/security.md", "row")]
    assert told == [f"R{number}" for number in range(1, 42)]
    for row, _, modules in rows("docs/topics/security.md", "row"):
        for module in re.findall(r"`([^`]+)`", modules):
            marks = re.findall(r"\brequirement\(([^)]*)\)", (ROOT / module).read_text())
            assert any(f'"{row}"' in mark for mark in marks), f"{module} does not show {row}"


def test_supported_versions():
    """Those of the classifiers."""
    (said,) = re.findall(r"^Django .*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    versions = re.compile(r"(?:Framework :: Django|Programming Language :: Python) :: (\d\.\d+)")
    for classifier in pyproject()["project"]["classifiers"]:
        if found := versions.fullmatch(classifier):
            assert re.search(rf"\b{re.escape(found[1])}\b", said), classifier


# --- Links ---

_PROSE = re.compile(r"^ *```.*?^ *```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(
    r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$|(?:src|srcset|href)=\"([^\"]+)\"", re.MULTILINE
)
# A page or an image of this repository, as PyPI's copy of the README points to it.
_PUBLISHED = re.compile(r"https://github\.com/[\w-]+/[\w-]+/(?:blob|raw)/main/")


def links(page: Path) -> list[str]:
    return ["".join(groups) for groups in _LINK.findall(_PROSE.sub("", page.read_text()))]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", page.read_text()), re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_images(page):
    """What a page points to inside this repository is there."""
    for link in links(page):
        target, _, anchor = link.partition("#")
        if published := _PUBLISHED.match(target):
            there = ROOT / target[published.end() :]
        elif target.startswith("https://"):
            continue
        else:
            there = (page.parent / target).resolve() if target else page
        assert there.is_file(), f"{page.name} points to {target}"
        if there.suffix == ".md" and anchor:
            assert anchor in anchors(there), f"{page.name} points to {target}#{anchor}"


def test_links_of_the_readme_work_on_pypi():
    """None is relative, each is used, and those to this project name its repository."""
    text = (ROOT / "README.md").read_text()
    repository = pyproject()["project"]["urls"]["Source"]
    for link in links(ROOT / "README.md"):
        assert link.startswith(("#", f"{repository}/blob/main/", f"{repository}/raw/main/")), link
    defined = re.findall(r"^\[([^\]]+)\]: ", text, re.MULTILINE)
    assert set(re.findall(r"\]\[([^\]]+)\]", text)) == set(defined)


def test_links_of_the_package():
    """What PyPI shows beside the README: pages of this repository, and its issues."""
    urls = pyproject()["project"]["urls"]
    repository = urls["Source"]
    assert set(urls) >= {"Homepage", "Documentation", "Changelog", "Issues", "Security"}
    for url in urls.values():
        if published := _PUBLISHED.match(url):
            assert (ROOT / url[published.end() :]).is_file(), url
        assert url in (repository, f"{repository}/issues") or url.startswith(f"{repository}/blob/")


def test_every_page_is_in_the_menu():
    """Once, and the menu names no other; the first page holds the menu."""
    toctrees = re.findall(
        r"^:::\{toctree\}\n(.*?)^:::$",
        (ROOT / "docs/index.md").read_text(),
        re.DOTALL | re.MULTILINE,
    )
    lines = [line for each in toctrees for line in each.splitlines() if line and line[0] != ":"]
    named = [re.sub(r"^.*<(.*)>$", r"\1", line) for line in lines]
    pages = {str(page.relative_to(ROOT / "docs").with_suffix("")) for page in PAGES[1:]}
    assert sorted(named) == sorted(pages - {"index"})
