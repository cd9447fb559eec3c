"""Reports of namespaces: who may report, what is stopped for the time being, and how both sides are heard.

What a decision on a report brings about stands in ``dispute_effects``.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from freehold.errors import DomainError, Invalid, NotPermitted
from namespaces.cases import OPEN, CaseAction, CaseKind, CaseState, DecisionState, EntryKind, Ground, Party
from namespaces.errors import NotNow
from namespaces.hooks import objection
from namespaces.models import Case, Dispute, Grant
from namespaces.models.disputes import ADDRESS_LENGTH
from namespaces.policy.evaluation import Stake
from namespaces.selectors_disputes import hearing, is_frozen, open_reports, root_of
from namespaces.services.casework import enter, locked, move, parse_text
from namespaces.services.lifecycle import end_freeze, lock_namespace
from namespaces.services.locks import lock_tree
from namespaces.states import GrantState, LockCause
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.models import Membership, Organization
from orgs.selectors_people import verified_addresses
from orgs.vocabulary import Permission

DAY = timedelta(days=1)
REPORTABLE = (GrantState.ACTIVE, GrantState.LOCKED)
_is_url = URLValidator(schemes=["http", "https"])


class TooManyReports(DomainError):
    code = "too-many-reports"


# --- Reporting --------------------------------------------------------------------------------------------------------


@transaction.atomic
def report(
    *,
    actor: Actor,
    grant: Grant,
    ground: str,
    statement: str,
    evidence_url: str = "",
    named: Organization | None = None,
) -> Case:
    """Report a namespace: two reviewers look into it, after they have heard its holder. Nothing changes until then.

    What is reported of a child is looked into for its root, with which it stands and falls. The holder is told the
    ground and the statement, and of the reporter no more than ``named``, an organization that they may speak for.
    """
    if actor.user is None or actor.is_operator:
        raise NotPermitted("A namespace is reported by a person with an account.")
    tree, _ = lock_tree(grant.root or grant)
    root, reporter = tree[0], User.objects.select_for_update(no_key=True).get(pk=actor.user.pk)
    if not (verdict := can_report(root, actor)):
        raise NotNow(verdict.reason)
    if not (verdict := has_reports_left(reporter)):
        raise TooManyReports(verdict.reason)
    details = Dispute(ground=_parse_ground(ground), evidence_url=_parse_url(evidence_url), named=named)
    if named is not None and not may(actor, Permission.MANAGE_NAMESPACES, named):
        raise NotPermitted(f"You can't be called {named.display_name}: you are no owner of it.")
    case = Case.objects.create(
        kind=CaseKind.DISPUTE,
        organization=root.owner,
        filed_by=reporter,
        name=root.name,
        display_name=grant.display_name,
        statement=parse_text(statement),
        grant=root,
        stake=Stake.HIGH,
        open_criteria=[details.ground],
    )
    details.case = case
    details.save()
    about = {"of": grant.name, "ground": str(details.ground), "evidence": details.evidence_url}
    enter(actor, case, EntryKind.FILED, Party.APPLICANT, case.statement, **about)
    return case


def can_report(root: Grant, actor: Actor) -> Verdict:
    """Whether the person may report the namespace, with the reason when not."""
    user = actor.user
    if user is not None and Membership.objects.filter(organization=root.owner_id, user=user).exists():
        return Verdict(False, f"You are one of the people of {root.owner.display_name}, which holds it.")
    if user is None or not user.is_active or not verified_addresses(user):
        return Verdict(False, "Confirm your e-mail address first: what becomes of a report is told by mail.")
    if open_reports(root).filter(filed_by=user).exists():
        return Verdict(False, "You have reported it already; write what you want to add on the page of your report.")
    return _is_reportable(root)


def _is_reportable(root: Grant) -> Verdict:
    if root.state == GrantState.QUARANTINED:
        return Verdict(False, "Nobody uses it now: it is in quarantine. If the name is yours, claim it.")
    if root.state not in REPORTABLE:
        return Verdict(False, f"The namespace {root.name!r} is {root.state}; there is nothing to report.")
    if not root.is_root:
        return Verdict(False, f"The namespace {root.name!r} has changed in this instant; look again.")
    return ALLOWED


def has_reports_left(user: User) -> Verdict:
    limit = settings.FREEHOLD_REPORTS_PER_DAY
    since = timezone.now() - DAY
    if Case.objects.filter(kind=CaseKind.DISPUTE, filed_by=user, filed_at__gt=since).count() < limit:
        return ALLOWED
    return Verdict(False, f"You can report {limit} namespaces within a day; go on tomorrow.")


def _parse_ground(text: str) -> Ground:
    if text not in Ground.values:
        raise Invalid(f"There is no ground {text!r}; there are {', '.join(Ground.values)}.")
    return Ground(text)


def _parse_url(text: str) -> str:
    address = text.strip()
    if not address:
        return ""
    try:
        _is_url(address)
    except ValidationError as error:
        raise Invalid("The address of your evidence begins with https:// and leads to a page.") from error
    if len(address) > ADDRESS_LENGTH:
        raise Invalid(f"An address has at most {ADDRESS_LENGTH} characters.")
    return address


# --- New projects, stopped for the time being -------------------------------------------------------------------------


@transaction.atomic
def freeze(*, actor: Actor, case: Case, text: str = "") -> Case:
    """Let nobody start a project in the namespace while the report is looked into. What exists goes on."""
    case = locked(case)
    root = _demand_freezable(actor, case, can_freeze(case, actor))
    reason = f"Report {case.pk} is looked into."
    lock_namespace(actor=actor, grant=root, reason=reason, cause=LockCause.DISPUTE, case=case)
    enter(actor, case, EntryKind.FROZEN, Party.REVIEWER, parse_text(text, required=False))
    return case


@transaction.atomic
def unfreeze(*, actor: Actor, case: Case, text: str = "") -> Case:
    """Let new projects be made again, while the report is still looked into; other locks stay."""
    case = locked(case)
    root = _demand_freezable(actor, case, can_unfreeze(case, actor))
    end_freeze(actor, root, case)
    enter(actor, case, EntryKind.UNFROZEN, Party.REVIEWER, parse_text(text, required=False))
    return case


def can_freeze(case: Case, actor: Actor) -> Verdict:
    if not (verdict := _looks_into(case, actor)):
        return verdict
    if is_frozen(case):
        return Verdict(False, "New projects are stopped for this report already.")
    if (state := root_of(case).state) not in REPORTABLE:
        return Verdict(False, f"The namespace {case.name!r} is {state}: nobody starts a project there anyway.")
    return ALLOWED


def can_unfreeze(case: Case, actor: Actor) -> Verdict:
    if not (verdict := _looks_into(case, actor)):
        return verdict
    return ALLOWED if is_frozen(case) else Verdict(False, "New projects are not stopped for this report.")


def _looks_into(case: Case, actor: Actor) -> Verdict:
    if not actor.is_operator:
        return Verdict(False, "Only reviewers stop new projects while a report is looked into.")
    if case.kind != CaseKind.DISPUTE or case.state not in OPEN:
        return Verdict(False, "That is possible while a report is looked into, and at no other time.")
    if actor.user is not None and (reason := objection(actor.user, case)):
        return Verdict(False, reason)
    return ALLOWED


def _demand_freezable(actor: Actor, case: Case, verdict: Verdict) -> Grant:
    """The root, locked; raises what the verdict says."""
    if not actor.is_operator:
        raise NotPermitted(verdict.reason)
    if not verdict:
        raise NotNow(verdict.reason)
    return lock_tree(root_of(case))[0][0]


# --- Hearing the holder -----------------------------------------------------------------------------------------------


def go_on(case: Case) -> bool:
    """Bring a report back to the desk when its holder was asked and let the time pass; whether that was due."""
    with transaction.atomic():
        case = locked(case)
        heard = hearing(case)
        if case.state != CaseState.ASKED or case.asked != Party.HOLDER or not heard.is_over:
            return False
        move(case, CaseAction.ANSWER)
        text = f"The holder was asked on {heard.asked_at:%Y-%m-%d} and has not answered."
        enter(Actor.worker(), case, EntryKind.REOPENED, Party.MACHINE, text)
    return True


def reject_proposals(case: Case) -> None:
    case.decisions.filter(state=DecisionState.PROPOSED).update(state=DecisionState.REJECTED, ended_at=timezone.now())
