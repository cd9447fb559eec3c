"""What the policy on claims is fed with: the facts about a prefix and an organization, in a few bounded reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Case as SqlCase
from django.db.models import IntegerField, Q, Value, When
from django.utils import timezone

from namespaces import names
from namespaces.models import Case, Grant
from namespaces.owners import USER_PREFIX
from namespaces.policy import lookalikes, words
from namespaces.policy.inputs import (
    DOWNLOAD_DAYS,
    RECENT_DAYS,
    Applicant,
    ClaimInputs,
    Holding,
    NearName,
    Overlap,
    Projects,
    ProofFact,
    Source,
    Whose,
)
from namespaces.policy_data import reserved_words, word_counts
from namespaces.states import GrantState
from orgs.models import Membership, Organization
from orgs.vocabulary import PUBLISHING_ROLES, Kind, ProofKind, ProofState, Standing, State

HOLDINGS, NEAR, EXAMPLES = 20, 12, 5
"""How many are taken: the ones that matter most."""

NOBODY = "-"
"""An owner of projects that there is none of: no name is so."""

UNASKED = "unasked"
"""The flag of a domain about which its registry was not asked yet."""

DOWNLOADS_UP_TO = 2_000
"""Projects under a prefix whose downloads are added up one by one; of more, the counts of the day have the sum."""


def gather(prefix: str, organization: Organization) -> ClaimInputs:
    """The facts on which a claim of the normalized prefix by the organization is evaluated, as they stand now."""
    today = timezone.now().astimezone(UTC).date()
    owners = owners_of(organization)
    return ClaimInputs(
        prefix=prefix,
        on=today,
        applicant=_applicant(organization, today),
        projects=_projects(prefix, organization.name, owners, today),
        holdings=_holdings(prefix, organization),
        near=_near(prefix, organization.pk, owners),
        words=words.measure(prefix, word_counts()),
        reserved=words.reserved_reason(prefix, reserved_words()),
        hyphens_allowed=settings.FREEHOLD_MAX_HYPHENS,
        contenders=_contenders(prefix, organization),
    )


def gather_for_anybody(prefix: str) -> ClaimInputs:
    """The same about the normalized prefix alone, as it is for a company of which nothing is known.

    Only what is public: neither what others claim, nor what is held and not enforced yet.
    """
    today = timezone.now().astimezone(UTC).date()
    return ClaimInputs(
        prefix=prefix,
        on=today,
        applicant=Applicant(
            name="", display_name="", kind=Kind.COMPANY, state=State.ACTIVE, standing=Standing.GOOD, age_days=0
        ),
        projects=_projects(prefix, NOBODY, [NOBODY], today),
        near=_public(_near(prefix, None, [NOBODY])),
        words=words.measure(prefix, word_counts()),
        reserved=words.reserved_reason(prefix, reserved_words()),
        hyphens_allowed=settings.FREEHOLD_MAX_HYPHENS,
    )


def near_names(text: str, organization: Organization) -> tuple[NearName, ...]:
    """Granted and popular names that look like the normalized one, as the organization sees them."""
    return _near(text, organization.pk, owners_of(organization))


def _public(near: Sequence[NearName]) -> tuple[NearName, ...]:
    granted = [one.name for one in near if one.source is Source.GRANT]
    enforced = set(Grant.objects.enforceable().filter(name__in=granted).values_list("name", flat=True))
    return tuple(one for one in near if one.source is not Source.GRANT or one.name in enforced)


def _contenders(prefix: str, organization: Organization) -> int:
    others = Case.objects.open().overlapping(prefix).exclude(organization=organization)
    return others.values("organization").distinct().count()


def _applicant(organization: Organization, today: date) -> Applicant:
    fields = ("kind", "subject", "state", "flag", "registration")
    rows = organization.proofs.order_by("kind", "subject").values_list(*fields)
    return Applicant(
        name=organization.name,
        display_name=organization.display_name,
        kind=Kind(organization.kind),
        state=State(organization.state),
        standing=Standing(organization.standing),
        age_days=max(0, (today - organization.created_at.astimezone(UTC).date()).days),
        proofs=tuple(
            ProofFact(
                kind=ProofKind(kind),
                subject=subject,
                state=ProofState(state),
                flag=flag or _unasked(kind, registration),
                registered=_registered(registration),
            )
            for kind, subject, state, flag, registration in rows
        ),
    )


def _unasked(kind: str, registration: Any) -> str:
    """What makes a domain doubtful whose registry was not asked yet: how old it is may be what matters."""
    is_domain = kind in {ProofKind.DNS, ProofKind.HTTPS, ProofKind.EMAIL_DOMAIN}
    return UNASKED if is_domain and settings.FREEHOLD_RDAP_URL and "asked_at" not in registration else ""


def _registered(registration: Any) -> date | None:
    """Since when, as the registry said when it was last asked (``orgs.services.proof_checks``), if it was a time."""
    try:
        return datetime.fromisoformat(registration["last"]["registered_at"]).date()
    except (KeyError, TypeError, ValueError):
        return None


def owners_of(organization: Organization) -> list[str]:
    """Whose projects are the applicant's, as the mirror writes it: its own, and those of who may publish all it has."""
    people = Membership.objects.filter(organization=organization, role__in=PUBLISHING_ROLES, user__is_active=True)
    usernames = people.exclude(user__index_username=None).values_list("user__index_username", flat=True)
    return [organization.name, *(f"{USER_PREFIX}{name}" for name in usernames)]


def _holdings(prefix: str, organization: Organization) -> tuple[Holding, ...]:
    """Grants that overlap, those of others first."""
    low, high = names.interval(prefix)
    inside = Q(name__gte=low, name__lt=high)
    mine_last = SqlCase(When(owner=organization, then=Value(1)), default=Value(0), output_field=IntegerField())
    found = Grant.objects.holding().filter(inside | Q(name__in=names.prefixes(prefix)))
    rows = found.order_by(mine_last, "name").values_list("name", "state", "owner", "owner__name")[:HOLDINGS]
    return tuple(
        Holding(
            name=name, overlap=_overlap(prefix, name), state=GrantState(state), mine=pk == organization.pk, owner=owner
        )
        for name, state, pk, owner in rows
    )


def _overlap(prefix: str, name: str) -> Overlap:
    if name == prefix:
        return Overlap.SAME
    return Overlap.ABOVE if len(name) < len(prefix) else Overlap.BELOW


_PROJECTS = """
SELECT count(*) FILTER (WHERE owner = %(name)s),
       count(*) FILTER (WHERE owner <> %(name)s AND owner = ANY(%(owners)s)),
       count(*) FILTER (WHERE owner <> '' AND owner <> ALL(%(owners)s)),
       count(*) FILTER (WHERE owner = ''),
       count(DISTINCT owner) FILTER (WHERE owner <> '' AND owner <> ALL(%(owners)s)),
       count(*) FILTER (WHERE owner <> ALL(%(owners)s) AND first_uploaded >= %(recent)s),
       min(first_uploaded) FILTER (WHERE owner <> ALL(%(owners)s)),
       max(first_uploaded) FILTER (WHERE owner <> ALL(%(owners)s)),
       min(first_uploaded) FILTER (WHERE owner = ANY(%(owners)s)),
       min(owner) FILTER (WHERE name = %(prefix)s)
  FROM namespaces_project WHERE name >= %(prefix)s AND name < %(high)s
"""
_EXAMPLES = """
SELECT name FROM namespaces_project
 WHERE name >= %(prefix)s AND name < %(high)s AND owner <> ALL(%(owners)s)
 ORDER BY first_uploaded DESC, name LIMIT %(examples)s
"""
# A day at a time, for the index begins with the day.
_DOWNLOADS = """
SELECT sum(u.downloads) FILTER (WHERE p.owner = ANY(%(owners)s))::bigint,
       sum(u.downloads) FILTER (WHERE p.owner <> ALL(%(owners)s))::bigint
  FROM generate_series(%(since)s::date, %(today)s::date, '1 day') d(day)
 CROSS JOIN LATERAL (
   SELECT project, downloads FROM namespaces_usage
    WHERE day = d.day::date AND project >= %(prefix)s AND project < %(high)s) u
  JOIN namespaces_project p ON p.name = u.project
"""
_DOWNLOADS_OF_THE_DAY = "SELECT NULL::bigint, (SELECT downloads FROM namespaces_popular WHERE name = %(prefix)s)"


def _projects(prefix: str, name: str, owners: Sequence[str], today: date) -> Projects:
    asked: dict[str, Any] = {
        "prefix": prefix,
        "high": names.interval(prefix)[1],
        "name": name,
        "owners": list(owners),
        "today": today,
        "since": today - timedelta(days=DOWNLOAD_DAYS),
        "recent": datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(days=RECENT_DAYS),
        "examples": EXAMPLES,
    }
    (row,) = _rows(_PROJECTS, asked)
    if not sum(row[:4]):
        return Projects()
    (downloads,) = _rows(_DOWNLOADS if sum(row[:4]) <= DOWNLOADS_UP_TO else _DOWNLOADS_OF_THE_DAY, asked)
    examples = _rows(_EXAMPLES, asked) if row[2] + row[3] else []
    return Projects(
        own=row[0],
        people=row[1],
        outside=row[2],
        unknown=row[3],
        outside_owners=row[4],
        outside_recent=row[5],
        outside_first=_day(row[6]),
        outside_last=_day(row[7]),
        own_first=_day(row[8]),
        namesake=_whose(row[9], owners),
        own_downloads=downloads[0],
        outside_downloads=downloads[1],
        examples=tuple(example for (example,) in examples),
    )


def _day(instant: datetime | None) -> date | None:
    return instant.astimezone(UTC).date() if instant else None


def _whose(owner: str | None, owners: Sequence[str]) -> Whose:
    if owner is None:
        return Whose.NOBODY
    if not owner:
        return Whose.UNKNOWN
    return Whose.APPLICANT if owner in owners else Whose.OTHER


_CANDIDATES = """
SELECT name, 'popular', NULL::bigint, '', projects, downloads FROM namespaces_popular
 WHERE fold = ANY(%(inner)s::text[]) OR namespaces_pieces(flat) && %(keys)s::text[]
UNION ALL
SELECT g.name, 'grant', g.owner_id, (SELECT o.name FROM orgs_organization o WHERE o.id = g.owner_id), 0, NULL
  FROM namespaces_grant g
 WHERE g.state IN ('held', 'active', 'locked', 'quarantined')
   AND (namespaces_fold(g.name) = ANY(%(inner)s::text[])
        OR namespaces_pieces(namespaces_flat(g.name)) && %(keys)s::text[])
"""
_OWN_AMONG = """
SELECT wanted.name, count(*) FILTER (WHERE p.owner = ANY(%(owners)s)), count(*)
  FROM unnest(%(names)s::text[]) wanted(name)
 CROSS JOIN LATERAL (
   SELECT owner FROM namespaces_project
    WHERE name >= wanted.name COLLATE "C" AND name < (wanted.name || '.') COLLATE "C") p
 GROUP BY wanted.name
"""


def _near(prefix: str, applicant: int | None, owners: Sequence[str]) -> tuple[NearName, ...]:
    """Granted and popular names that look like the prefix, the closest first; without what overlaps with it."""
    asked = {
        "inner": sorted(lookalikes.inner_keys(prefix)),
        "keys": lookalikes.search_keys(lookalikes.flat(prefix)),
    }
    candidates = (
        NearName(
            name=name,
            source=Source(source),
            likeness=match.likeness,
            distance=match.distance,
            mine=pk is not None and pk == applicant,
            owner=owner,
            projects=projects,
            downloads=downloads,
        )
        for name, source, pk, owner, projects, downloads in _rows(_CANDIDATES, asked)
        if (match := lookalikes.compare(prefix, name))
        and not lookalikes.is_everybodys(match, name, reserved_words())
        and (source == Source.POPULAR or not names.overlap(prefix, name))
    )
    return _with_own(lookalikes.closest(candidates, NEAR), owners)


def _with_own(found: Sequence[NearName], owners: Sequence[str]) -> tuple[NearName, ...]:
    """How much of each is the applicant's already."""
    if not found:
        return ()
    counted = {name: (own, all_) for name, own, all_ in _rows(_OWN_AMONG, _among(found, owners))}
    return tuple(_counted(near, *counted.get(near.name, (0, 0))) for near in found)


def _among(found: Iterable[NearName], owners: Sequence[str]) -> dict[str, Any]:
    return {"names": [near.name for near in found], "owners": list(owners)}


def _counted(near: NearName, own: int, projects: int) -> NearName:
    mine = near.mine or (near.source is Source.POPULAR and 2 * own > projects)
    return replace(near, own=own, projects=max(projects, near.projects), mine=mine)


def _rows(statement: str, asked: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return list(cursor.fetchall())
