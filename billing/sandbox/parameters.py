"""Requests as Stripe's own library types them: what is unknown, missing or of another type is refused.

The SDK describes the parameters of every call by a ``TypedDict`` at the API version that it is pinned to. A request
comes as a form; here it becomes plain values of those types, or a refusal in Stripe's shape. Where the SDK allows any
text beside the words it knows, for a newer API may know more, we take only the words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    NotRequired,
    Required,
    TypedDict,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from stripe._request_options import RequestOptions
from stripe._stripe_context import StripeContext
from stripe._stripe_object import StripeObject

from billing.sandbox.errors import StripeFault, missing, mistyped, unknown

MOST, DEEPEST = 1_000, 8
"""Parameters in a request, and levels of nesting: no call of ours comes near."""
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,80}", re.ASCII)
_KEY = re.compile(r"(?P<head>[^\[\]]+)(?P<rest>(\[[^\[\]]*\])*)", re.ASCII)
_NAMES = {"StripeContext": StripeContext, "Mapping": Mapping}
"""What the SDK's types name without importing it at run time."""
_OPTIONS = frozenset(RequestOptions.__annotations__)
"""They are for the library, and are never sent."""

Tree = dict[str, Any]


def parse(pairs: Iterable[tuple[str, str]], wanted: type) -> Tree:
    """The pairs of a form as the values of the ``TypedDict``; raises ``StripeFault``."""
    return _object(_tree(pairs), wanted, "")


# --- From a form to a tree of texts -----------------------------------------------------------------------------------


def _tree(pairs: Iterable[tuple[str, str]]) -> Tree:
    tree: Tree = {}
    for number, (key, value) in enumerate(pairs):
        if number >= MOST:
            raise StripeFault(f"A request has at most {MOST} parameters here.")
        _plant(tree, _path(key), key, value)
    return tree


def _path(key: str) -> list[str]:
    """``items[0][price]`` as its three names."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise unknown(key)
    path = [match["head"], *re.findall(r"\[([^\[\]]*)\]", match["rest"])]
    if len(path) > DEEPEST or not all(_NAME.fullmatch(name) for name in path):
        raise unknown(key)
    return path


def _plant(tree: Tree, path: list[str], key: str, value: str) -> None:
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
        if not isinstance(tree, dict):
            raise StripeFault(f"The parameter {key} is both a value and an object.", param=key)
    if path[-1] in tree:
        raise StripeFault(f"The parameter {key} was sent twice.", param=key)
    tree[path[-1]] = value


# --- From texts to values ---------------------------------------------------------------------------------------------


@cache
def _fields(wanted: type) -> dict[str, Any]:
    hints = get_type_hints(wanted, localns=_NAMES)
    return {name: hint for name, hint in hints.items() if name not in _OPTIONS}


def _object(tree: Any, wanted: type, at: str) -> Tree:
    if not isinstance(tree, dict):
        raise mistyped(at, "object", tree)
    fields = _fields(wanted)
    for name in tree:
        if name not in fields:
            raise unknown(_under(at, name))
    for name in sorted(_required(wanted)):
        if name not in tree:
            raise missing(_under(at, name))
    return {name: _value(value, fields[name], _under(at, name)) for name, value in tree.items()}


def _required(wanted: type) -> frozenset[str]:
    found: frozenset[str] = getattr(wanted, "__required_keys__", frozenset())
    return found - _OPTIONS


def _under(at: str, name: str) -> str:
    return f"{at}[{name}]" if at else name


def _value(given: Any, wanted: Any, at: str) -> Any:
    """The text, or the tree, as what is wanted."""
    origin, inner = get_origin(wanted), get_args(wanted)
    if origin in {NotRequired, Required}:
        return _value(given, inner[0], at)
    if origin in _MAKERS:
        return _MAKERS[origin](given, inner, at)
    return _object(given, wanted, at) if hasattr(wanted, "__required_keys__") else _plain(given, wanted, at)


def _one_of(given: Any, wanted: tuple[Any, ...], at: str) -> Any:
    """The first type that fits. Text fits last, and not where there are words for what is meant."""
    choices = [choice for choice in wanted if choice is not NoneType and not _is_object_of_the_sdk(choice)]
    words = [word for choice in choices if get_origin(choice) is Literal for word in get_args(choice)]
    if [word for word in words if word != ""]:
        choices = [choice for choice in choices if choice is not str]
    fault: StripeFault | None = None
    for choice in sorted(choices, key=_rank):
        try:
            return _value(given, choice, at)
        except StripeFault as error:
            fault = fault if fault is not None and fault.param != at and error.param == at else error
    assert fault is not None, "a union has members"
    raise fault


def _rank(choice: Any) -> int:
    """Words first, text last."""
    return 2 if choice is str else int(get_origin(choice) is not Literal)


def _is_object_of_the_sdk(wanted: Any) -> bool:
    """Something that came from an answer may be sent back; over HTTP it looks like any other object."""
    found = get_origin(wanted) or wanted
    return isinstance(found, type) and issubclass(found, StripeObject)


def _word(given: Any, words: tuple[Any, ...], at: str) -> Any:
    for word in words:
        if given == (str(word).lower() if isinstance(word, bool) else str(word)):
            return word
    offered = ", ".join(str(word) for word in words if word != "")
    raise StripeFault(f"Invalid {at}: must be one of {offered}", code="parameter_invalid_enum", param=at)


def _list(given: Any, inner: tuple[Any, ...], at: str) -> list[Any]:
    """``name[0]=…&name[1]=…``, as the SDK writes it: from zero on, without a gap."""
    if not isinstance(given, dict) or sorted(given) != sorted(str(number) for number in range(len(given))):
        raise mistyped(at, "array", given)
    return [_value(given[str(number)], inner[0], f"{at}[{number}]") for number in range(len(given))]


def _texts(given: Any, inner: tuple[Any, ...], at: str) -> dict[str, str]:
    """Metadata and the like."""
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise mistyped(at, "object", given)
    return dict(given)


def _plain(given: Any, wanted: Any, at: str) -> Any:
    if not isinstance(given, str):
        raise mistyped(at, _called(wanted), given)
    if wanted is str:
        return given
    if wanted is bool:
        return _boolean(given, at)
    try:
        if wanted is int and re.fullmatch(r"-?[0-9]{1,18}", given, re.ASCII):
            return int(given)
        if wanted in {float, Decimal} and (number := Decimal(given)).is_finite():
            return wanted(number)
    except InvalidOperation:
        pass
    raise mistyped(at, _called(wanted), given)


def _boolean(given: str, at: str) -> bool:
    if given not in {"true", "false"}:
        raise mistyped(at, "boolean", given)
    return given == "true"


def _called(wanted: Any) -> str:
    return {int: "integer", float: "decimal", Decimal: "decimal", bool: "boolean", str: "string"}.get(wanted, "value")


_MAKERS: dict[Any, Callable[[Any, tuple[Any, ...], str], Any]] = {
    Union: _one_of,
    UnionType: _one_of,
    Literal: _word,
    list: _list,
    dict: _texts,
}
"""How a value of each generic type is made, from what it is a generic of."""


class Nothing(TypedDict):
    """The parameters of a call that takes none."""
