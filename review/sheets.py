"""All that the page of a case shows a reviewer, in a bounded number of reads. What it says stands in the templates."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from namespaces import names
from namespaces.cases import OPEN, CaseKind, DecisionState, EntryKind
from namespaces.models import Case, CaseDecision, CaseEntry, CaseEvaluation, Grant, Project
from namespaces.owners import USER_PREFIX
from namespaces.pages_cases import KEYS, TONES, found_in, in_words, last_evaluation
from namespaces.policy import lookalikes
from namespaces.policy.evaluation import Criterion, Evaluation, Result
from namespaces.policy.inputs import ClaimInputs, NearName
from namespaces.policy_facts import owners_of
from namespaces.states import GrantState
from orgs.models import Organization
from orgs.selectors_proofs import ProofRow, proofs_of
from orgs.vocabulary import ProofState
from review.models import Assignment, Conflict, Note
from review.options import Option, Situation, options
from review.situations import situation_of

RECENT, RIVALS, EARLIER, ALIKE, NEAR = 6, 4, 8, 4, 6
"""How many are shown of each, where there may be many."""

RESULT_TONES = {Result.PASS: "good", Result.FAIL: "bad", Result.UNKNOWN: "warn"}
COUNTING = (ProofState.VERIFIED, ProofState.FAILING)


class Finding(NamedTuple):
    """A criterion as the page shows it."""

    criterion: Criterion
    tone: str


class ProjectLine(NamedTuple):
    name: str
    owner: str
    is_person: bool
    first_uploaded: datetime


class Rival(NamedTuple):
    """Another claim beside this one: what it rests on, and what of the policy it does not meet."""

    case: Case
    proofs: tuple[str, ...]
    missing: tuple[str, ...]


class Line(NamedTuple):
    """An entry of the case's history; reviewers see who wrote it."""

    entry: CaseEntry
    who: str
    tone: str


@dataclass(frozen=True)
class Applicant:
    """The organization behind the case: in a dispute, the one that holds the namespace."""

    organization: Organization
    people: int
    namespaces: int
    proofs: list[ProofRow]
    earlier: list[Case]

    @property
    def flagged(self) -> list[ProofRow]:
        return [row for row in self.proofs if row.proof.flag]


@dataclass
class Sheet:
    """One case for one reviewer. The costly parts are read when they are asked for."""

    case: Case
    reviewer: User
    situation: Situation
    assignment: Assignment | None
    evaluation: CaseEvaluation | None
    found: Evaluation | None
    inputs: ClaimInputs | None
    decisions: list[CaseDecision] = field(default_factory=list)

    # --- What may be done ---------------------------------------------------------------------------------------------

    @cached_property
    def options(self) -> dict[str, Option]:
        """By the name of the action."""
        return {one.action.value: one for one in options(self.situation)}

    @property
    def waited(self) -> str:
        return in_words(timezone.now() - self.case.waiting_since)

    @property
    def may_decide(self) -> bool:
        return self.options["approve"].allowed

    @property
    def proposal(self) -> CaseDecision | None:
        return next((one for one in self.decisions if one.state == DecisionState.PROPOSED), None)

    @property
    def in_force(self) -> CaseDecision | None:
        return next((one for one in self.decisions if one.state == DecisionState.EFFECTIVE), None)

    @property
    def undo_until(self) -> datetime | None:
        if self.in_force is None or self.in_force.effective_at is None:
            return None
        until: datetime = self.in_force.effective_at + settings.FREEHOLD_UNDO
        return until

    # --- What was found -----------------------------------------------------------------------------------------------

    @property
    def findings(self) -> list[Finding]:
        """The criteria, those that are not met first: these are what a reviewer looks at."""
        if self.found is None:
            return []
        order = [Result.FAIL, Result.UNKNOWN, Result.PASS]
        ordered = sorted(self.found.criteria, key=lambda one: order.index(one.result))
        return [Finding(one, RESULT_TONES[one.result]) for one in ordered]

    @property
    def not_met(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.criterion.result is not Result.PASS]

    @property
    def met(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.criterion.result is Result.PASS]

    @property
    def proposal_titles(self) -> list[str]:
        return titles(self.case, self.proposal.criteria) if self.proposal else []

    @property
    def decision_titles(self) -> list[str]:
        return titles(self.case, self.in_force.criteria) if self.in_force else []

    @property
    def past(self) -> list[CaseDecision]:
        """Decisions that do not stand any more: not agreed to, undone, appealed against."""
        standing = {DecisionState.PROPOSED, DecisionState.EFFECTIVE}
        return [one for one in self.decisions if one.state not in standing]

    @property
    def criteria(self) -> list[tuple[str, str]]:
        """What a decision may rest on, what is not met first."""
        missing = set(self.case.open_criteria)
        named = [(key, str(label)) for key, label in KEYS[self.case.kind].choices]
        return sorted(named, key=lambda one: one[0] not in missing)

    # --- What is around it --------------------------------------------------------------------------------------------

    @cached_property
    def recent(self) -> list[ProjectLine]:
        """The youngest projects of others that it would overtake."""
        if not self.case.name:
            return []
        others = Project.objects.under(self.case.name).exclude(owner__in=owners_of(self.case.organization))
        found = others.order_by("-first_uploaded", "name")[:RECENT]
        return [_line(project) for project in found]

    @cached_property
    def rivals(self) -> list[Rival]:
        """The open claims of others that overlap: approving one settles the rest."""
        if not self.case.name:
            return []
        found = Case.objects.open().overlapping(self.case.name).exclude(pk=self.case.pk)
        return _rivals(found.exclude(organization=self.case.organization))

    @property
    def own_proofs(self) -> list[str]:
        return [row.proof.subject for row in self.applicant.proofs if row.proof.state in COUNTING]

    @property
    def own_missing(self) -> list[str]:
        return titles(self.case, self.case.open_criteria)

    @property
    def near(self) -> list[NearName]:
        """Granted and popular names that are like it, as the policy found them."""
        return list(self.inputs.near[:NEAR]) if self.inputs else []

    @cached_property
    def alike(self) -> list[Case]:
        """Open claims of others whose names could be mistaken for this one."""
        return _alike(self.case) if self.case.kind == CaseKind.CLAIM else []

    @cached_property
    def before(self) -> list[Case]:
        """What was decided of this name, or of names above and below it, for others."""
        if not self.case.name:
            return []
        decided = Case.objects.overlapping(self.case.name).exclude(state__in=OPEN)
        others = decided.exclude(pk=self.case.pk).exclude(organization=self.case.organization)
        return list(others.select_related("organization").order_by("-decided_at")[:EARLIER])

    @cached_property
    def quarantines(self) -> list[Grant]:
        """What others gave up lately and an approval would take for good: staff says why."""
        if self.case.kind != CaseKind.CLAIM:
            return []
        around = Grant.objects.overlapping(self.case.name).filter(state=GrantState.QUARANTINED, root__isnull=True)
        return list(around.exclude(owner=self.case.organization).select_related("owner").order_by("name")[:EARLIER])

    # --- Who asks, and what was said ----------------------------------------------------------------------------------

    @cached_property
    def applicant(self) -> Applicant:
        organization = self.case.organization
        earlier = organization.cases.exclude(pk=self.case.pk).order_by("-filed_at", "-pk")
        return Applicant(
            organization=organization,
            people=organization.memberships.count(),
            namespaces=Grant.objects.holding().filter(owner=organization).count(),
            proofs=proofs_of(organization),
            earlier=list(earlier[:EARLIER]),
        )

    @cached_property
    def lines(self) -> list[Line]:
        """What was done and said, the newest first."""
        entries = self.case.entries.select_related("author").order_by("-at", "-pk")
        return [Line(entry, _who(entry), TONES.get(EntryKind(entry.kind), "")) for entry in entries]

    @cached_property
    def notes(self) -> list[Note]:
        return list(self.case.notes.select_related("author"))

    @cached_property
    def conflicts(self) -> list[Conflict]:
        return list(self.case.conflicts.select_related("reviewer").order_by("at"))


def sheet_of(case: Case, reviewer: User) -> Sheet:
    evaluation = last_evaluation(case)
    current = Assignment.objects.current().filter(case=case).select_related("reviewer").first()
    return Sheet(
        case=case,
        reviewer=reviewer,
        situation=situation_of(case, reviewer),
        assignment=current,
        evaluation=evaluation,
        found=found_in(evaluation, case.kind) if evaluation else None,
        inputs=_inputs(evaluation) if case.kind == CaseKind.CLAIM else None,
        decisions=list(case.decisions.select_related("by", "confirmed_by").order_by("-at", "-pk")),
    )


def titles(case: Case, keys: list[str]) -> list[str]:
    """Criteria by their names, for people."""
    known = dict(KEYS[case.kind].choices)
    return [str(known[key]) for key in keys if key in known]


def _inputs(evaluation: CaseEvaluation | None) -> ClaimInputs | None:
    """What a claim's evaluation came from; None where this version can't read it."""
    if evaluation is None:
        return None
    try:
        return ClaimInputs.from_json(evaluation.inputs)
    except ValueError:
        return None


def _line(project: Project) -> ProjectLine:
    is_person = project.owner.startswith(USER_PREFIX)
    return ProjectLine(project.name, project.owner.removeprefix(USER_PREFIX), is_person, project.first_uploaded)


def _rivals(found: QuerySet[Case]) -> list[Rival]:
    shown = found.select_related("organization").prefetch_related("organization__proofs").order_by("filed_at", "pk")
    return [
        Rival(
            case=case,
            proofs=tuple(proof.subject for proof in case.organization.proofs.all() if proof.state in COUNTING),
            missing=tuple(titles(case, case.open_criteria)),
        )
        for case in shown[:RIVALS]
    ]


def _who(entry: CaseEntry) -> str:
    """Reviewers see the person; what nobody did, Freehold did."""
    return str(entry.author) if entry.author is not None else "Freehold"


# Names of about the same length first, which costs nothing; the pieces of those are compared.
_ALIKE = """
SELECT id, name FROM namespaces_case
 WHERE kind = 'claim' AND state IN ('waiting', 'asked', 'proposed') AND organization_id <> %(organization)s
   AND length(name) BETWEEN %(length)s - 4 AND %(length)s + 4
   AND namespaces_pieces(namespaces_flat(name)) && %(keys)s::text[]
 LIMIT 50
"""


def _alike(case: Case) -> list[Case]:
    flat = lookalikes.flat(case.name)
    asked: dict[str, Any] = {
        "organization": case.organization_id,
        "length": len(case.name),
        "keys": lookalikes.search_keys(flat),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ALIKE, asked)
        found = [pk for pk, name in cursor.fetchall() if _is_alike(case.name, name)]
    return list(Case.objects.filter(pk__in=found[:ALIKE]).select_related("organization").order_by("filed_at"))


def _is_alike(name: str, other: str) -> bool:
    return not names.overlap(name, other) and lookalikes.compare(name, other) is not None
