"""Claims of namespaces, as their applicants make them (DESIGN section 8)."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from freehold.errors import DomainError, Invalid, NotPermitted
from namespaces import names
from namespaces.cases import CaseAction, CaseKind, CaseState, DecisionState, EntryKind, Moment, Party
from namespaces.errors import AlreadyHeld, CannotHold, NamespaceTaken, NoRoom, NotNow
from namespaces.hooks import awaits_payment, priority
from namespaces.models import Case, Grant
from namespaces.services import case_notices
from namespaces.services.casework import between, demand, enter, locked, move, parse_text, parties_of, side_of
from namespaces.services.decisions import decide_by_machine, end_decision, in_force
from namespaces.services.evaluations import evaluate_case
from namespaces.services.grants import parse_namespace
from namespaces.services.locks import lock_name, lock_organizations
from namespaces.states import HOLDING, GrantState
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.models import Organization
from orgs.vocabulary import Permission, Standing, State


@transaction.atomic
def file_claim(*, actor: Actor, organization: Organization, name: str, statement: str = "") -> Case:
    """Claim a namespace. Where the policy is satisfied it is granted in the same transaction, else a person looks.

    Raises ``NamespaceTaken`` where somebody else holds an overlapping one, ``AlreadyHeld`` for what the organization
    has, and ``NotNow`` for a second open claim of the same name.
    """
    namespace = parse_namespace(name)
    organization = lock_organizations(organization.pk)[organization.pk]
    lock_name(namespace)
    if not (verdict := may(actor, Permission.MANAGE_NAMESPACES, organization)):
        raise NotPermitted(verdict.reason)
    if not (verdict := can_claim(organization)):
        raise CannotHold(verdict.reason)
    _demand_free(namespace, organization)
    _demand_room(namespace, organization)
    case = Case.objects.create(
        kind=CaseKind.CLAIM,
        organization=organization,
        filed_by=actor.user,
        name=namespace,
        display_name=name.strip(),
        statement=parse_text(statement, required=False),
        priority=priority(organization),
    )
    enter(actor, case, EntryKind.FILED, Party.APPLICANT, case.statement)
    return look(case, Moment.FILED)


def can_claim(organization: Organization) -> Verdict:
    """Whether the organization is in a state to ask: what it lacks to hold may still come."""
    if organization.state not in {State.APPLIED, State.ACTIVE} or organization.standing == Standing.LAPSED:
        return Verdict(
            False,
            f"{organization.name!r} is {organization.state} with the standing '{organization.standing}'; "
            "settle what is open first.",
        )
    return ALLOWED


def can_file(organization: Organization, name: str) -> Verdict:
    """Whether the organization could file a claim of the name now, whatever becomes of it: what ``file_claim`` asks."""
    try:
        namespace = parse_namespace(name)
        _demand_free(namespace, organization)
        _demand_room(namespace, organization)
    except DomainError as error:
        return Verdict(False, error.message)
    return can_claim(organization)


def look(case: Case, moment: Moment) -> Case:
    """Evaluate the case, and approve it if that is what comes out. The caller holds the locks."""
    evaluation = evaluate_case(case, moment)
    case.save()
    decide_by_machine(case, evaluation)
    case_notices.looked(case)
    return case


@transaction.atomic
def look_again(*, actor: Actor, case: Case) -> Case:
    """Evaluate a waiting case anew, since something may have been proved by now: for either side of the desk."""
    case = locked(case)
    if not actor.is_machine:
        demand(CaseAction.ASK if Party.REVIEWER in parties_of(case, actor) else CaseAction.EDIT, case, actor)
    elif case.state != CaseState.WAITING:
        raise NotNow(f"There is nothing to look at: the case is in the state “{case.get_state_display()}”.")
    return look(case, Moment.LOOKED)


@transaction.atomic
def edit(*, actor: Actor, case: Case, statement: str, name: str = "") -> Case:
    """Change what a claim says, or how its name is written; another name is another claim."""
    case = locked(case)
    demand(CaseAction.EDIT, case, actor)
    if name and case.kind == CaseKind.CLAIM:
        if parse_namespace(name) != case.name:
            raise Invalid(f"This claim is of {case.name!r}; withdraw it and claim the other name.")
        case.display_name = name.strip()
    case.statement = parse_text(statement, required=False)
    was_asked = case.asked
    move(case, CaseAction.EDIT)
    enter(actor, case, EntryKind.ANSWERED if was_asked else EntryKind.EDITED, Party.APPLICANT, case.statement)
    return look(case, Moment.EDITED)


@transaction.atomic
def answer(*, actor: Actor, case: Case, text: str) -> Case:
    """Answer what a reviewer asked: the case is back at its place in the queue, and evaluated anew."""
    case = locked(case)
    demand(CaseAction.ANSWER, case, actor)
    side = side_of(case, actor)
    text = parse_text(text)
    move(case, CaseAction.ANSWER)
    enter(actor, case, EntryKind.ANSWERED, side, text, audience=between(case, side))
    return look(case, Moment.ANSWERED)


@transaction.atomic
def appeal(*, actor: Actor, case: Case, text: str) -> Case:
    """Have a refusal looked at once more, by somebody else than who refused."""
    case = locked(case)
    demand(CaseAction.APPEAL, case, actor)
    text = parse_text(text)
    if case.kind == CaseKind.CLAIM:
        _demand_free(case.name, case.organization)
    if Case.objects.open().like(case).exists():
        raise NotNow("There is a newer one that is still open; go on with that.")
    if (decision := in_force(case)) is not None:
        end_decision(decision, DecisionState.APPEALED)
    case.appealed_at = case.waiting_since = timezone.now()
    move(case, CaseAction.APPEAL)
    enter(actor, case, EntryKind.APPEALED, Party.APPLICANT, text)
    return look(case, Moment.ANSWERED)


def _demand_free(namespace: str, organization: Organization) -> None:
    """What others hold can't be claimed, but for what they gave up; what the organization holds need not be."""
    around = Grant.objects.holding().overlapping(namespace).select_related("owner").order_by("name")
    for grant in around:
        if grant.owner_id == organization.pk:
            _demand_new(namespace, grant)
        elif grant.state != GrantState.QUARANTINED:
            raise NamespaceTaken(
                f"The namespace {namespace!r} overlaps with {grant.name!r}, which {grant.owner.name!r} holds. "
                "Ask it for a share or a transfer.",
                namespace=grant.name,
                owner=grant.owner.name,
            )


def _demand_new(namespace: str, own: Grant) -> None:
    if own.name == namespace and own.state != GrantState.QUARANTINED:
        raise AlreadyHeld(f"{own.owner.name!r} holds the namespace {namespace!r} already; it is {own.state}.")
    if own.name == namespace and own.owner.state == State.ACTIVE and awaits_payment(own.owner):
        raise NoRoom(
            f"{namespace!r} is in quarantine, and kept for {own.owner.name!r}: pay for one more namespace, and take it "
            "back. No claim is needed."
        )
    if own.name != namespace and names.covers(own.name, namespace) and own.state in HOLDING:
        raise AlreadyHeld(f"{own.owner.name!r} holds {own.name!r} above it: divide off a child there, no claim needed.")


def _demand_room(namespace: str, organization: Organization) -> None:
    open_claims = Case.objects.open().filter(kind=CaseKind.CLAIM, organization=organization)
    if open_claims.filter(name=namespace).exists():
        raise NotNow(f"{organization.name!r} has claimed {namespace!r} already; go on with that claim.")
    most = settings.FREEHOLD_OPEN_CLAIMS
    if open_claims.count() >= most:
        raise NotNow(f"{organization.name!r} has {most} claims open; more can be filed when some are decided.")
