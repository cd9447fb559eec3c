"""Reads of proofs: for the pages, for the sweeps, and for staff."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from orgs.models import Organization, Proof
from orgs.proofs import instructions, judging, observations, subjects
from orgs.proofs.flags import Flag
from orgs.proofs.judging import Record
from orgs.proofs.observations import Finding, Observation
from orgs.vocabulary import ProofKind, ProofState, State

TONES = {
    ProofState.PENDING: "calm",
    ProofState.VERIFIED: "good",
    ProofState.FAILING: "warn",
    ProofState.LOST: "bad",
}
REGISTERED = (ProofKind.DNS, ProofKind.HTTPS, ProofKind.EMAIL_DOMAIN)
COUNTING = (ProofState.VERIFIED, ProofState.FAILING)


@dataclass(frozen=True)
class ProofRow:
    """A proof as pages show it. ``seen`` is what the last look saw, None before the first."""

    proof: Proof
    shown: subjects.ShownDomain
    tone: str
    seen: Observation | None
    flag: str

    @property
    def loses_at(self) -> datetime | None:
        """When it is lost at the earliest, if it is failing."""
        proof = self.proof
        record = Record(ProofState(proof.state), proof.verified_at, proof.failing_since, proof.warned_at)
        return judging.loses_at(record)

    @property
    def is_found(self) -> bool:
        return self.seen is not None and self.seen.is_found

    @property
    def is_unchecked(self) -> bool:
        return self.seen is not None and self.seen.finding is Finding.UNCHECKED


def row_of(proof: Proof) -> ProofRow:
    return ProofRow(
        proof=proof,
        shown=instructions.shown(proof.kind, proof.subject),
        tone=TONES[ProofState(proof.state)],
        seen=observations.from_json(proof.seen),
        flag=str(Flag(proof.flag).label) if proof.flag in Flag.values else proof.flag,
    )


def proofs_of(organization: Organization) -> list[ProofRow]:
    """All of them, those that count first."""
    order = [ProofState.FAILING, ProofState.VERIFIED, ProofState.PENDING, ProofState.LOST]
    rows = [row_of(proof) for proof in organization.proofs.order_by("kind", "subject")]
    return sorted(rows, key=lambda row: order.index(ProofState(row.proof.state)))


def sponsors_for(organization: Organization) -> QuerySet[Organization]:
    """Those that could vouch for it."""
    recognized = Organization.objects.filter(is_sponsor=True, state=State.ACTIVE)
    return recognized.exclude(pk=organization.pk).order_by("display_name", "name")


def asked_to_vouch(sponsor: Organization) -> list[Proof]:
    """The requests of others to a sponsor, and those it vouches for; open ones first."""
    subjects_of_it = sponsor.names.values("name")
    asked = Proof.objects.filter(kind=ProofKind.VOUCH, subject__in=subjects_of_it)
    shown = asked.exclude(organization__state=State.CLOSED).filter(
        Q(vouched_at__isnull=False) | Q(state=ProofState.PENDING)
    )
    found: Iterable[Proof] = shown.select_related("organization").order_by("created_at")
    return sorted(found, key=lambda proof: proof.vouched_at is not None)


def proofs_to_look_at() -> QuerySet[Proof]:
    """Those that a person of the staff should look at, the oldest trouble first."""
    flagged = Proof.objects.exclude(flag="").exclude(organization__state=State.CLOSED)
    return flagged.select_related("organization").order_by("failing_since", "pk")


def due_proofs(limit: int) -> list[int]:
    """Ids of the proofs that are to be looked at now, the longest overdue first."""
    due = Proof.objects.filter(next_check_at__lte=timezone.now()).exclude(organization__state=State.CLOSED)
    return list(due.order_by("next_check_at").values_list("pk", flat=True)[:limit])


def unasked_registrations(age: timedelta, limit: int) -> list[int]:
    """Ids of the proofs that count whose registry has not been asked for so long, or never."""
    before = (timezone.now() - age).isoformat()
    old = Q(registration__asked_at__isnull=True) | Q(registration__asked_at__lt=before)
    counting = Proof.objects.filter(old, kind__in=REGISTERED, state__in=COUNTING)
    return list(counting.exclude(organization__state=State.CLOSED).order_by("pk").values_list("pk", flat=True)[:limit])
