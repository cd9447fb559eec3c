"""Whether an object is shaped as the SDK says that Stripe's are."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

from stripe import StripeObject

from billing.sandbox.shapes import LEFT_OUT, wanted

LOOSE = {"payment_method", "account", "plan"}
"""Objects of which we show only a part."""


def problems(obj: dict[str, Any], at: str = "") -> list[str]:
    """Fields that are missing, unknown, or of another type."""
    return list(_of_object(obj, at or obj["object"]))


def _of_object(obj: dict[str, Any], at: str) -> Iterator[str]:
    kind = obj["object"]
    if kind in LOOSE or obj.get("deleted"):
        return
    if kind == "list":
        for number, inner in enumerate(obj["data"]):
            yield from _of_object(inner, f"{at}[{number}]")
        return
    fields = wanted(kind)
    on_demand = LEFT_OUT.get(kind, set())
    for name, value in obj.items():
        if name in fields:
            yield from _of_value(value, fields[name], f"{at}.{name}")
        elif name != "object" and name not in on_demand:
            yield f"{at}.{name}: unknown"
    yield from (f"{at}.{name}: missing" for name in fields if name not in obj and not _may_be_absent(kind, name))


def _may_be_absent(kind: str, name: str) -> bool:
    return name == "id" or (kind, name) == ("subscription_item", "quantity")


def _of_value(value: Any, hint: Any, at: str) -> Iterator[str]:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        yield from _of_union(value, inner, at)
    elif origin is list:
        if not isinstance(value, list):
            yield f"{at}: {value!r} is no list"
            return
        for number, one in enumerate(value):
            yield from _of_value(one, inner[0], f"{at}[{number}]")
    elif isinstance(value, dict) and isinstance(value.get("object"), str):
        yield from _of_object(value, at) if _is_for_objects(hint, origin) else [f"{at}: an object"]
    elif isinstance(hint, type) and issubclass(hint, StripeObject):
        yield from _of_inner(value, hint, at)
    elif not (value in inner if origin is Literal else _is_plain(value, hint, origin)):
        yield f"{at}: {value!r} is no {hint}"


def _of_union(value: Any, choices: tuple[Any, ...], at: str) -> Iterator[str]:
    """What is wrong by the choice that comes nearest."""
    found = [list(_of_value(value, choice, at)) for choice in choices]
    if all(found):
        yield max(found, key=lambda one: one[0].count("."))[0]


def _is_for_objects(hint: Any, origin: Any) -> bool:
    return isinstance(hint, ForwardRef | str) or (
        isinstance(origin or hint, type) and issubclass(origin or hint, StripeObject)
    )


def _of_inner(value: Any, hint: type, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at}: {value!r} is no object"
        return
    for name, inner in hint.__annotations__.items():
        if name in value:
            yield from _of_value(value[name], inner, f"{at}.{name}")
    for name in value:
        if name not in hint.__annotations__:
            yield f"{at}.{name}: unknown"


def _is_plain(value: Any, hint: Any, origin: Any) -> bool:
    if hint is NoneType:
        return value is None
    if hint in {bool, int, str}:
        return type(value) is hint
    if hint in {float, Decimal}:
        return isinstance(value, str | int | float | Decimal)
    return isinstance(value, dict) or hint is Any if origin is not None or hint is Any else False
