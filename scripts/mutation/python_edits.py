"""The small changes that are made to Python code, one at a time."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from scripts.mutation.lua_edits import SMALL

SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Add,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitAnd,
}

# Annotations do nothing, and decorators are left as they are.
SKIPPED_FIELDS = {"annotation", "returns", "decorator_list", "type_params", "ctx"}

# The texts for logs, for the visitor and for errors decide nothing.
TEXTS = {"audit.record", "_", "gettext", "gettext_lazy", "gettext_noop", "ngettext"}
# The name of a key does not matter, but what it consists of does.
KEYS = {"redis_key", "keys.redis_key", "keyed_hash", "keys.keyed_hash"}
LOGS = {"logger", "_logger", "logging"}

# Arguments that change no result: they check what holds anyway, or name a type.
UNSEEN = {"strict", "usedforsecurity", "output_field"}


@dataclass(slots=True)
class Edit:
    """
    One change.

    Attributes:
        scope: the qualified name of the function or class, "" for the module.
        lines: the first and the last line of the statement.
        is_live: it is in a function, so that the function can be changed after it was imported.
        before: what it was.
        after: what it becomes.
        apply: changes the tree.
    """

    scope: str
    lines: tuple[int, int]
    is_live: bool
    before: str
    after: str
    apply: Callable[[], None]


@dataclass(slots=True, frozen=True)
class _Place:
    scope: str = ""
    lines: tuple[int, int] = (0, 0)
    is_live: bool = False
    has_texts: bool = False


def edits(tree: ast.Module) -> Iterator[Edit]:
    """Yield every change that can be made to a module. The order depends only on its code."""
    return _within(tree, _Place())


def _within(parent: ast.AST, place: _Place) -> Iterator[Edit]:
    for field, value in ast.iter_fields(parent):
        if field in SKIPPED_FIELDS:
            continue
        children = value if isinstance(value, list) else [value]
        for at, child in enumerate(children):
            if isinstance(child, ast.AST):
                yield from _at(parent, field, at if isinstance(value, list) else None, child, place)


def _at(
    parent: ast.AST, field: str, at: int | None, child: ast.AST, place: _Place
) -> Iterator[Edit]:
    if isinstance(child, ast.stmt):
        place = _Place(place.scope, _lines(child), place.is_live)
    for new in _replacements(child, parent, field, place):

        def apply(new: Any = new) -> None:
            ast.copy_location(new, child) if isinstance(new, ast.AST) else None
            if isinstance(new, list):
                getattr(parent, field)[at : at + 1] = new  # type: ignore[operator]
            elif at is None:
                setattr(parent, field, new)
            else:
                getattr(parent, field)[at] = new

        after = _text(new) if isinstance(new, ast.AST) else "removed"
        yield Edit(place.scope, place.lines, place.is_live, _text(child), after, apply)
    if isinstance(child, ast.FunctionDef) and child.name == "__repr__":
        return
    if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        is_function = not isinstance(child, ast.ClassDef)
        scope = f"{place.scope}.{child.name}".lstrip(".")
        yield from _within_definition(child, _Place(scope, place.lines, place.is_live), is_function)
    elif _is_docstring(child) or _is_for_type_checkers(child):
        return
    elif isinstance(child, ast.Raise) or (isinstance(child, ast.Call) and _writes_text(child)):
        yield from _within(child, _Place(place.scope, place.lines, place.is_live, True))
    else:
        yield from _within(child, place)


def _within_definition(child: Any, place: _Place, is_function: bool) -> Iterator[Edit]:
    if is_function:
        yield from _within(child.args, place)  # the defaults
    live = _Place(place.scope, place.lines, place.is_live or is_function)
    body = ast.Module(child.body, [])
    yield from _within(body, live)
    # `apply` changes the list, which the definition shares with this module.


def _replacements(child: ast.AST, parent: ast.AST, field: str, place: _Place) -> Iterator[Any]:
    if isinstance(child, ast.stmt | ast.ExceptHandler):
        yield from _other_statement(child)
    else:
        yield from _other_expression(child, parent, place)
    if field == "test" and not isinstance(child, ast.Compare | ast.UnaryOp):
        yield ast.UnaryOp(ast.Not(), child)


def _other_statement(child: ast.AST) -> Iterator[ast.AST]:
    match child:
        case ast.ExceptHandler() if not isinstance(child.body[0], ast.Raise):
            yield ast.ExceptHandler(child.type, child.name, [ast.Raise()])
        case ast.With(items, body) if all(item.optional_vars is None for item in items):
            yield ast.If(ast.Constant(True), body, [])
        case ast.Return(ast.expr() as value) if not _is_false(value):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value) if not isinstance(value, ast.Constant | ast.Yield | ast.YieldFrom):
            yield ast.Pass()
        case ast.Raise() | ast.AugAssign() | ast.Delete() | ast.Return(None):
            yield ast.Pass()
        case ast.Assign([ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()


def _other_expression(child: ast.AST, parent: ast.AST, place: _Place) -> Iterator[Any]:
    match child:
        case ast.cmpop() | ast.operator() if type(child) in SWAPPED:
            if not (isinstance(child, ast.Mod) and _formats(parent)):
                yield SWAPPED[type(child)]()
        case ast.BoolOp(op, values):
            for left_out in values:
                left = [each for each in values if each is not left_out]
                yield left[0] if len(left) == 1 else ast.BoolOp(op, left)
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield operand
        case ast.Call():
            yield from _other_call(child)
        case ast.Constant(value) if not _is_docstring(parent):
            yield from _other_constant(value, place)
        case ast.keyword(arg) if arg not in UNSEEN and isinstance(parent, ast.Call):
            yield from [] if place.has_texts else [[]]  # the argument is removed
        case ast.comprehension(ifs=[_, *_]):
            yield ast.comprehension(child.target, child.iter, [], child.is_async)


def _other_call(call: ast.Call) -> Iterator[ast.expr]:
    name = ast.unparse(call.func)
    if name == "Masked":
        yield call.args[0]
    elif name.endswith("redis_key"):
        for left_out in call.args:
            if not isinstance(left_out, ast.Constant | ast.Starred):
                yield ast.Call(call.func, [each for each in call.args if each is not left_out], [])


def _other_constant(value: Any, place: _Place) -> Iterator[ast.Constant]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1 if value < SMALL else value * 2)
    elif isinstance(value, str | bytes) and not place.has_texts:
        more = "X" if isinstance(value, str) else b"X"
        yield ast.Constant(value + more)


def _lines(statement: ast.stmt) -> tuple[int, int]:
    """Return the lines of a statement without those of the statements in it."""
    body = getattr(statement, "body", None)
    last = body[0].lineno - 1 if body else statement.end_lineno
    return statement.lineno, max(statement.lineno, last or 0)


def _writes_text(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    return name in TEXTS or name in KEYS or name.split(".")[0] in LOGS


def _formats(parent: ast.AST) -> bool:
    return isinstance(parent, ast.BinOp) and isinstance(parent.left, ast.Constant)


def _is_false(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and not node.value


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_for_type_checkers(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in {
        "__slots__",
        "__all__",
        "logger",
        "_logger",
    }


def _text(node: ast.AST) -> str:
    """Return the code of a node in one line, cut off."""
    if isinstance(node, ast.cmpop | ast.operator):
        return type(node).__name__
    if isinstance(node, ast.ExceptHandler):
        return f"except {ast.unparse(node.type) if node.type else ''}: " + _text(node.body[0])
    if isinstance(node, ast.keyword):
        return f"{node.arg}={ast.unparse(node.value)}"[:70]
    return " ".join(ast.unparse(node).split())[:70]
