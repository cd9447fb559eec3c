"""Scheduled work on organizations; each task is thin and may run twice."""

from __future__ import annotations

from celery import shared_task

from orgs.services.audit_streaming import prune_deliveries, stream_all
from orgs.services.invitations import prune_invitations
from orgs.services.organization_tokens import warn_of_expiring_tokens
from orgs.services.proof_sweeps import sweep_proofs, sweep_registrations
from orgs.services.recovery_sweep import sweep


@shared_task(name="orgs.grant_recoveries")
def grant_recoveries() -> int:
    """Remind of recoveries that wait, grant those that are due, and end those whose proof does not come."""
    return sweep()


@shared_task(name="orgs.check_proofs", ignore_result=True)
def check_proofs() -> int:
    """Look at the proofs that are due."""
    return sweep_proofs()


@shared_task(name="orgs.check_registrations", ignore_result=True)
def check_registrations() -> int:
    """Ask registries about the domains that are proved."""
    return sweep_registrations()


@shared_task(name="orgs.warn_of_expiring_tokens", ignore_result=True)
def warn_of_tokens() -> int:
    """Mail the owners of API tokens that expire soon, each once."""
    return warn_of_expiring_tokens()


@shared_task(name="orgs.stream_audit", ignore_result=True)
def stream_audit() -> int:
    """Send organizations the events of their audit trails."""
    return stream_all()


@shared_task(name="orgs.prune_audit_deliveries", ignore_result=True)
def prune_audit_deliveries() -> int:
    """Forget deliveries that nobody will ask about any more."""
    return prune_deliveries()


@shared_task(name="orgs.prune_invitations", ignore_result=True)
def prune_old_invitations() -> int:
    """Forget invitations that expired long ago."""
    return prune_invitations()
