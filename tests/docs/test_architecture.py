"""The architecture page names what is there: modules, stored names, Redis keys, check ids."""

import ast
import re
from collections.abc import Iterator

from tests import ROOT
from tests.checks.test_ids import declared
from tests.docs.reading import code, rows

PAGE = "docs/contributing/architecture.md"
PACKAGE = ROOT / "swap_user"


def tree() -> Iterator[str]:
    """Yield the path of every module in the tree; a folder line may name several folders."""
    (text,) = re.findall(r"```text\n(swap_user/\n.*?)```", (ROOT / PAGE).read_text(), re.DOTALL)
    folders: list[tuple[int, list[str]]] = []
    for line in text.splitlines():
        depth = len(line) - len(line.lstrip())
        names = re.split(r" {2,}", line.strip())[0].split()
        while folders and folders[-1][0] >= depth:
            folders.pop()
        parents = folders[-1][1] if folders else [""]
        paths = [parent + name for parent in parents for name in names]
        if line.strip().startswith(tuple(name for name in names if name.endswith("/"))):
            folders.append((depth, paths))
        else:
            yield from (f"{path}.py" for path in paths)


def nodes() -> Iterator[ast.AST]:
    """Yield every node of the source of the package."""
    for path in PACKAGE.rglob("*.py"):
        yield from ast.walk(ast.parse(path.read_text()))


def test_the_tree_names_every_module():
    """Every module of the package, and no other; packages and migrations are not listed."""
    modules = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py" and path.parent.name != "migrations"
    }
    named = list(tree())
    assert modules - {*named} == set(), "missing in the tree of the page"
    assert {*named} - modules == set(), "not in the package"
    assert len(named) == len({*named})


def test_names_in_sessions_and_requests():
    """Each name that begins with `_swap_user_`, and the cookie."""
    from swap_user.otp.visitors.known_browsers import COOKIE

    texts = {
        node.value
        for node in nodes()
        if isinstance(node, ast.Constant) and re.fullmatch(r"_swap_user_\w+", str(node.value))
    }
    assert {code(row[0]) for row in rows(PAGE, "name")} == texts | {COOKIE}


def test_redis_keys():
    """The first part of each key, as `redis_key` is given it."""
    parts = {
        text
        for function in nodes()
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name | ast.Attribute)
        and ast.unparse(node.func).split(".")[-1] == "redis_key"
        for text in texts(node.args[1], function)
    }
    assert {code(row[0]).split(":")[0] for row in rows(PAGE, "key")} == parts


def texts(value: ast.expr, function: ast.FunctionDef) -> list[str]:
    """Return the texts that an argument may be: a constant, or a parameter that is a Literal."""
    if isinstance(value, ast.Constant):
        return [str(value.value)]
    (annotation,) = [
        ast.unparse(each.annotation)
        for each in function.args.args
        if each.arg == ast.unparse(value) and each.annotation
    ]
    assert annotation.startswith("Literal["), annotation
    return re.findall(r"'(\w+)'", annotation)


def test_check_ids():
    """Each id with its check, in order."""
    listed = [(code(row[0]), code(row[2]).split(".")[1]) for row in rows(PAGE, "check id")]
    assert listed == sorted(declared())
    newest = [max(check_id for check_id, _ in listed if check_id[0] == kind) for kind in "EW"]
    free = [f"`{check_id[0]}{int(check_id[1:]) + 1:03}`" for check_id in newest]
    assert f"The next ones are {' and '.join(free)}." in (ROOT / PAGE).read_text()


def test_files_and_modules_exist():
    """Every path that the page names in backticks is in the package or in the repository."""
    for path in re.findall(r"`([\w/]+/[\w/.]*)`", (ROOT / PAGE).read_text()):
        homes = (ROOT, PACKAGE, PACKAGE / "otp")
        found = any((home / f"{path}{end}").exists() for home in homes for end in ("", ".py"))
        assert found or path == "otp/pages/account", path


def test_names_of_state_exist():
    """A name that a row gives together with its module is defined there."""
    for line in (ROOT / PAGE).read_text().splitlines():
        if not (line.startswith("| ") and (match := re.search(r"(`.+) in `([\w/]+\.py)`", line))):
            continue
        source = next(
            (home / match[2]).read_text()
            for home in (PACKAGE, PACKAGE / "otp")
            if (home / match[2]).exists()
        )
        for name in re.findall(r"`([\w.]+)`", match[1]):
            assert re.search(rf"\b{name.split('.')[-1]}\b", source), (name, match[2])
