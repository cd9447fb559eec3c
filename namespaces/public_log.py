"""Reads of the public log of grants: for its page, for those who follow it, and for the page of a namespace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, QuerySet

from namespaces import names
from namespaces.models import LogEntry

PAGE = 50
CHUNK = 2_000
RECENT = 8

Changes = LogEntry.Change


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the log is asked for: of a normalized namespace with all inside it, of one change; all where empty."""

    namespace: str = ""
    change: str = ""

    def __bool__(self) -> bool:
        return bool(self.namespace or self.change)


@dataclass(frozen=True, slots=True)
class LogPage:
    """``older`` is the number before which the next page begins, or None on the last."""

    entries: list[LogEntry]
    older: int | None


def log_entries(wanted: Wanted) -> QuerySet[LogEntry]:
    entries = LogEntry.objects.all()
    if wanted.namespace:
        # Between ``foo`` and ``foo-`` there is no normalized name, so this is one interval.
        entries = entries.filter(namespace__gte=wanted.namespace, namespace__lt=names.interval(wanted.namespace)[1])
    return entries.filter(change=wanted.change) if wanted.change else entries


def log_page(wanted: Wanted, before: int | None = None) -> LogPage:
    """The newest first; by number, so that a page stays what it was while lines are added."""
    entries = log_entries(wanted).order_by("-pk")
    if before is not None:
        entries = entries.filter(pk__lt=before)
    found = list(entries[: PAGE + 1])
    return LogPage(found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None)


def recent_entries(namespace: str) -> list[LogEntry]:
    """The last lines of this namespace itself, the newest first, and one more than are shown where there are more."""
    return list(LogEntry.objects.filter(namespace=namespace).order_by("-pk")[: RECENT + 1])


def newest() -> int:
    """The number of the last line, 0 before the first."""
    return LogEntry.objects.aggregate(newest=Max("pk"))["newest"] or 0


def as_jsonl(wanted: Wanted, *, after: int, upto: int) -> Iterator[str]:
    """A line each, the oldest first, read in portions: no cursor stays open however slowly somebody reads."""
    entries = log_entries(wanted).filter(pk__lte=upto).order_by("pk")
    while portion := list(entries.filter(pk__gt=after)[:CHUNK]):
        yield "".join(f"{json.dumps(entry_as_json(entry))}\n" for entry in portion)
        after = portion[-1].pk


def entry_as_json(entry: LogEntry) -> dict[str, Any]:
    return {
        "id": entry.pk,
        "at": entry.at.isoformat(),
        "namespace": entry.namespace,
        "change": entry.change,
        "organization": entry.organization or None,
    }
