"""Objects with all the fields that the SDK knows of them, so that nothing is missing that Stripe would send."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import NoneType
from typing import Any, ClassVar, get_args, get_origin

from stripe._object_classes import OBJECT_CLASSES

Object = dict[str, Any]

LEFT_OUT = {
    "billing_portal.session": {"flow"},
    "charge": {"refunds", "source"},
    "checkout.session": {"line_items"},
    "customer": {"cash_balance", "sources", "subscriptions", "tax", "tax_ids"},
    "invoice": {"confirmation_secret", "payments"},
    "price": {"currency_options", "tiers"},
}
"""What only those get who ask for it by ``expand``, besides ``deleted``, which is there when it is true."""


def blank(kind: str, **fields: Any) -> Object:
    """An object of this kind with these fields; the others are null, empty or false, as far as they may be."""
    made = {name: _fresh(value) for name, value in _usual(kind).items()}
    return {**made, "object": kind, **fields}


def wanted(kind: str) -> dict[str, Any]:
    """Field → type, as the SDK has them."""
    module, name = OBJECT_CLASSES[kind]
    fields: dict[str, Any] = getattr(import_module(module), name).__annotations__
    left_out = {"deleted", *LEFT_OUT.get(kind, ())}
    return {field: hint for field, hint in fields.items() if field not in left_out and get_origin(hint) is not ClassVar}


@cache
def _usual(kind: str) -> Object:
    guesses = {field: _guess(hint) for field, hint in wanted(kind).items()}
    return {field: guess for field, guess in guesses.items() if guess is not ...}


def _guess(hint: Any) -> Any:
    if NoneType in get_args(hint):
        return None
    if hint is bool:
        return False
    called = getattr(get_origin(hint) or hint, "__name__", "")
    return {"list": [], "UntypedStripeObject": {}}.get(called, ...)


def _fresh(value: Any) -> Any:
    return type(value)() if isinstance(value, list | dict) else value
