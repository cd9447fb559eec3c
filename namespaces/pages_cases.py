"""Reads for the pages of cases: who they concern, how long one waits, what was found, what was said, what was decided.

What the pages say stands in the templates; here stands what they know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from namespaces.cases import OPEN, QUEUED, CaseKind, CaseState, DecisionState, EntryKind, Ground, Party
from namespaces.hooks import priority
from namespaces.models import Case, CaseDecision, CaseEntry, CaseEvaluation, CaseQuerySet, Grant
from namespaces.policy import thresholds
from namespaces.policy.community import ApplicationInputs, evaluate_application
from namespaces.policy.evaluate import evaluate
from namespaces.policy.evaluation import AskedProof, CommunityKey, Criterion, Evaluation, Key, Outcome, Result
from namespaces.policy.inputs import ClaimInputs
from namespaces.policy.written import anchor
from namespaces.states import ENFORCED, GrantState
from orgs.models import Membership, Organization
from orgs.vocabulary import ROLE_PERMISSIONS, Permission, ProofKind

LOOKED_BACK = timedelta(days=90)
FEWEST = 5
"""Decisions by people in that time below which nothing is said of how long one waits."""

KEYS: dict[str, type[Key | CommunityKey | Ground]] = {
    CaseKind.CLAIM: Key,
    CaseKind.APPLICATION: CommunityKey,
    CaseKind.DISPUTE: Ground,
}
DECIDING_ROLES = [role for role, permissions in ROLE_PERMISSIONS.items() if Permission.MANAGE_NAMESPACES in permissions]


def title_of(case: Case) -> str:
    """What the case is called in a sentence."""
    if case.kind == CaseKind.APPLICATION:
        return _("Application of %(name)s") % {"name": case.organization.display_name}
    return (_("Claim of %(name)s") if case.kind == CaseKind.CLAIM else _("Dispute about %(name)s")) % {
        "name": case.name
    }


# --- Whose cases ----------------------------------------------------------------------------------------------------


def cases_of(user: User) -> CaseQuerySet:
    """What the user reported, and all of the organizations for which they may act; what is open first."""
    mine = Membership.objects.filter(user=user, role__in=DECIDING_ROLES).values("organization")
    concerned = Q(organization__in=mine) | Q(kind=CaseKind.DISPUTE, filed_by=user)
    return _listed(Case.objects.filter(concerned))


def claims_of(organization: Organization) -> CaseQuerySet:
    return _listed(Case.objects.filter(kind=CaseKind.CLAIM, organization=organization))


def _listed(found: CaseQuerySet) -> CaseQuerySet:
    is_over = ~Q(state__in=OPEN)
    return found.alias(is_over=is_over).order_by("is_over", "-changed_at", "-pk").select_related("organization")


def questions_to(user: User) -> list[Case]:
    """The cases in which an answer of the user is awaited, the one that waits longest first."""
    mine = Membership.objects.filter(user=user, role__in=DECIDING_ROLES).values("organization")
    for_organizations = Q(organization__in=mine) & ~Q(kind=CaseKind.DISPUTE, asked=Party.APPLICANT)
    for_oneself = Q(kind=CaseKind.DISPUTE, asked=Party.APPLICANT, filed_by=user)
    asked = Case.objects.filter(for_organizations | for_oneself, state=CaseState.ASKED)
    return list(asked.select_related("organization").order_by("asked_at", "pk"))


# --- The queue ------------------------------------------------------------------------------------------------------


class Wait(NamedTuple):
    """How long people took to decide lately: half of the cases at most ``usual``, nine in ten at most ``most``. Both
    are None as long as they decided too few for that to say anything."""

    usual: timedelta | None = None
    most: timedelta | None = None

    @property
    def usual_in_words(self) -> str:
        return in_words(self.usual) if self.usual is not None else ""

    @property
    def most_in_words(self) -> str:
        return in_words(self.most) if self.most is not None else ""


# From when it was filed, or appealed where the decision is on the appeal. The time in which an answer was awaited
# counts: it is what applicants wait. As on the page of the statistics (review.statistics): without what was undone, and
# without disputes, in which both sides are heard first.
_WAITS = """
SELECT count(*), percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY extract(epoch FROM d.effective_at -
         CASE WHEN c.appealed_at < d.effective_at THEN c.appealed_at ELSE c.filed_at END)::float)
  FROM namespaces_casedecision d JOIN namespaces_case c ON c.id = d.case_id
 WHERE d.effective_at >= %(since)s AND NOT d.by_machine
   AND d.state IN ('effective', 'appealed') AND c.kind <> 'dispute'
"""


def usual_wait() -> Wait:
    with connection.cursor() as cursor:
        cursor.execute(_WAITS, {"since": timezone.now() - LOOKED_BACK})
        count, seconds = cursor.fetchone()
    return Wait(*(timedelta(seconds=each) for each in seconds)) if count >= FEWEST else Wait()


def in_words(span: timedelta) -> str:
    """So much time, as roughly as people say it."""
    minutes, hours, days = (
        round(span / unit) for unit in (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1))
    )
    if minutes < 60:
        return _("less than an hour")
    if hours < 48:
        return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}


def place_of(case: Case) -> int | None:
    """How many cases come before this one; None for one that is not in the queue."""
    if case.state not in QUEUED:
        return None
    same, older = Q(priority=case.priority), Q(waiting_since__lt=case.waiting_since)
    tied = Q(waiting_since=case.waiting_since, pk__lt=case.pk)
    return Case.objects.queued().filter(Q(priority__gt=case.priority) | same & (older | tied)).count()


def place_of_new(organization: Organization) -> int:
    """How many would come before what the organization filed now."""
    return Case.objects.queued().filter(priority__gte=priority(organization)).count()


# --- What was found -------------------------------------------------------------------------------------------------


def found_in(evaluation: CaseEvaluation, kind: str) -> Evaluation:
    """What the policy said, in the language of whoever looks: it says it again from the same inputs.

    Inputs that a later version can't read any more leave what was shown then.
    """
    try:
        return EVALUATORS[kind](evaluation.inputs, evaluation.thresholds)
    except (KeyError, ValueError):
        return as_stored(evaluation.result, KEYS[kind])


def _evaluate_claim(inputs: Mapping[str, Any], limits: Mapping[str, Any]) -> Evaluation:
    return evaluate(ClaimInputs.from_json(inputs), thresholds.from_mapping(limits))


def _evaluate_application(inputs: Mapping[str, Any], limits: Mapping[str, Any]) -> Evaluation:
    return evaluate_application(ApplicationInputs.from_json(inputs), thresholds.community_from_mapping(limits))


EVALUATORS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Evaluation]] = {
    CaseKind.CLAIM: _evaluate_claim,
    CaseKind.APPLICATION: _evaluate_application,
}


def as_stored(result: Mapping[str, Any], keys: Any) -> Evaluation:
    """From ``Evaluation.as_json``; criteria that there are no more are left out."""
    return Evaluation(
        outcome=Outcome(result["outcome"]),
        criteria=tuple(
            Criterion(
                key=keys(one["key"]), result=Result(one["result"]), evidence=one["evidence"], remedy=one["remedy"]
            )
            for one in result["criteria"]
            if one["key"] in keys.values
        ),
        stakes=tuple(result["stakes"]),
        asked_proofs=tuple(
            AskedProof(kinds=tuple(one["kinds"]), reason=one["reason"]) for one in result["asked_proofs"]
        ),
    )


class Missing(NamedTuple):
    """A proof that would count and is not there: why, and by what kinds it can be given."""

    reason: str
    kinds: tuple[ProofKind, ...]


def missing_in(evaluation: Evaluation) -> list[Missing]:
    """Nothing where everything is met: a further proof would change nothing."""
    asked = evaluation.asked_proofs if evaluation.outcome is not Outcome.GRANT_NOW else ()
    return [Missing(one.reason, tuple(ProofKind(kind) for kind in one.kinds)) for one in asked]


def last_evaluation(case: Case) -> CaseEvaluation | None:
    return case.evaluations.order_by("-at", "-pk").first()


# --- What was said --------------------------------------------------------------------------------------------------


class Line(NamedTuple):
    """An entry as one side sees it: ``who`` did it, without the name of any reviewer."""

    entry: CaseEntry
    who: str
    tone: str


TONES = {
    EntryKind.APPROVED: "good",
    EntryKind.REFUSED: "bad",
    EntryKind.ASKED: "warn",
    EntryKind.SETTLED: "warn",
    EntryKind.UNDONE: "warn",
    EntryKind.FROZEN: "warn",
}


def timeline(case: Case, sides: Iterable[Party]) -> list[Line]:
    """What was done and said, as far as these sides may see it, the newest first."""
    seen = case.entries.filter(Q(audience="") | Q(audience__in=sides)).select_related("author")
    return [
        Line(one, _who(case, one, set(sides)), TONES.get(EntryKind(one.kind), ""))
        for one in seen.order_by("-at", "-pk")
    ]


def question_to(case: Case) -> CaseEntry | None:
    """What was asked last of the side from which an answer is awaited."""
    asked = case.entries.filter(kind=EntryKind.ASKED, audience__in=["", case.asked])
    return asked.order_by("-at", "-pk").first()


def _who(case: Case, entry: CaseEntry, sides: set[Party]) -> str:
    """People are named to their own side alone; the other side of a dispute knows what they stand for."""
    if entry.party == Party.REVIEWER:
        return _("A reviewer")
    if entry.party == Party.MACHINE:
        return "Freehold"
    if entry.party in sides and entry.author is not None:
        return str(entry.author)
    if case.kind == CaseKind.DISPUTE and entry.party == Party.APPLICANT:
        return _("Who reported it")
    return case.organization.display_name


# --- What was decided -----------------------------------------------------------------------------------------------


class Named(NamedTuple):
    """A criterion on which a decision rests, with what was found about it where that is known, and where the policy
    has it."""

    title: str
    found: Criterion | None
    anchor: str


@dataclass(frozen=True)
class Verdict:
    """The decision that stands. Who made it is not said."""

    decision: CaseDecision
    named: tuple[Named, ...]


def verdict_on(case: Case) -> Verdict | None:
    decision = case.decisions.filter(state=DecisionState.EFFECTIVE).select_related("evaluation").first()
    if decision is None:
        return None
    stored = decision.evaluation
    found = {one.key.value: one for one in found_in(stored, case.kind).criteria} if stored else {}
    keys = KEYS[case.kind]
    named = [keys(key) for key in decision.criteria if key in keys.values]
    return Verdict(decision, tuple(Named(str(key.label), found.get(key), anchor(key)) for key in named))


class Settler(NamedTuple):
    """What settled a case: a claim that was approved. Its holder is named where the namespace is in the register."""

    name: str
    holder: str
    is_public: bool


def settler_of(case: Case) -> Settler | None:
    other = case.settled_by
    if other is None:
        return None
    is_public = other.grant is not None and other.grant.state in ENFORCED
    return Settler(other.name, other.organization.display_name if is_public else "", is_public)


def paid_until(grant: Grant | None) -> datetime | None:
    """Until when a namespace is held for its payment; None for one that is not."""
    if grant is None or grant.state != GrantState.HELD:
        return None
    until: datetime = grant.state_changed_at + settings.FREEHOLD_HELD
    return until
