"""Freehold's JSON, read strictly: the snapshot, the feed of changes, and the answer to a check.

What is not as agreed is ``Malformed`` and counts as no answer at all. Members that are not known are passed over, so
that Freehold may be newer than the client.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn, TypeVar

from freehold_client.decisions import Decision
from freehold_client.names import covers, is_normalized
from freehold_client.snapshot import Grant, Organization, Snapshot

_Type = TypeVar("_Type")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_STATES = frozenset({"active", "locked", "quarantined"})
_TEXT_LIMIT = 1000

ALLOWING = frozenset({"unreserved", "holder", "grandfathered", "existing"})
DENYING = frozenset({"lapsed", "locked", "reserved"})


class Malformed(ValueError):
    """The text is not what Freehold would say."""


class Change(NamedTuple):
    """An entry of the feed: what a thing is now. ``value`` is None when it is no more, and for kinds that don't matter
    here."""

    revision: int
    kind: str
    name: str
    value: Grant | Organization | None


class Page(NamedTuple):
    """Entries that follow one revision without a gap, up to ``revision``; ``more`` if there are more already."""

    revision: int
    more: bool
    changes: list[Change]


def _refuse_constant(text: str) -> NoReturn:
    raise Malformed(f"{text} is not JSON.")


def loads(body: bytes) -> Any:
    """The value of a JSON text in UTF-8. Raises ``Malformed``, also for NaN and for nesting without end."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed("The body is not JSON.") from error


def snapshot(value: Any) -> Snapshot:
    """``GET /api/v1/snapshot``. Its lists are empty afterwards: what has been read makes room for what is made."""
    members = _typed(value, dict)
    return Snapshot(
        _count(members.get("revision")),
        map(grant, _taken(_typed(members.get("grants"), list))),
        map(organization, _taken(_typed(members.get("organizations"), list))),
    )


def _taken(entries: list[Any]) -> Iterator[Any]:
    entries.reverse()
    while entries:
        yield entries.pop()


def page(value: Any, after: int) -> Page | None:
    """``GET /api/v1/changes?after=``; None when the entries don't follow on that revision one by one."""
    members = _typed(value, dict)
    entries, revision = _typed(members.get("changes"), list), _count(members.get("revision"))
    changes = [_change(entry) for entry in entries]
    if revision < after or [change.revision for change in changes] != list(range(after + 1, revision + 1)):
        return None
    return Page(revision, _typed(members.get("more"), bool), changes)


def _change(value: Any) -> Change:
    members = _typed(value, dict)
    kind, now = _typed(members.get("kind"), str), members.get("value")
    name = "" if members.get("name") is None else _typed(members["name"], str)
    read: Grant | Organization | None = None
    if now is not None and kind == "grant":
        read = grant(now)
    elif now is not None and kind == "organization":
        read = organization(now)
    if read is not None and read.name != name:
        raise Malformed("A change of one thing carries another.")
    return Change(_count(members.get("revision")), kind, name, read)


def grant(value: Any) -> Grant:
    """A grant of the snapshot or of a change. Raises ``Malformed``."""
    members = _typed(value, dict)
    state = members.get("state")
    if state not in _STATES:
        raise Malformed("A grant is in a state that is not known.")
    return Grant(
        _name(members.get("name")),
        sys.intern(state),
        seconds(members.get("effective_at")),
        _organization_name(members.get("owner")),
        _each(_share, members.get("shares")),
        _each(_team_publisher, members.get("publishers")),
    )


def organization(value: Any) -> Organization:
    """An organization of the snapshot or of a change. Raises ``Malformed``."""
    members = _typed(value, dict)
    return Organization(
        _organization_name(members.get("name")),
        sys.intern(_typed(members.get("state"), str)),
        sys.intern(_typed(members.get("standing"), str)),
        _each(_text, members.get("publishers")),
        _each(_trusted, members.get("trusted_publishers")),
        # A Freehold that is older than the client does not tell of them.
        _each(_organization_name, members["former_names"]) if "former_names" in members else (),
    )


def _share(value: Any) -> tuple[str, float | None]:
    members = _typed(value, dict)
    expires_at = members.get("expires_at")
    return _organization_name(members.get("organization")), None if expires_at is None else seconds(expires_at)


def _team_publisher(value: Any) -> tuple[str, str]:
    members = _typed(value, dict)
    return _organization_name(members.get("organization")), _typed(members.get("user"), str)


def _trusted(value: Any) -> tuple[str, tuple[tuple[str, str], ...]]:
    members = _typed(value, dict)
    claims = _typed(members.get("claims"), dict)
    issuer = sys.intern(_typed(members.get("issuer"), str))
    return issuer, tuple([(sys.intern(name), _typed(claims[name], str)) for name in claims])


def decision(value: Any, project: str) -> Decision:
    """``POST /api/v1/uploads/check``, for a project by its normalized name. Raises ``Malformed`` unless it is about
    that very project and in itself consistent."""
    members = _typed(value, dict)
    allowed, reason = _typed(members.get("allowed"), bool), _typed(members.get("reason"), str)
    status, namespace = _count(members.get("status")), members.get("namespace")
    if members.get("project") != project:
        raise Malformed("The answer is for another project.")
    if status != (200 if allowed else 409) or reason in (DENYING if allowed else ALLOWING):
        raise Malformed("The answer contradicts itself.")
    if (namespace is None and not allowed) or (namespace is not None and not covers(_name(namespace), project)):
        raise Malformed("The answer names a namespace that does not cover the project.")
    return Decision(
        allowed=allowed,
        status=status,
        reason=_line(reason),
        project=project,
        message=_line(members.get("message")),
        namespace=namespace,
        organization=_optional(members.get("organization")),
        url=_optional(members.get("url")),
        namespaces=_each(mark, members.get("namespaces")),
        revision=_count(members.get("revision")),
        source="server",
    )


def mark(value: Any) -> tuple[str, bool]:
    """An entry of PEP 752's ``namespaces``: the namespace, and whether the project's owner holds it."""
    members = _typed(value, dict)
    return _name(members.get("name")), _typed(members.get("owned"), bool)


def seconds(value: Any) -> float:
    """A time with its zone, as seconds since 1970. Raises ``Malformed``."""
    try:
        text = _typed(value, str)
        # Until Python 3.11 fromisoformat knew no "Z".
        moment = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
        return since_epoch(moment)
    except (ValueError, OverflowError) as error:
        raise Malformed("A time is not as agreed.") from error


def since_epoch(moment: datetime) -> float:
    """A time as seconds since 1970. Raises ``ValueError`` for one without a zone: it could be any of a day's worth."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError("The time has no zone: give it one, such as timezone.utc.")
    return (moment - _EPOCH).total_seconds()


def _typed(value: Any, wanted: type[_Type]) -> _Type:
    """The value, if it is of exactly that type: ``True`` is no number."""
    if type(value) is not wanted:
        raise Malformed(f"There is no {wanted.__name__} where one must be.")
    return value


def _each(read: Callable[[Any], _Type], value: Any) -> tuple[_Type, ...]:
    return tuple([read(entry) for entry in value]) if _typed(value, list) else ()


def _text(value: Any) -> str:
    return _typed(value, str)


def _count(value: Any) -> int:
    if _typed(value, int) < 0:
        raise Malformed("A number is negative.")
    return int(value)


def _name(value: Any) -> str:
    if type(value) is not str or not is_normalized(value):
        raise Malformed("There is no normalized name where one must be.")
    return value


def _organization_name(value: Any) -> str:
    """The same string each time the name comes: a look-up by the very string that is the key need not read it."""
    if type(value) is not str:
        raise Malformed("There is no normalized name where one must be.")
    return _interned_name(value)


@lru_cache(maxsize=2**16)
def _interned_name(value: str) -> str:
    return sys.intern(_name(value))


def _line(value: Any) -> str:
    """A text for the uploader, which ends up in a status line: printable ASCII, or it could forge a header."""
    text = _typed(value, str)
    if not text or len(text) > _TEXT_LIMIT or not text.isascii() or not text.isprintable():
        raise Malformed("A text is not one line of ASCII.")
    return text


def _optional(value: Any) -> str | None:
    return None if value is None else _line(value)
