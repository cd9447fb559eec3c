"""What the page of an organization's community status shows: the criteria as they are met now, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from namespaces.cases import CaseKind
from namespaces.community_facts import gather_application
from namespaces.models import Case, ForgeSignals, Verification
from namespaces.pages_cases import Wait, place_of, usual_wait
from namespaces.policy import community
from namespaces.policy.evaluation import CommunityKey, Criterion, Evaluation, Outcome, Result
from orgs.models import Organization, Proof
from orgs.vocabulary import Kind, ProofKind, State

SOON = timedelta(days=60)

# Where what is missing can be put right: the name of the page, with its further arguments, and what the link says.
REMEDIES: dict[CommunityKey, tuple[str, tuple[str, ...], str | Promise]] = {
    CommunityKey.PROOFS: ("organization-proof-new", (), _("Add a proof")),
    CommunityKey.FORGE: ("organization-proof-new-kind", ("forge",), _("Prove your place on a code forge")),
    CommunityKey.USERS: ("index-identity", (), _("Link your user name on the index")),
    CommunityKey.INSTITUTION: ("organization-settings", (), _("Correct what you say of yourself")),
    CommunityKey.NAME: ("organization-settings-rename", (), _("Choose another name")),
}
OF_A_PERSON = frozenset({"index-identity"})


@dataclass(frozen=True)
class Row:
    """A criterion, and where something can be done about it."""

    criterion: Criterion
    url: str = ""
    text: str = ""

    @property
    def is_met(self) -> bool:
        return self.criterion.result is Result.PASS


@dataclass(frozen=True)
class Asked:
    """A forge that was asked: when it last answered, and why it did not since."""

    address: str
    seen_at: datetime | None
    error: str


@dataclass(frozen=True)
class Status:
    """``case`` is the application that is open, ``last`` the one before it or without it, decided."""

    organization: Organization
    evaluation: Evaluation
    rows: list[Row]
    asked: list[Asked]
    verification: Verification | None
    case: Case | None
    last: Case | None
    place: int | None
    wait: Wait

    @property
    def is_verified(self) -> bool:
        return self.organization.kind == Kind.COMMUNITY and self.organization.state == State.ACTIVE

    @property
    def is_company(self) -> bool:
        return self.organization.kind == Kind.COMPANY

    @property
    def is_met(self) -> bool:
        return self.evaluation.outcome is Outcome.GRANT_NOW

    @property
    def open_rows(self) -> list[Row]:
        return [row for row in self.rows if not row.is_met]

    @property
    def met_rows(self) -> list[Row]:
        return [row for row in self.rows if row.is_met]

    @property
    def is_due(self) -> bool:
        """To be renewed soon, and not renewed yet."""
        return self.verification is not None and self.verification.renew_at <= timezone.now() + SOON


def status_of(organization: Organization) -> Status:
    """As things stand now; nothing is asked of anybody for it."""
    inputs = gather_application(organization, Kind.COMMUNITY)
    evaluation = community.evaluate_application(inputs, settings.FREEHOLD_COMMUNITY_POLICY)
    applications = Case.objects.filter(kind=CaseKind.APPLICATION, organization=organization).order_by(
        "-filed_at", "-pk"
    )
    found = list(applications[:5])
    case = next((each for each in found if each.is_open), None)
    return Status(
        organization=organization,
        evaluation=evaluation,
        rows=[_row(criterion, organization) for criterion in evaluation.criteria],
        asked=_asked(organization),
        verification=Verification.objects.filter(organization=organization).first(),
        case=case,
        last=next((each for each in found if not each.is_open), None),
        place=place_of(case) if case else None,
        wait=usual_wait(),
    )


def _row(criterion: Criterion, organization: Organization) -> Row:
    found = REMEDIES.get(CommunityKey(criterion.key))
    if criterion.result is Result.PASS or found is None:
        return Row(criterion)
    route, more, text = found
    arguments = more if route in OF_A_PERSON else (organization.name, *more)
    return Row(criterion, reverse(route, args=arguments), str(text))


def _asked(organization: Organization) -> list[Asked]:
    proofs = Proof.objects.counting().filter(organization=organization, kind=ProofKind.FORGE).order_by("subject")
    signals = {each.proof_id: each for each in ForgeSignals.objects.filter(proof__organization=organization)}
    return [_asked_one(proof, signals.get(proof.pk)) for proof in proofs]


def _asked_one(proof: Proof, told: ForgeSignals | None) -> Asked:
    address = proof.subject.removeprefix("https://")
    return Asked(address, told.seen_at if told else None, told.error if told else "")
