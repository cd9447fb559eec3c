"""The scheduled job on recoveries: the ids first, then each taken, judged anew and committed by itself."""

from __future__ import annotations

import structlog

from freehold.errors import DomainError
from orgs.actors import Actor
from orgs.models import Recovery
from orgs.selectors_organizations import open_recovery_ids
from orgs.services.recovery import expire_recovery, grant_recovery, remind_of_recovery

log = structlog.get_logger(__name__)


def sweep() -> int:
    """How many became owners. One on which we fail keeps none of the others."""
    return sum(_taken(number) for number in open_recovery_ids())


def _taken(number: int) -> bool:
    try:
        return _swept(number)
    except Exception:
        log.exception("recovery.crashed", recovery=number)
        return False


def _swept(number: int) -> bool:
    recovery = Recovery.objects.select_related("organization", "user").get(pk=number)
    remind_of_recovery(actor=Actor.worker(), recovery=recovery)
    recovery.refresh_from_db()
    try:
        grant_recovery(actor=Actor.worker(), recovery=recovery)
    except DomainError:  # it is not due, was stopped in the meantime, or its proof is not there
        expire_recovery(actor=Actor.worker(), recovery=recovery)
        return False
    return True
