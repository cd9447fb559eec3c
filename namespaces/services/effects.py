"""What a decision on a case of each kind brings about, and what undoing it takes back. The caller holds the locks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from freehold.errors import Invalid
from namespaces.cases import CaseKind
from namespaces.errors import NotNow
from namespaces.hooks import awaits_payment
from namespaces.models import Case, CaseDecision, Grant
from namespaces.services.application_effects import become, undo_application
from namespaces.services.dispute_effects import demand_hearing, dismiss, undo_dispute, uphold
from namespaces.services.grants import grant_namespace
from namespaces.services.lifecycle import discard_held, end_quarantine, quarantine_again, quarantine_namespace
from namespaces.states import HOLDING, GrantState
from orgs.actors import Actor
from orgs.vocabulary import Kind

Change = Callable[[Actor, Case, CaseDecision], None]


def nothing(actor: Actor, case: Case, decision: CaseDecision) -> None:
    """What a refusal of most kinds brings about."""


@dataclass(frozen=True)
class Effect:
    approve: Change
    refuse: Change
    undo: Change
    """Take back what ``approve`` or ``refuse`` did, as the decision's outcome says."""
    demand: Change = nothing
    """Raise what stands against the decision, before it is proposed or put into force."""


# --- Claims -----------------------------------------------------------------------------------------------------------


def grant_claimed(actor: Actor, case: Case, decision: CaseDecision) -> None:
    """Grant the namespace: held until it is paid for where that is due, else active at once."""
    organization = case.organization
    if organization.kind == Kind.COMMUNITY and not organization.may_hold:
        raise NotNow(f"{organization.name!r} is not verified as a community project yet: decide its application first.")
    _end_foreign_quarantines(actor, case, decision)
    state = GrantState.HELD if awaits_payment(organization) else GrantState.ACTIVE
    case.grant = grant_namespace(actor=actor, name=case.display_name, organization=organization, state=state)
    case.save(update_fields=["grant"])


def _end_foreign_quarantines(actor: Actor, case: Case, decision: CaseDecision) -> None:
    """What another organization gave up lately goes to this one only with a reason (DESIGN section 4, Quarantine)."""
    around = Grant.objects.overlapping(case.name).filter(state=GrantState.QUARANTINED, root__isnull=True)
    for grant in list(around.exclude(owner=case.organization).order_by("pk")):
        if not decision.reason:
            raise Invalid(f"{grant.name!r} is in quarantine for its former holder: say for staff why that should end.")
        end_quarantine(actor=actor, grant=grant, reason=decision.reason)


def take_claimed_back(actor: Actor, case: Case, decision: CaseDecision) -> None:
    """End the grant that the approval made. What the organization had before inside it stands by itself again."""
    grant, case.grant = case.grant, None
    if grant is not None and grant.owner_id != case.organization_id:
        raise NotNow(f"{grant.name!r} was transferred since: a dispute is the way to take it from its new holder.")
    case.save(update_fields=["grant"])
    if grant is None or grant.state not in HOLDING:
        return
    if grant.created_at < decision.at:  # it had been given up, and the approval gave it back
        quarantine_namespace(actor=actor, grant=grant, reason=f"The approval of case {case.pk} was undone.")
        return
    older = Grant.objects.filter(root=grant, created_at__lt=grant.created_at, state__in=HOLDING)
    older.update(root=None)
    reason = f"The approval of case {case.pk} was undone."
    if grant.state == GrantState.HELD:
        discard_held(actor=actor, grant=grant, reason=reason)
    elif grant.is_root:
        _open_again(actor, grant, reason)
    else:  # it has become part of what stands around it, and leaves no name open
        discard_held(actor=actor, grant=grant, reason=reason)
    _give_quarantines_back(actor, case, decision, until=grant.created_at)


def _open_again(actor: Actor, grant: Grant, reason: str) -> None:
    if grant.state != GrantState.QUARANTINED:
        quarantine_namespace(actor=actor, grant=grant, reason=reason)
    end_quarantine(actor=actor, grant=grant, reason=reason)


def _give_quarantines_back(actor: Actor, case: Case, decision: CaseDecision, until: datetime) -> None:
    """What the approval ended early for others before it granted the name is theirs to take back once more."""
    ended = Grant.objects.overlapping(case.name).filter(state=GrantState.RELEASED, root__isnull=True)
    theirs = ended.exclude(owner=case.organization).select_for_update(no_key=True)
    for grant in theirs.filter(state_changed_at__range=(decision.effective_at, until)).order_by("pk"):
        quarantine_again(actor, grant)


def undo_claim(actor: Actor, case: Case, decision: CaseDecision) -> None:
    if decision.outcome == "approve":
        take_claimed_back(actor, case, decision)


EFFECTS: dict[CaseKind, Effect] = {
    CaseKind.CLAIM: Effect(approve=grant_claimed, refuse=nothing, undo=undo_claim),
    CaseKind.APPLICATION: Effect(approve=become, refuse=nothing, undo=undo_application),
    CaseKind.DISPUTE: Effect(approve=uphold, refuse=dismiss, undo=undo_dispute, demand=demand_hearing),
}
