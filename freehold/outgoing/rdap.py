"""When a domain was registered, and until when: asked by RDAP (RFC 7482, RFC 9083), believed in no detail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from freehold.outgoing import http, names
from freehold.outgoing.deadline import Deadline
from freehold.outgoing.errors import NotThere, Unreachable

LABELS_UP = 4
TEXT_LENGTH = 200
STATUSES = 20
_MAX_BYTES = 256 * 1024
_NOT_A_REGISTRATION = frozenset({400, 404, 422})  # servers differ in what they say of a name below one

Json = dict[str, Any]


@dataclass(frozen=True)
class Registration:
    """What the registry says; times in UTC, ``None`` where it says nothing of use; ``registrar`` may be empty."""

    expires_at: datetime | None
    registered_at: datetime | None
    registrar: str
    status: tuple[str, ...]


def registration(domain: str, *, seconds: float = 10.0) -> Registration | None:
    """The registration of the domain, or of the nearest domain above it that has one.

    ``None`` if no server is configured (``FREEHOLD_RDAP_URL``). Raises ``NotThere`` if nobody registered any of them,
    else ``OutgoingError`` as HTTP does.
    """
    if not settings.FREEHOLD_RDAP_URL:
        return None
    deadline, statuses = Deadline(seconds), set()
    for name in _candidates(names.encode(domain)):
        reply = _asked(name, deadline)
        if reply.status == 200:
            return _parsed(reply.body)
        statuses.add(reply.status)
        if reply.status not in _NOT_A_REGISTRATION:
            break
    if statuses <= {404}:
        raise NotThere(_("The registry knows no registration of this domain."))
    raise Unreachable(_("The registry did not answer the question: %(status)d.") % {"status": max(statuses)})


def _candidates(name: str) -> list[str]:
    """The name and those above it, without the last label alone."""
    labels = name.split(".")
    return [".".join(labels[up:]) for up in range(min(LABELS_UP, max(len(labels) - 2, 0)) + 1)]


def _asked(name: str, deadline: Deadline) -> http.Reply:
    base = settings.FREEHOLD_RDAP_URL.rstrip("/")
    return http.get(
        f"{base}/domain/{name}",
        accept="application/rdap+json",
        max_bytes=_MAX_BYTES,
        seconds=deadline.left(),
        insecure=base.startswith("http://"),
    )


def _parsed(body: bytes) -> Registration:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _no_sense() from error
    if not isinstance(found, dict) or found.get("objectClassName") != "domain":
        raise _no_sense()
    return Registration(
        expires_at=_time_of(found, "expiration"),
        registered_at=_time_of(found, "registration"),
        registrar=next(filter(None, map(_full_name, _registrars(found))), ""),
        status=tuple(text for item in _list(found.get("status"))[:STATUSES] if (text := _text(item))),
    )


def _no_sense() -> Unreachable:
    return Unreachable(_("The registry's answer makes no sense."))


def _time_of(found: Json, action: str) -> datetime | None:
    """RFC 9083, section 4.5."""
    for event in _objects(found.get("events")):
        if event.get("eventAction") == action:
            return _time(event.get("eventDate"))
    return None


def _time(value: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(_text(value))
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # OverflowError: there is no such time in UTC
        return None


def _registrars(found: Json) -> Iterator[Json]:
    """RFC 9083, section 5.1."""
    return (entity for entity in _objects(found.get("entities")) if "registrar" in _list(entity.get("roles")))


def _full_name(entity: Json) -> str:
    """``fn`` of a jCard: ``["vcard", [["fn", {}, "text", "…"], …]]`` (RFC 7095)."""
    card = _list(entity.get("vcardArray"))
    for item in _list(card[1]) if len(card) > 1 else []:
        if len(field := _list(item)) > 3 and field[0] == "fn":
            return _text(field[3])
    return ""


def _objects(value: object) -> list[Json]:
    return [item for item in _list(value) if isinstance(item, dict)]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    """One line that can be shown and stored."""
    if not isinstance(value, str):
        return ""
    return "".join(filter(str.isprintable, value))[:TEXT_LENGTH].strip()
