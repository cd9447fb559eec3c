"""Refused uploads, counted for the holder, without slowing the refusal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from freehold.backlog import Backlog
from namespaces.decision import Decision, Publisher

_UPSERT = """
INSERT INTO namespaces_blockedattempt AS b (namespace, project, publisher, reason, count, first_at, last_at)
SELECT *, now(), now() FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::int[])
    ON CONFLICT (namespace, project, publisher, reason)
    DO UPDATE SET count = b.count + excluded.count, last_at = excluded.last_at
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    namespace: str
    project: str
    publisher: str
    reason: str


def record_denial(decision: Decision, publisher: Publisher) -> None:
    assert decision.namespace is not None
    backlog.add(Attempt(decision.namespace, decision.project, label(publisher), decision.reason.value))


def label(publisher: Publisher) -> str:
    """Who it was, in words, as far as the index has said; at most 300 characters."""
    parts = []
    if publisher.user is not None:
        parts.append(f"user {publisher.user}")
    if publisher.organization is not None:
        parts.append(f"organization {publisher.organization}")
    if publisher.claims is not None:
        parts.append(f"token of {publisher.claims.get('iss', '?')} for {publisher.claims.get('sub', '?')}")
    return ascii(", ".join(parts))[1:-1][:300]


def _write(attempts: Sequence[Attempt]) -> None:
    # Sorted, so that two workers that write the same rows lock them in the same order.
    counts = sorted(Counter(attempts).items(), key=lambda item: (item[0].project, item[0].publisher, item[0].reason))
    columns: list[Any] = [
        [attempt.namespace for attempt, _ in counts],
        [attempt.project for attempt, _ in counts],
        [attempt.publisher for attempt, _ in counts],
        [attempt.reason for attempt, _ in counts],
        [count for _, count in counts],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, columns)


backlog: Backlog[Attempt] = Backlog(_write)
