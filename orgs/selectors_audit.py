"""Reads of the audit trail of one organization."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from orgs.models import AuditDelivery, AuditEndpoint, AuditEvent, Organization

PAGE = 50
CHUNK = 2000
COLUMNS = ("position", "at", "actor", "action", "target", "organization", "before", "after", "origin", "hash")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class AuditFilter:
    """What to leave out. ``since`` and ``until`` are whole days in UTC, both included; texts match a part, any case."""

    actor: str = ""
    action: str = ""
    target: str = ""
    since: date | None = None
    until: date | None = None

    def __bool__(self) -> bool:
        return self != AuditFilter()


def audit_trail(organization: Organization, wanted: AuditFilter = AuditFilter()) -> QuerySet[AuditEvent]:
    """Its events, the newest first, under every name it ever had: none of them was ever another's."""
    names = organization.names.values_list("name", flat=True)
    events = AuditEvent.objects.filter(organization__in=list(names), position__isnull=False).order_by("-position")
    if wanted.actor:
        events = events.filter(actor__icontains=wanted.actor)
    if wanted.action:
        events = events.filter(action=wanted.action)
    if wanted.target:
        events = events.filter(target__icontains=wanted.target)
    if wanted.since:
        events = events.filter(at__gte=_midnight(wanted.since))
    if wanted.until and wanted.until < date.max:  # nothing is after the last day that there is
        events = events.filter(at__lt=_midnight(wanted.until) + timedelta(days=1))
    return events


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, timezone.get_default_timezone())


@dataclass(frozen=True)
class AuditPage:
    """``older`` is the position before which the next page begins, or None on the last."""

    events: list[AuditEvent]
    older: int | None


def audit_page(organization: Organization, wanted: AuditFilter, before: int | None = None) -> AuditPage:
    """By position and not by number, so that a page stays what it was while events are added."""
    events = audit_trail(organization, wanted)
    if before is not None:
        events = events.filter(position__lt=before)
    found = list(events[: PAGE + 1])
    return AuditPage(found[:PAGE], found[PAGE - 1].position if len(found) > PAGE else None)


def actions_of(organization: Organization) -> list[str]:
    """What has been done there, for the filter."""
    return sorted(audit_trail(organization).order_by().values_list("action", flat=True).distinct())


def event_as_json(event: AuditEvent) -> dict[str, Any]:
    """An event as exports, the API and webhooks have it; ``hash`` in hexadecimal."""
    assert event.hash is not None
    return {
        "position": event.position,
        "at": event.at.isoformat(),
        "actor": event.actor,
        "action": event.action,
        "target": event.target,
        "organization": event.organization,
        "before": event.before,
        "after": event.after,
        "origin": event.origin,
        "hash": bytes(event.hash).hex(),
    }


@dataclass(frozen=True)
class Changed:
    """One part of what changed, as text; empty where there was or is nothing."""

    part: str
    before: str
    after: str


def changes_of(event: AuditEvent) -> list[Changed]:
    """What the event changed, part by part, in the order in which it was written down."""
    before, after = event.before or {}, event.after or {}
    return [Changed(part, _text(before.get(part)), _text(after.get(part))) for part in {**before, **after}]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def as_jsonl(events: QuerySet[AuditEvent]) -> Iterator[str]:
    """One event a line; read from the database as it goes."""
    for event in events.iterator(chunk_size=CHUNK):
        yield json.dumps(event_as_json(event), ensure_ascii=False) + "\n"


class _Line:
    """What ``csv.writer`` writes to: it hands the line back."""

    def write(self, line: str) -> str:
        return line


def as_csv(events: QuerySet[AuditEvent]) -> Iterator[str]:
    """RFC 4180, with a header. ``before`` and ``after`` are JSON. A cell that a spreadsheet would take for a formula
    begins with an apostrophe."""
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    for event in events.iterator(chunk_size=CHUNK):
        yield writer.writerow(_cells(event_as_json(event).values()))


def _cells(values: Iterable[Any]) -> list[str]:
    return [_cell(value) for value in values]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def audit_endpoints(organization: Organization) -> QuerySet[AuditEndpoint]:
    return organization.audit_endpoints.order_by("pk")


def recent_deliveries(endpoint: AuditEndpoint, limit: int = 50) -> list[AuditDelivery]:
    """The last attempts, the newest first."""
    return list(endpoint.deliveries.order_by("-at", "-pk")[:limit])
