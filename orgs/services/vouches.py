"""Fiscal sponsors vouch for their projects. Only those that staff has recognized can."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from freehold.errors import NotFound, NotPermitted
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.models import Organization, Proof
from orgs.services import proof_notices
from orgs.services.organizations import NotNow
from orgs.services.proof_checks import judged, locked, look_at_vouch
from orgs.vocabulary import Permission, ProofKind, ProofState, State


class NoSuchRequest(NotFound):
    code = "no-such-request"


def can_vouch(sponsor: Organization, actor: Actor) -> Verdict:
    """Owners of a recognized sponsor, while it is active."""
    if not (verdict := may(actor, Permission.MANAGE_PEOPLE, sponsor)):
        return verdict
    if not sponsor.is_sponsor or sponsor.state != State.ACTIVE:
        return Verdict(False, f"{sponsor.name} is no recognized sponsor now, so it can't vouch for others.")
    return ALLOWED


@transaction.atomic
def vouch(*, actor: Actor, sponsor: Organization, proof: Proof) -> None:
    """Say that the project is the sponsor's. The proof is verified at once."""
    proof, sponsor = _asked_of(actor, sponsor, proof)
    if not (verdict := can_vouch(sponsor, actor)):
        raise NotNow(verdict.reason)
    if proof.vouched_at is not None:
        return
    proof.vouched_at = timezone.now()
    _record(actor, "proof.vouched", sponsor, proof)
    judged(actor, proof, look_at_vouch(proof))


@transaction.atomic
def decline_vouch(*, actor: Actor, sponsor: Organization, proof: Proof) -> None:
    """Say no to a request: it goes away."""
    proof, sponsor = _asked_of(actor, sponsor, proof)
    if proof.vouched_at is not None or proof.state != ProofState.PENDING:
        raise NotNow("This was answered already; withdraw the vouch instead.")
    _record(actor, "proof.vouch_declined", sponsor, proof)
    proof_notices.vouch_declined(proof, sponsor)
    proof.delete()


@transaction.atomic
def withdraw_vouch(*, actor: Actor, sponsor: Organization, proof: Proof) -> None:
    """Vouch no longer. The proof fails from now on, and is lost after the usual time."""
    proof, sponsor = _asked_of(actor, sponsor, proof)
    if proof.vouched_at is None:
        raise NotNow(f"{sponsor.name} does not vouch for {proof.organization.name}.")
    proof.vouched_at = None
    _record(actor, "proof.vouch_withdrawn", sponsor, proof)
    judged(actor, proof, look_at_vouch(proof))


def _asked_of(actor: Actor, sponsor: Organization, proof: Proof) -> tuple[Proof, Organization]:
    """Both read anew, the proof locked; raises ``NoSuchRequest`` for what is not asked of this sponsor."""
    if not (verdict := may(actor, Permission.MANAGE_PEOPLE, sponsor)):
        raise NotPermitted(verdict.reason)
    proof, sponsor = locked(proof), Organization.objects.get(pk=sponsor.pk)
    is_its = sponsor.names.filter(name=proof.subject).exists()
    if proof.kind != ProofKind.VOUCH or not is_its or proof.organization.state == State.CLOSED:
        raise NoSuchRequest("Nobody asks this sponsor for that.")
    return proof, sponsor


def _record(actor: Actor, action: str, sponsor: Organization, proof: Proof) -> None:
    """One event for each side, so that each sees it in its own trail."""
    for concerned in (sponsor, proof.organization):
        audit.record(
            actor,
            action,
            f"proof {proof.organization.name} by {sponsor.name}",
            organization=concerned.name,
            before={"state": proof.state},
        )
