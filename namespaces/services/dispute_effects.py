"""What a decision on a report brings about, what undoing it puts back, and what becomes of a report when its namespace
goes elsewhere. The caller holds the locks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from freehold.errors import Invalid
from namespaces.cases import CaseAction, CaseKind, CaseState, DecisionOutcome, EntryKind, Ground, Party
from namespaces.errors import NotNow
from namespaces.models import Case, CaseDecision, Grant, GrantLock
from namespaces.selectors_disputes import hearing, is_frozen, open_reports, root_of
from namespaces.services.casework import enter, move
from namespaces.services.disputes import REPORTABLE, reject_proposals
from namespaces.services.lifecycle import end_freeze, lock_namespace, put_back, quarantine_namespace
from namespaces.services.locks import lock_tree
from namespaces.states import GrantState, LockCause
from orgs.actors import ALLOWED, Actor, Verdict
from orgs.models import Organization
from orgs.vocabulary import State


def demand_hearing(actor: Actor, case: Case, decision: CaseDecision) -> None:
    """Raise what stands against upholding a report, when it is proposed and when it is put into force."""
    if decision.outcome != DecisionOutcome.APPROVE:
        return
    decision.criteria = decision.criteria or [case.dispute.ground]
    if not decision.text:
        raise Invalid("Both sides read why a report was upheld; write it.")
    at_once = Ground.ABUSE in decision.criteria and bool(decision.reason)
    if not at_once and not (verdict := can_uphold(case)):
        raise NotNow(verdict.reason)


def can_uphold(case: Case) -> Verdict:
    """Whether the holder has been heard. What does harm can be stopped before, with a reason for staff."""
    heard = hearing(case)
    if heard.is_over:
        return ALLOWED
    if heard.due_at is None:
        return Verdict(False, "The holder has not been asked yet: ask them before you uphold the report.")
    return Verdict(False, f"The holder was asked and has until {heard.due_at:%Y-%m-%d} to answer; wait for that.")


def uphold(actor: Actor, case: Case, decision: CaseDecision) -> None:
    """Take the namespace out of its holder's hands: as long as the lock for the report stands, the quarantine is not
    the holder's to end, even where it was they who gave it up."""
    demand_hearing(actor, case, decision)
    tree, _ = lock_tree(root_of(case))
    _remember(case, tree)
    GrantLock.objects.get_or_create(case=case, defaults={"grant": tree[0], "cause": LockCause.DISPUTE})
    if tree[0].state != GrantState.QUARANTINED:
        quarantine_namespace(actor=actor, grant=tree[0], reason=f"Report {case.pk} was upheld.")
    for other in _others(case, tree[0]):
        reject_proposals(other)
        other.settled_by = case
        move(other, CaseAction.SETTLE)
        enter(actor, other, EntryKind.SETTLED, Party.MACHINE, by=case.pk, namespace=case.name)


def dismiss(actor: Actor, case: Case, decision: CaseDecision) -> None:
    """The namespace stays with its holder, and what was stopped for the report can be done again."""
    tree, _ = lock_tree(root_of(case))
    _remember(case, tree)
    end_freeze(actor, tree[0], case)


def undo_dispute(actor: Actor, case: Case, decision: CaseDecision) -> None:
    """Put the namespace back exactly as it was when the decision was taken."""
    tree, _ = lock_tree(root_of(case))
    root = tree[0]
    if root.state == GrantState.RELEASED:
        raise NotNow(f"{root.name!r} has been opened to others since; there is nothing to put back.")
    if root.owner.state == State.CLOSED:
        raise NotNow(f"{root.owner.name!r} has been closed since; nobody is left to give {root.name!r} back to.")
    before: dict[str, Any] = case.dispute.before or {}
    if decision.outcome == DecisionOutcome.APPROVE:
        put_back(actor, tree, {int(pk): (GrantState(state), _time(at)) for pk, state, at in before.get("grants", [])})
    if not before.get("frozen"):
        GrantLock.objects.filter(case=case).delete()
    elif not is_frozen(case):
        _freeze_again(actor, root, case, since=_time(before["frozen"]))
    if case.organization_id != root.owner_id:  # it was dismissed, and the namespace has been transferred since
        _turn_to(case, root.owner)
        case.save(update_fields=["organization"])


def _freeze_again(actor: Actor, root: Grant, case: Case, since: datetime) -> None:
    if root.state in REPORTABLE:
        reason = "The decision on the report was undone."
        lock_namespace(actor=actor, grant=root, reason=reason, cause=LockCause.DISPUTE, case=case)
        GrantLock.objects.filter(case=case).update(since=since)
    else:  # its holder gave it up meanwhile; it is locked when it comes back
        GrantLock.objects.create(grant=root, cause=LockCause.DISPUTE, case=case, since=since)


def _remember(case: Case, tree: list[Grant]) -> None:
    lock = GrantLock.objects.filter(case=case).first()
    grants = [[grant.pk, grant.state, grant.state_changed_at.isoformat()] for grant in tree]
    case.dispute.before = {"frozen": lock.since.isoformat() if lock else None, "grants": grants}
    case.dispute.save(update_fields=["before"])


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _others(case: Case, root: Grant) -> list[Case]:
    others = open_reports(root).exclude(pk=case.pk).select_related("organization", "filed_by", "grant")
    return list(others.select_for_update(no_key=True, of=("self",)))


# --- What else becomes of a report ------------------------------------------------------------------------------------


def drop(actor: Actor, case: Case) -> None:
    """It was withdrawn, or nobody answered for it: what was stopped for it can be done again (``hooks.on_dropped``)."""
    if case.kind == CaseKind.DISPUTE:
        end_freeze(actor, lock_tree(root_of(case))[0][0], case)


def settle_released(actor: Actor, grant: Grant) -> None:
    """There is nothing left to decide about what everybody can have (``hooks.on_released``)."""
    for lock in GrantLock.objects.filter(grant=grant, case__isnull=False).select_related("case__grant"):
        inside = lock.case.grant if lock.case else None
        if inside is not None and inside != grant:  # it stands by itself again
            lock.grant = inside
            lock.save(update_fields=["grant"])
    _settle(actor, grant, f"The namespace {grant.name} was released: if the name is yours, claim it.")


def settle_of_closed(actor: Actor, organization: Organization) -> None:
    """Nobody is left to be heard, and nobody takes the namespace back (``orgs.hooks.on_closing``)."""
    for grant in Grant.objects.holding().filter(owner=organization, root__isnull=True).order_by("pk"):
        text = f"The holder was closed, and {grant.name} is in quarantine: if the name is yours, claim it."
        _settle(actor, grant, text)


def _settle(actor: Actor, grant: Grant, text: str) -> None:
    found = Case.objects.open().filter(kind=CaseKind.DISPUTE, grant=grant).order_by("pk")
    for case in list(found.select_for_update(no_key=True, of=("self",)).select_related("organization", "filed_by")):
        reject_proposals(case)
        move(case, CaseAction.SETTLE)
        enter(actor, case, EntryKind.SETTLED, Party.MACHINE, text)


def follow_transfer(actor: Actor, root: Grant, to: Organization) -> None:
    """A report goes where the namespace goes, and its new holder is heard anew (``hooks.on_transferred``)."""
    for case in list(open_reports(root).select_for_update(no_key=True, of=("self",)).select_related("filed_by")):
        _turn_to(case, to)
        was_asked = case.state == CaseState.ASKED and case.asked == Party.HOLDER
        case.changed_at = timezone.now()
        case.asked_at = case.changed_at if was_asked else case.asked_at
        case.save(update_fields=["organization", "changed_at", "asked_at"])
        text = f"{root.name} is held by {to.display_name} now, which is heard from here on."
        enter(actor, case, EntryKind.REOPENED, Party.MACHINE, text)
        if was_asked:
            _ask_again(actor, case)


def _turn_to(case: Case, to: Organization) -> None:
    """What its former holder and the reviewers said to each other is not for the new one."""
    case.entries.filter(audience=Party.HOLDER).update(audience=Party.REVIEWER)
    case.organization, case.dispute.holder_since = to, timezone.now()
    case.dispute.save(update_fields=["holder_since"])


def _ask_again(actor: Actor, case: Case) -> None:
    """What the former holder was asked and had not answered."""
    asked = case.entries.filter(kind=EntryKind.ASKED, audience=Party.REVIEWER).last()
    text = asked.text if asked else ""
    enter(actor, case, EntryKind.ASKED, Party.REVIEWER, text, audience=Party.HOLDER)
