"""Applications of organizations: for community status, or to become the other kind (DESIGN sections 7 and 8).

Before one is looked at, the code forges are asked anew. That takes seconds, so it happens before the transaction, and
never under a lock.
"""

from __future__ import annotations

from functools import partial

from django.db import transaction

from freehold.errors import Invalid, NotPermitted
from namespaces.cases import CaseKind, CaseState, EntryKind, Moment, Party
from namespaces.errors import NotNow
from namespaces.hooks import priority
from namespaces.models import Case
from namespaces.services.casework import enter, locked, parse_text
from namespaces.services.claims import answer, edit, look, look_again
from namespaces.services.forge_signals import AGAIN, ask_forges
from namespaces.services.locks import lock_organizations
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.models import Organization
from orgs.vocabulary import Kind, Permission, State


def file_application(
    *, actor: Actor, organization: Organization, wanted_kind: Kind = Kind.COMMUNITY, statement: str = ""
) -> Case:
    """Apply to be of that kind. Where the policy is satisfied it is so in the same transaction, else a person looks.

    To become a company is settled at once: it keeps what it holds, and its standing stays good until billing says
    otherwise; from then on it pays as companies do. Raises ``NotNow`` for what the organization is already, and for a
    second open application.
    """
    _demand(actor, organization, wanted_kind)  # before anybody is asked anything for it
    if wanted_kind is Kind.COMMUNITY:
        ask_forges(organization=organization)
    return _file(actor, organization, wanted_kind, parse_text(statement, required=False))


@transaction.atomic
def _file(actor: Actor, organization: Organization, wanted_kind: Kind, statement: str) -> Case:
    organization = lock_organizations(organization.pk)[organization.pk]
    _demand(actor, organization, wanted_kind)
    case = Case.objects.create(
        kind=CaseKind.APPLICATION,
        organization=organization,
        filed_by=actor.user,
        wanted_kind=wanted_kind,
        statement=statement,
        priority=priority(organization),
    )
    enter(actor, case, EntryKind.FILED, Party.APPLICANT, statement)
    return look(case, Moment.FILED)


def _demand(actor: Actor, organization: Organization, wanted_kind: Kind) -> None:
    if not (verdict := may(actor, Permission.MANAGE_NAMESPACES, organization)):
        raise NotPermitted(verdict.reason)
    if not (verdict := can_apply(organization, wanted_kind)):
        raise NotNow(verdict.reason)


def can_apply(organization: Organization, wanted_kind: Kind) -> Verdict:
    """Whether there is something to apply for, and nothing open yet."""
    if organization.state not in {State.APPLIED, State.ACTIVE}:
        return Verdict(False, f"{organization.name!r} is {organization.state}: that has to be settled first.")
    if is_settled(organization, wanted_kind):
        return Verdict(False, f"{organization.name!r} is a {Kind(wanted_kind).label.lower()} already.")
    if open_application(organization) is not None:
        return Verdict(False, f"{organization.name!r} has applied already; go on with that application.")
    return ALLOWED


def is_settled(organization: Organization, wanted_kind: Kind) -> bool:
    """Whether it is what it would apply to be. A community project is one once it is active."""
    if organization.kind != wanted_kind:
        return False
    return wanted_kind is Kind.COMPANY or organization.state == State.ACTIVE


def open_application(organization: Organization) -> Case | None:
    return Case.objects.open().filter(kind=CaseKind.APPLICATION, organization=organization).first()


def edit_application(*, actor: Actor, case: Case, statement: str) -> Case:
    """Change what it says; it is looked at anew."""
    _demand_application(case)
    _ask_for(actor, case)
    return edit(actor=actor, case=case, statement=statement)


def answer_application(*, actor: Actor, case: Case, text: str) -> Case:
    """Answer what a reviewer asked; it is looked at anew."""
    _demand_application(case)
    _ask_for(actor, case)
    return answer(actor=actor, case=case, text=text)


def look_again_at_application(*, actor: Actor, case: Case) -> Case:
    """Ask the forges anew, and evaluate a waiting application by what they say."""
    _demand_application(case)
    _ask_for(actor, case)
    return look_again(actor=actor, case=case)


def _demand_application(case: Case) -> None:
    if case.kind != CaseKind.APPLICATION:
        raise Invalid("This is no application of an organization.")


def _ask_for(actor: Actor, case: Case) -> None:
    """For those alone who may do something with the answer, and not all the time."""
    if may(actor, Permission.MANAGE_NAMESPACES, case.organization):
        ask_forges(organization=case.organization, age=AGAIN)


def refresh_evidence(*, actor: Actor, organization: Organization) -> int:
    """Have the forges asked anew before anything is filed; how many answered. Nothing is decided by it."""
    if not (verdict := may(actor, Permission.MANAGE_NAMESPACES, organization)):
        raise NotPermitted(verdict.reason)
    return ask_forges(organization=organization, age=AGAIN)


# --- What waited for it -----------------------------------------------------------------------------------------------


def look_at_waiting_claims(actor: Actor, organization: Organization) -> None:
    """Once it is committed that the organization may hold namespaces, evaluate what it has claimed again: each claim by
    itself, since each takes locks of its own (``orgs.hooks.on_activated``)."""
    transaction.on_commit(partial(_look_at_claims, organization.pk), robust=True)


def _look_at_claims(organization: int) -> None:
    waiting = Case.objects.filter(kind=CaseKind.CLAIM, state=CaseState.WAITING, organization=organization)
    for case in list(waiting.order_by("pk")):
        _look_at_claim(case)


@transaction.atomic
def _look_at_claim(case: Case) -> None:
    case = locked(case)
    if case.state == CaseState.WAITING:  # nobody has decided it meanwhile
        look(case, Moment.LOOKED)
