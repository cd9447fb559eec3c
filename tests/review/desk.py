"""A desk with a bit of everything on it, made by the services that make it in life."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from namespaces.cases import CaseKind, CaseState, EntryKind, Party
from namespaces.models import Case
from namespaces.services import claims
from orgs.actors import Actor
from orgs.models import Organization, Proof
from orgs.vocabulary import Kind, ProofKind, ProofState, State
from tests import factories

DAY = timedelta(days=1)


def staff(user: User) -> Actor:
    return Actor.staff(user, origin="192.0.2.1")


def proved(organization: Organization, subject: str, kind: ProofKind = ProofKind.DNS, **fields: object) -> Proof:
    return Proof.objects.create(
        organization=organization,
        kind=kind,
        subject=subject,
        challenge="0" * 32,
        state=ProofState.VERIFIED,
        verified_at=timezone.now(),
        **fields,
    )


def projects(prefix: str, *owners: str, days: int = 400) -> None:
    for number, owner in enumerate(owners):
        since = timezone.now() - (days - number) * DAY
        factories.project(f"{prefix}-part{number}", owner=owner, first_uploaded=since)


def claim(organization: Organization, name: str, statement: str = "") -> Case:
    """Filed by an owner; none of these is granted by machine."""
    owner = factories.member(organization, f"owner-of-{organization.name}")
    case = claims.file_claim(actor=Actor.person(owner.user), organization=organization, name=name, statement=statement)
    assert case.state == CaseState.WAITING, case.evaluations.get().result
    return case


class Desk:
    """``clear`` is one that everybody would refuse; ``contested`` is claimed by two; ``grave`` needs two reviewers."""

    def __init__(self) -> None:
        self.rita = factories.reviewer(name="Rita Review")
        self.otto = factories.reviewer(name="Otto Other")
        self.clear = self._clear()
        self.contested, self.rival = self._contested()
        self.grave = self._grave()
        self.proposed = factories.case(factories.organization("zeta"), state=CaseState.PROPOSED, by=self.otto)
        self.asked = factories.case(factories.organization("quill"), state=CaseState.ASKED)
        self.application = self._application()
        self.dispute = self._dispute()
        self.refused = factories.case(factories.organization("orbit"), state=CaseState.REFUSED, by=self.rita)

    @staticmethod
    def _clear() -> Case:
        projects("widgets", "user:ann", "user:bob", "carpentry", "user:dan")
        organization = factories.organization("mallory-and-daughters")
        return claim(organization, "Widgets", "We plan to make widgets.\n\nMany of them, and soon.")

    @staticmethod
    def _contested() -> tuple[Case, Case]:
        lumen, labs = factories.organization("lumen"), factories.organization("lumen-labs", kind=Kind.COMMUNITY)
        proved(lumen, "lumen.example", flag="registrar-changed")
        proved(labs, "github.com/lumen-labs", ProofKind.FORGE)
        projects("lumen", "lumen", "lumen-labs", "user:ann")
        first = claim(lumen, "lumen", "We have sold the Lumen lamp since 2009, and publish what drives it.")
        return first, claim(labs, "lumen-labs", "The light simulation of the University of Somewhere.")

    @staticmethod
    def _grave() -> Case:
        projects("meshwork", *(f"user:person{number}" for number in range(30)))
        return claim(factories.organization("meshwork"), "meshwork")

    @staticmethod
    def _application() -> Case:
        organization = factories.organization("comet", kind=Kind.COMMUNITY, state=State.APPLIED)
        factories.member(organization, "cora")
        return factories.case(organization, kind=CaseKind.APPLICATION, statement="We make telescopes talk.")

    @staticmethod
    def _dispute() -> Case:
        holder = factories.organization("harbour")
        case = factories.case(holder, kind=CaseKind.DISPUTE, statement="They pass for the harbour of our town.")
        factories.entry(case, EntryKind.ANSWERED, Party.HOLDER, "We are the other harbour.", audience=Party.HOLDER)
        return case
