from __future__ import annotations

from typing import Any

from freehold.commands import FreeholdCommand
from namespaces.feed import current_revision
from namespaces.models import PurgeEndpoint


class Command(FreeholdCommand):
    help = "List where purges are sent, a line each: number, address, how many changes it is behind, and how it fares."

    def perform(self, **options: Any) -> str | None:
        now = current_revision()
        lines = [_line(endpoint, now) for endpoint in PurgeEndpoint.objects.order_by("pk")]
        return "\n".join(lines) or None


def _line(endpoint: PurgeEndpoint, revision: int) -> str:
    behind = max(0, revision - endpoint.delivered_revision)
    return f"{endpoint.pk}\t{endpoint.url}\t{behind} behind\t{_health(endpoint)}"


def _health(endpoint: PurgeEndpoint) -> str:
    if endpoint.failing_since is None:
        return "ok"
    state = "given up" if endpoint.disabled_at else "failing"
    return f"{state} since {endpoint.disabled_at or endpoint.failing_since:%Y-%m-%d %H:%M}: {endpoint.last_error}"
