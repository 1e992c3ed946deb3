"""Conditions on a result, as users write them: `attempts > 2 and output["score"] < 0.5`.

It looks like Python and is read by Python's own parser, but only what is listed here is worked out:
names that are given, literals, items of objects and lists, comparisons, and, or, not, plain
arithmetic, and a few functions. So whoever may ask a question may not do anything else. What an
expression asks for and is not there (an item of an output that has none) is None, and a comparison
with something of another kind does not hold.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

from fanfold.errors import OptionInvalid

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
_COUNT: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: lambda a, b: _numbers(a, b) and a * b,
    ast.Div: operator.truediv,
    ast.Mod: lambda a, b: _numbers(a, b) and a % b,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {"len": len, "lower": lambda text: str(text).lower()}
_NODES = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare,
    ast.BinOp, ast.Name, ast.Load, ast.Constant, ast.Subscript, ast.Call, ast.List, ast.Tuple,
    *_COMPARE, *_COUNT,
)  # fmt: skip
_MAX_CHARS = 1000


def _numbers(*values: Any) -> bool:
    """A text times a million is no answer to any question."""
    if not all(isinstance(it, int | float) for it in values):
        raise TypeError
    return True


def condition(text: str, names: Collection[str]) -> Callable[[Mapping[str, Any]], bool]:
    """What tells whether it holds for these values. Raises OptionInvalid."""
    if len(text) > _MAX_CHARS:
        raise OptionInvalid(f"the condition is longer than {_MAX_CHARS} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise OptionInvalid(f"{text!r} is no condition: {error}") from None
    for node in ast.walk(tree):
        if not isinstance(node, _NODES):
            raise _refused(text, f"{type(node).__name__} is not for conditions")
        if isinstance(node, ast.Call) and not _is_known(node):
            raise _refused(text, f"the only functions are {', '.join(_FUNCTIONS)}")
    called = {id(it.func) for it in ast.walk(tree) if isinstance(it, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) not in called and node.id not in names:
            raise _refused(text, f"there is no {node.id!r}; there are: {', '.join(names)}")

    def holds(values: Mapping[str, Any]) -> bool:
        try:
            return bool(_worth(tree.body, values))
        except (TypeError, ValueError, ArithmeticError):
            return False

    return holds


def _is_known(call: ast.Call) -> bool:
    return (
        isinstance(call.func, ast.Name)
        and call.func.id in _FUNCTIONS
        and len(call.args) == 1
        and not call.keywords
    )


def _refused(text: str, why: str) -> OptionInvalid:
    return OptionInvalid(f"{text!r}: {why}. Write it as in: attempts > 2 and status == 'failed'")


def _worth(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(name):
            return values.get(name)
        case ast.List(elements) | ast.Tuple(elements):
            return [_worth(it, values) for it in elements]
        case ast.Subscript(value, item):
            return _item(_worth(value, values), _worth(item, values))
        case ast.Call(ast.Name(name), [argument]):
            return _FUNCTIONS[name](_worth(argument, values))
        case _:
            return _worked_out(node, values)


def _worked_out(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Compare(left, signs, rights):
            return _compared(left, signs, rights, values)
        case ast.BoolOp(ast.And(), parts):
            return all(_worth(it, values) for it in parts)
        case ast.BoolOp(_, parts):
            return any(_worth(it, values) for it in parts)
        case ast.UnaryOp(ast.Not(), operand):
            return not _worth(operand, values)
        case ast.UnaryOp(_, operand):
            return -_worth(operand, values)
        case ast.BinOp(left, sign, right):
            return _COUNT[type(sign)](_worth(left, values), _worth(right, values))
        case _:
            raise TypeError


def _compared(
    first: ast.expr, signs: list[ast.cmpop], rights: list[ast.expr], values: Mapping[str, Any]
) -> bool:
    left = _worth(first, values)
    for sign, node in zip(signs, rights, strict=True):
        right = _worth(node, values)
        try:
            if not _COMPARE[type(sign)](left, right):
                return False
        except TypeError:  # of another kind
            return False
        left = right
    return True


def _item(value: Any, item: Any) -> Any:
    try:
        return value[item]
    except (KeyError, IndexError, TypeError):
        return None
