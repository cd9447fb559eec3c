"""What a decision on an application brings about, and what undoing it takes back. The caller holds the locks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from namespaces.cases import DecisionOutcome
from namespaces.errors import NotNow
from namespaces.models import Case, CaseDecision, Grant, Verification
from orgs import audit, hooks
from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import Kind, Standing, State

VERIFIED_FOR = timedelta(days=365)


def become(actor: Actor, case: Case, decision: CaseDecision) -> None:
    """Make the organization what it asked to be.

    A community project becomes active, owes nothing, and is verified for a year. Whoever becomes a company keeps what
    it holds and its standing, which is good until billing says otherwise; one that was not active yet pays first.
    """
    organization = case.organization
    if organization.state not in {State.APPLIED, State.ACTIVE}:
        raise NotNow(f"{organization.name!r} is {organization.state}: that has to be settled first.")
    before = _what_it_is(organization)
    organization.kind = case.wanted_kind
    if case.wanted_kind == Kind.COMMUNITY:
        organization.state, organization.standing = State.ACTIVE, Standing.GOOD
        _verify(case)
    _save(actor, organization, before)
    if case.wanted_kind == Kind.COMMUNITY:
        for activated in hooks.on_activated:
            activated(actor, organization)


def _verify(case: Case) -> None:
    now = timezone.now()
    told = {"case": case, "verified_at": now, "renew_at": now + VERIFIED_FOR, "checked_at": now, "warned_at": None}
    Verification.objects.update_or_create(organization=case.organization, defaults=told)


def undo_application(actor: Actor, case: Case, decision: CaseDecision) -> None:
    """Make the organization again what it was when the decision was made; a refusal changed nothing."""
    if decision.outcome != DecisionOutcome.APPROVE:
        return
    organization, former = case.organization, _former(case, decision)
    if former["state"] != State.ACTIVE:
        _demand_nothing_received(organization, decision)
    before = _what_it_is(organization)
    organization.kind = former["kind"]
    if organization.state == State.ACTIVE:
        organization.state = former["state"]
    _save(actor, organization, before)
    if case.wanted_kind == Kind.COMMUNITY:
        Verification.objects.filter(organization=organization, case=case).delete()


def _former(case: Case, decision: CaseDecision) -> dict[str, Any]:
    """The kind and the state that the evaluation of the decision saw."""
    other = Kind.COMPANY if case.wanted_kind == Kind.COMMUNITY else Kind.COMMUNITY
    told = decision.evaluation.inputs if decision.evaluation else {}
    applicant = told.get("name", {}).get("applicant", {})
    return {"kind": applicant.get("kind", other), "state": applicant.get("state", case.organization.state)}


def _demand_nothing_received(organization: Organization, decision: CaseDecision) -> None:
    """What it holds only because it was verified is decided on first: a namespace doesn't end in passing."""
    received = Grant.objects.holding().filter(owner=organization, created_at__gte=decision.at).order_by("name")
    if (first := received.first()) is not None:
        raise NotNow(f"{organization.name!r} was granted {first.name!r} since: undo that decision first.")


def _what_it_is(organization: Organization) -> dict[str, str]:
    return {"kind": str(organization.kind), "state": str(organization.state), "standing": str(organization.standing)}


def _save(actor: Actor, organization: Organization, before: dict[str, str]) -> None:
    organization.save(update_fields=["kind", "state", "standing"])
    after = _what_it_is(organization)
    changed = [key for key in before if before[key] != after[key]]
    if changed:
        audit.record(
            actor,
            "organization.kind" if "kind" in changed else "organization.activate",
            f"organization {organization.name}",
            organization=organization.name,
            before={key: before[key] for key in changed},
            after={key: after[key] for key in changed},
        )
