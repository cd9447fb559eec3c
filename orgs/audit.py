"""Writing the audit trail. Called by services, inside the transaction of the change."""

from __future__ import annotations

from typing import Any

from orgs.actors import Actor
from orgs.models import AuditEvent


def record(
    actor: Actor,
    action: str,
    target: str,
    *,
    organization: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEvent:
    return AuditEvent.objects.create(
        actor=actor.label,
        action=action,
        target=target,
        organization=organization,
        before=before,
        after=after,
        origin=actor.origin,
    )
