"""Why things are as they are with a namespace: how it came to its holder, and what stops new projects there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from namespaces.cases import CaseKind, CaseState
from namespaces.models import Case, Grant, GrantLock, LogEntry
from namespaces.pages_cases import Verdict, paid_until, verdict_on
from namespaces.states import GrantState, LockCause
from orgs.models import AuditEvent, Organization

# --- How it came about ----------------------------------------------------------------------------------------------


BEGINNINGS = (LogEntry.Change.HELD, LogEntry.Change.GRANTED, LogEntry.Change.CHILD)


@dataclass(frozen=True)
class Origin:
    """How an organization came to hold a namespace.

    ``case`` is the claim that was approved, with ``verdict``. ``root`` is what it was divided off from, or, with
    ``was_adopted``, what came to stand around it later. ``came_from`` had it before and handed it over at ``moved_at``.
    """

    at: datetime
    case: Case | None = None
    verdict: Verdict | None = None
    root: Grant | None = None
    was_adopted: bool = False
    moved_at: datetime | None = None


def origin_of(grant: Grant) -> Origin:
    claims = Case.objects.filter(kind=CaseKind.CLAIM, state=CaseState.APPROVED, grant=grant)
    case = claims.select_related("organization").order_by("-decided_at").first()
    root = grant.root
    return Origin(
        at=grant.created_at,
        case=case,
        verdict=verdict_on(case) if case else None,
        root=root,
        was_adopted=root is not None and grant.created_at < root.created_at,
        moved_at=_moved_at(grant),
    )


def _moved_at(grant: Grant) -> datetime | None:
    """When it was last handed over, since it was granted; who had the name before is another matter."""
    written = LogEntry.objects.filter(namespace=grant.name)
    begun = written.filter(change__in=BEGINNINGS).order_by("-pk").values("pk")[:1]
    moves = written.filter(change=LogEntry.Change.TRANSFERRED, pk__gt=Coalesce(Subquery(begun), 0))
    return moves.order_by("-pk").values_list("at", flat=True).first()


# --- What stops new projects ----------------------------------------------------------------------------------------

HELD, GIVEN_UP, TAKEN, UPHELD, INACTIVE = "held", "given up", "taken", "upheld", "inactive"


class Stop(NamedTuple):
    """One reason for which nothing new can be published: ``cause`` is one of the above, or a ``LockCause``.

    ``actor`` and ``reason`` are what the trail says of it, ``case`` the report behind it, ``until`` when it ends by
    itself.
    """

    cause: str
    since: datetime | None = None
    until: datetime | None = None
    reason: str = ""
    actor: str = ""
    case: Case | None = None


def stops(grant: Grant, organization: Organization) -> list[Stop]:
    """What its owner is told; of a child as of its root, whose fate it shares."""
    root = grant.root or grant
    found = list(_of_state(root))
    if organization.state != "active" or (organization.standing == "lapsed" and not found):
        found.append(Stop(INACTIVE))
    return found


def _of_state(root: Grant) -> Iterator[Stop]:
    match root.state:
        case GrantState.HELD:
            yield Stop(HELD, since=root.state_changed_at, until=paid_until(root))
        case GrantState.QUARANTINED:
            yield _quarantine(root)
        case GrantState.LOCKED:
            yield from _locks(root)


def _quarantine(root: Grant) -> Stop:
    upheld = root.locks.filter(case__state=CaseState.APPROVED).select_related("case").first()
    until = root.state_changed_at + settings.FREEHOLD_QUARANTINE
    if upheld is not None:  # the report says why, and by how many it was decided
        return Stop(UPHELD, root.state_changed_at, until, case=upheld.case)
    by_staff = root.locks.exclude(cause=LockCause.STANDING).exists()
    known = _trail(root, "namespace.quarantine")
    return Stop(TAKEN if by_staff else GIVEN_UP, root.state_changed_at, until, **known)


def _locks(root: Grant) -> Iterator[Stop]:
    locks = list(GrantLock.objects.filter(grant=root).select_related("case"))
    if not locks:
        yield Stop(LockCause.STAFF, root.state_changed_at, **_trail(root, "namespace.lock"))
    for lock in locks:
        known = {} if lock.case else _trail(root, "namespace.lock") | {"reason": lock.reason}
        yield Stop(lock.cause, lock.since, case=lock.case, **known)


def _trail(root: Grant, action: str) -> dict[str, Any]:
    """Who did it last, and the reason that they gave. Of staff it is said that it was staff, and not who."""
    events = AuditEvent.objects.filter(organization=root.owner.name, action=action, target=f"namespace {root.name}")
    event = events.order_by("-position").first()
    if event is None:
        return {}
    actor = _("staff") if event.actor.startswith("staff ") else event.actor
    return {"actor": actor, "reason": (event.after or {}).get("reason", "")}
