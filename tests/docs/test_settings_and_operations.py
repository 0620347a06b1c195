"""The tables of settings, checks, log lines and commands are those of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests import ROOT
from tests.docs.reading import code, rows


def test_settings():
    """Every setting with its default, in the order of the code, and nothing else."""
    from swap_user.conf import declared

    table = rows("docs/reference/settings.md", "key")
    told = [(code(row[0]), ast.literal_eval(code(row[1]))) for row in table]
    assert told == [(setting.name, setting.default) for setting in declared()]


def test_limits_of_settings():
    """The smallest and the largest number of each."""
    from swap_user.conf import declared
    from swap_user.conf.setting import FlagOrPath

    allowed = {code(row[0]): row[2] for row in rows("docs/reference/settings.md", "key")}
    for setting in declared():
        if isinstance(setting, FlagOrPath):
            assert allowed[setting.name].startswith("`True`, `False`, or dotted path of a ")
        elif isinstance(setting.default, bool):
            assert allowed[setting.name] == "`True` or `False`"
        elif isinstance(setting.default, int):
            end = "or more" if setting.maximum is None else f"to {setting.maximum}"
            assert allowed[setting.name] == f"{setting.minimum} {end}"
    definitions = re.findall(
        r"^- \*\*`(\w+)`\*\*", (ROOT / "docs/reference/settings.md").read_text(), re.MULTILINE
    )
    assert definitions == [setting.name for setting in declared()]


def test_limits():
    """Every limit with its default and its largest number, in the order of the code."""
    from swap_user.conf import SwapUserSettings

    table = rows("docs/reference/settings.md", "limit")
    told = {
        code(name): (ast.literal_eval(code(default)), allowed)
        for name, default, allowed, counted in table
        if counted
    }
    limits = SwapUserSettings.OTP_LIMITS.limits
    assert list(told) == list(limits)
    for name, limit in limits.items():
        none = "" if limit.required else "`None`, or "
        assert told[name] == (limit.default, f"{none}{limit.minimum} to {limit.maximum}")


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


def test_checks_for_deployment():
    """The sentence above the table names exactly those that only `--deploy` runs."""
    from swap_user.checks import deployment

    text = (ROOT / "docs/reference/operations.md").read_text()
    (sentence,) = re.findall(r"runs all checks except (.*?)\. These", text)
    named: set[str] = set()
    for first, last in re.findall(r"`(W\d+)`(?: to `(W\d+)`)?", sentence):
        end = int((last or first)[1:])
        named |= {f"W{number:03}" for number in range(int(first[1:]), end + 1)}
    ids = {check.__doc__.partition(":")[0] for check in deployment.ALL}
    assert named == ids


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
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="audit"), attr="record"),
                    args=[level, ast.Attribute(attr="not_saved")],
                    keywords=fields,
                ):
                    reason = {each.arg: constant(each.value, source, node) for each in fields}
                    parts = " ".join(f"{name}={text or '…'}" for name, text in reason.items())
                    name = ast.unparse(level).removeprefix("logging.")
                    found |= {(name, f"{event}: {parts}") for event in events_of_statements()}
                case ast.Call(func=ast.Attribute(value=ast.Name(id="audit"), attr="record")):
                    raise AssertionError(ast.unparse(node))
    return found


def events_of_statements() -> set[str]:
    """Return what the classes that Redis holds in place of a statement have as ``not_saved``."""
    source = "".join(path.read_text() for path in (ROOT / "swap_user").rglob("*.py"))
    return set(re.findall(r'not_saved: str = field\(default="(.*?)"', source))


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
        case ast.Name(id="_WRONG"):
            from swap_user.otp.verification import verifier

            yield verifier._WRONG
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
    given = {
        text
        for path in (ROOT / "swap_user/otp/verification").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"Refused", "Wrong"}
        for text in words(node.args[0])
    }
    told = {code(row[0]) for row in rows("docs/reference/operations.md", "reason of a refusal")}
    assert told == given


def test_commands():
    """Every command of this package."""
    text = (ROOT / "docs/reference/operations.md").read_text()
    told = set(re.findall(r"^- \*\*`(\w+)", text, re.MULTILINE))
    ours = {path.stem for path in (ROOT / "swap_user/management/commands").glob("[a-z]*.py")}
    assert told - {"createsuperuser", "changepassword"} == ours
