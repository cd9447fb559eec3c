"""How the parameters of a request get into an object."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from billing.sandbox.errors import StripeFault

Object = dict[str, Any]
ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def fill(obj: Object, params: Object, names: Iterable[str]) -> None:
    """Those of the names that were sent. Empty text takes a value away; metadata is merged, key by key."""
    for name in names:
        if name == "metadata" and name in params:
            obj["metadata"] = merged(obj.get("metadata") or {}, params["metadata"])
        elif name in params:
            obj[name] = plain(params[name]) if params[name] != "" else None


def merged(known: dict[str, str], sent: dict[str, str] | str) -> dict[str, str]:
    """An empty value takes its key away, an empty text for the whole takes them all."""
    if not isinstance(sent, dict):
        return {}
    return {key: value for key, value in {**known, **sent}.items() if value != ""}


def plain(value: Any) -> Any:
    """As JSON has it: decimals are texts."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def address(sent: Any) -> Object | None:
    return {name: sent.get(name) or None for name in ADDRESS} if isinstance(sent, dict) else None


def one_of(params: Object, *names: str) -> None:
    """Not two of them at once; raises ``StripeFault``."""
    if len(sent := [name for name in names if name in params]) > 1:
        raise StripeFault(
            f"You may only specify one of these parameters: {', '.join(sent)}.",
            code="parameters_exclusive",
            param=sent[1],
        )


WHOLE: dict[str, int] = {"isk": 100, "ugx": 100}
"""Currencies without decimals that Stripe writes with two, which are always zero."""


def rounded(value: Decimal | Fraction | int, over: int = 1, *, currency: str = "") -> int:
    """To the smallest amount of the currency, halves away from zero: the same for what is given and what is taken."""
    unit = WHOLE.get(currency, 1)
    exact = Fraction(value) / (over * unit)
    whole = int((abs(exact) * 2 + 1) // 2) * unit
    return whole if exact >= 0 else -whole
