"""Mail about proofs: to the owners of those who prove, of those who vouch, and to mailboxes that are proved."""

from __future__ import annotations

from typing import Any

from accounts.outbox import queue_mail
from orgs.actors import Actor
from orgs.models import Organization, Proof
from orgs.proofs import instructions, judging
from orgs.proofs.flags import Flag
from orgs.proofs.judging import Notice, Record
from orgs.proofs.observations import Observation
from orgs.services import notices
from orgs.vocabulary import ProofState, State


def judged(actor: Actor, proof: Proof, notice: Notice, seen: Observation) -> None:
    """What follows from a look. Who pressed the button sees it there; the mail is for when nobody did."""
    if notice in {Notice.VERIFIED, Notice.RECOVERED} and not actor.is_operator:
        return
    record = Record(ProofState(proof.state), proof.verified_at, proof.failing_since, proof.warned_at)
    context = {"seen": seen, "loses_at": judging.loses_at(record)}
    _tell_owners(proof, f"proof_{notice}", **context)


def flagged(proof: Proof) -> None:
    expires_at = proof.registration.get("last", {}).get("expires_at") or ""
    _tell_owners(proof, "proof_flagged", why=Flag(proof.flag).label, expires_on=expires_at[:10])


def code(proof: Proof) -> None:
    """To the mailbox; whoever reads it learns who asks, and need not do anything."""
    half = len(proof.challenge) // 2
    written = f"{proof.challenge[:half]}-{proof.challenge[half:]}"
    context = {"organization": proof.organization, "proof": proof, "code": written, "url": _url(proof)}
    queue_mail(to=proof.mailbox, template="proof_code", context=context)


def vouch_requested(proof: Proof) -> None:
    """Once for each pair, however often it is asked."""
    sponsor = Organization.objects.filter(names__name=proof.subject, state=State.ACTIVE).first()
    if sponsor is None:
        return
    url = notices.site_url("organization-proofs", sponsor.name)
    key = f"vouch-requested:{sponsor.pk}:{proof.organization_id}"
    notices.tell_owners(sponsor, "proof_vouch_requested", key=key, project=proof.organization, url=url)


def vouch_declined(proof: Proof, sponsor: Organization) -> None:
    _tell_owners(
        proof,
        "proof_vouch_declined",
        sponsor=sponsor,
        url=notices.site_url("organization-proofs", proof.organization.name),
    )


def _tell_owners(proof: Proof, template: str, **context: Any) -> None:
    known = {
        "proof": proof,
        "subject_shown": instructions.shown(proof.kind, proof.subject).text,
        "url": _url(proof),
        **context,
    }
    notices.tell_owners(proof.organization, template, **known)


def _url(proof: Proof) -> str:
    return notices.site_url("organization-proof", proof.organization.name, proof.pk)
