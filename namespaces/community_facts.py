"""What the policy on community projects is fed with: the facts about an organization that applies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

from django.db import connection
from django.utils import timezone

from namespaces.cases import CaseKind, DecisionOutcome, DecisionState
from namespaces.models import Case, CaseDecision, ForgeSignals
from namespaces.policy.application_inputs import ApplicationInputs, OwnProjects
from namespaces.policy.inputs import DOWNLOAD_DAYS, NearName
from namespaces.policy.signals import ForgeFacts
from namespaces.policy_facts import gather, near_names, owners_of
from orgs import names
from orgs.models import AuditEvent, Organization, Proof
from orgs.vocabulary import Kind, ProofKind, ProofState

REFUSED_FOR = timedelta(days=365)
"""So long does a reviewer's refusal keep the machine from approving."""

NAME_LENGTH = 100


def gather_application(organization: Organization, wanted: Kind) -> ApplicationInputs:
    """The facts on which the organization's application to be of that kind is evaluated, as they stand now.

    Nothing is asked of anybody: what the forges said stands in ``ForgeSignals``.
    """
    claim = gather(organization.name, organization)
    signals = list(_signals(organization))
    return ApplicationInputs(
        wanted=wanted,
        name=claim,
        shown=_shown(organization),
        forges=tuple(_facts(signals)),
        unanswered=tuple(_unanswered(organization, signals)),
        projects=_own_projects(owners_of(organization), claim.on),
        website=organization.website,
        description=organization.description,
        was_company=_was_company(organization),
        refused=_refused(organization),
        disputes=Case.objects.open().filter(kind=CaseKind.DISPUTE, organization=organization).count(),
    )


def _shown(organization: Organization) -> tuple[NearName, ...]:
    """What its display name looks like, where that is another name."""
    written = names.derived(organization.display_name)[:NAME_LENGTH].strip("-")
    return near_names(written, organization) if written and written != organization.name else ()


def _signals(organization: Organization) -> Iterable[ForgeSignals]:
    """Of the places that count now. A proof that somebody should look at first tells nothing either."""
    counting = [ProofState.VERIFIED, ProofState.FAILING]
    found = ForgeSignals.objects.filter(
        proof__organization=organization, proof__kind=ProofKind.FORGE, proof__state__in=counting, proof__flag=""
    )
    return found.select_related("proof").order_by("proof__subject")


def _facts(signals: Iterable[ForgeSignals]) -> Iterator[ForgeFacts]:
    for each in signals:
        if each.data:
            try:
                yield ForgeFacts.from_json(each.data)
            except ValueError:  # of a form that is no longer made; they are asked again within a week
                continue


def _unanswered(organization: Organization, signals: Iterable[ForgeSignals]) -> Iterator[str]:
    answered = {each.proof_id for each in signals if each.data}
    proofs = Proof.objects.counting().filter(organization=organization, kind=ProofKind.FORGE, flag="")
    yield from proofs.exclude(pk__in=answered).order_by("subject").values_list("subject", flat=True)


_OWN_PROJECTS = """
WITH own AS (SELECT name, first_uploaded FROM namespaces_project WHERE owner = ANY(%(owners)s))
SELECT count(*), min(first_uploaded),
       (SELECT sum(u.downloads)::bigint FROM namespaces_usage u JOIN own ON own.name = u.project
         WHERE u.day >= %(since)s)
  FROM own
"""


def _own_projects(owners: list[str], today: date) -> OwnProjects:
    with connection.cursor() as cursor:
        cursor.execute(_OWN_PROJECTS, {"owners": owners, "since": today - timedelta(days=DOWNLOAD_DAYS)})
        count, first, downloads = cursor.fetchone()
    return OwnProjects(count=count, first=_day(first), downloads=downloads)


def _day(instant: datetime | None) -> date | None:
    return instant.astimezone(UTC).date() if instant else None


def _was_company(organization: Organization) -> bool:
    if organization.kind == Kind.COMPANY:
        return True
    events = AuditEvent.objects.filter(
        organization__in=list(organization.names.values_list("name", flat=True)),
        action__in=["organization.created", "organization.kind"],
        after__kind=Kind.COMPANY,
    )
    return events.exists()


def _refused(organization: Organization) -> date | None:
    """When a reviewer last found it to be none. An undone refusal is none."""
    decisions = CaseDecision.objects.filter(
        case__organization=organization,
        case__kind=CaseKind.APPLICATION,
        case__wanted_kind=Kind.COMMUNITY,
        outcome=DecisionOutcome.REFUSE,
        by_machine=False,
        state__in=[DecisionState.EFFECTIVE, DecisionState.APPEALED],
        effective_at__gte=timezone.now() - REFUSED_FOR,
    )
    return _day(decisions.order_by("-effective_at").values_list("effective_at", flat=True).first())
