"""A message of Stripe's, once its signature is checked: an event with a snapshot of its object, or refused. Pure."""

from __future__ import annotations

from typing import Any

from billing.gateway import reading
from billing.gateway.objects import EventObject

_ID_LENGTH = 100
_LATEST = 253_402_300_799
"""The last second of the year 9999; a later one is no time that a database takes."""


class NotAnEvent(Exception):
    """What was sent is no event as this address gets them; the text says why."""


class WrongKind(NotAnEvent):
    """An event, but of the other kind: a notification that names an object without having it."""


def read(value: Any) -> EventObject:
    """The event; raises ``NotAnEvent``. Of what it has, texts are cut to what a row takes."""
    if not isinstance(value, dict):
        raise NotAnEvent("The body is not an object.")
    kind = value.get("object")
    if kind == "v2.core.event" or "related_object" in value:
        raise WrongKind("This is a thin event; this address gets events with a snapshot of their object.")
    if kind != "event":
        raise NotAnEvent("The body is not an event.")
    if not _is_whole(value):
        raise NotAnEvent("The event lacks a part that every event has, or has one that makes no sense.")
    return reading.event(value)


def _is_whole(value: dict[str, Any]) -> bool:
    texts = [value.get("id"), value.get("type")]
    data = value.get("data")
    return (
        all(isinstance(text, str) and 0 < len(text) <= _ID_LENGTH for text in texts)
        and isinstance(value.get("livemode"), bool)
        and type(value.get("created")) is int
        and 0 <= value["created"] <= _LATEST
        and isinstance(data, dict)
        and isinstance(data.get("object"), dict)
        and _can_be_read(data["object"])
    )


def _can_be_read(about: dict[str, Any]) -> bool:
    """The id is a text, and so is the customer's, unless that is a whole object."""
    customer = about.get("customer")
    identifiers = [about.get("id"), customer.get("id") if isinstance(customer, dict) else customer]
    return all(one is None or (isinstance(one, str) and len(one) <= _ID_LENGTH) for one in identifiers)


def storable(value: Any) -> Any:
    """The same with every text as the database takes it: without NUL, and without halves of characters."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(key): storable(inner) for key, inner in value.items()}
    return [storable(inner) for inner in value] if isinstance(value, list) else value
