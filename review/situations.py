"""How a case stands for a reviewer: in whose hands it is, and what keeps them from deciding."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from namespaces import names
from namespaces.cases import OPEN, CaseKind, CaseState, DecisionState
from namespaces.models import Case, CaseDecision, CaseQuerySet, Dispute, GrantLock
from orgs.models import Membership
from review.models import Assignment, Conflict
from review.options import Option, Situation, options

OWN_CLAIMS = 50
_DECLARED = gettext_lazy("You declared a conflict of interest.")


def situation_of(case: Case, reviewer: User) -> Situation:
    """Read anew with each call: who acts calls it under the lock of the case."""
    assignment = Assignment.objects.current().filter(case=case).select_related("reviewer").first()
    is_mine = assignment is not None and assignment.reviewer_id == reviewer.pk
    is_declared = _has_declared(reviewer, case)
    return Situation(
        kind=CaseKind(case.kind),
        state=CaseState(case.state),
        is_mine=is_mine,
        holder="" if assignment is None or is_mine else str(assignment.reviewer),
        conflict=str(_DECLARED) if is_declared else interest(case, reviewer),
        is_declared=is_declared,
        is_own_proposal=case.state == CaseState.PROPOSED and _proposed(case).filter(by=reviewer).exists(),
        is_fresh=_is_fresh(case),
        is_frozen=is_frozen(case),
    )


def options_for(case: Case, reviewer: User) -> list[Option]:
    return options(situation_of(case, reviewer))


def objection(reviewer: User, case: Case) -> str:
    """Why the reviewer must not decide the case, or empty: for the hook of ``namespaces``."""
    return str(_DECLARED) if _has_declared(reviewer, case) else interest(case, reviewer)


def interest(case: Case, reviewer: User) -> str:
    """Why the reviewer has an interest of their own in the case, whether they say so or not; empty for none."""
    if case.filed_by_id == reviewer.pk:
        return _("You filed this case yourself.")
    concerned = Q(organization=case.organization_id)
    if case.name:
        rivals = Case.objects.open().overlapping(case.name)
        concerned |= Q(organization__in=rivals.order_by().values("organization"))
    if case.kind == CaseKind.DISPUTE:
        concerned |= Q(organization__in=Dispute.objects.filter(case=case).values("named"))
    found = Membership.objects.filter(concerned, user=reviewer).select_related("organization").first()
    if found is not None:
        return _("You are in %(organization)s, which this case concerns.") % {
            "organization": found.organization.display_name
        }
    if case.appealed_at is not None and _appealed(reviewer).filter(case=case).exists():
        return _("The appeal is against a decision of yours; somebody else looks at it.")
    return ""


def is_frozen(case: Case) -> bool:
    """Whether a dispute keeps new projects from being made for the time being."""
    return case.kind == CaseKind.DISPUTE and GrantLock.objects.filter(case=case).exists()


def takeable(reviewer: User) -> CaseQuerySet:
    """The queue as this reviewer may work on it, in its order: what is in no other hands and no conflict of theirs.

    It is to narrow the search; ``situation_of`` is asked again of the one that is taken.
    """
    cases: CaseQuerySet = Case.objects.queued()
    of_case = {"case": OuterRef("pk")}
    in_other_hands = Assignment.objects.current().filter(**of_case).exclude(reviewer=reviewer)
    mine = Membership.objects.filter(user=reviewer).values("organization")
    free = cases.exclude(organization__in=mine).exclude(filed_by=reviewer).exclude(_contested_by(reviewer))
    return free.filter(
        ~Exists(in_other_hands),
        ~Exists(Conflict.objects.filter(**of_case, reviewer=reviewer)),
        ~Exists(_appealed(reviewer).filter(**of_case)),
        ~Exists(CaseDecision.objects.filter(**of_case, by=reviewer, state=DecisionState.PROPOSED)),
    )


def _contested_by(reviewer: User) -> Q:
    """What overlaps with the open claims of the reviewer's own organizations, of which there are few or none."""
    own = Case.objects.open().filter(kind=CaseKind.CLAIM, organization__memberships__user=reviewer)
    found = Q(pk__in=[])
    for name in own.order_by("pk").values_list("name", flat=True)[:OWN_CLAIMS]:
        low, high = names.interval(name)
        found |= Q(name__gte=low, name__lt=high) | Q(name__in=names.prefixes(name))
    return found


def in_hand(reviewer: User) -> QuerySet[Assignment]:
    """What the reviewer has in hand and can still do something about."""
    return Assignment.objects.current().filter(reviewer=reviewer, case__state__in=OPEN)


def _has_declared(reviewer: User, case: Case) -> bool:
    return Conflict.objects.filter(case=case, reviewer=reviewer).exists()


def _proposed(case: Case) -> QuerySet[CaseDecision]:
    return case.decisions.filter(state=DecisionState.PROPOSED)


def _appealed(reviewer: User) -> QuerySet[CaseDecision]:
    """Decisions of the reviewer against which somebody appealed."""
    took_part = Q(by=reviewer) | Q(confirmed_by=reviewer)
    return CaseDecision.objects.filter(took_part, state=DecisionState.APPEALED)


def _is_fresh(case: Case) -> bool:
    since = timezone.now() - settings.FREEHOLD_UNDO
    return case.decisions.filter(state=DecisionState.EFFECTIVE, effective_at__gt=since).exists()
