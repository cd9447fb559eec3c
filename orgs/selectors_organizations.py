"""Reads of organizations for their pages: whose they are, what they show, what is free, what is to be recovered."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Replace

from accounts.models import User
from orgs import names
from orgs.models import AuditEvent, Invitation, Membership, Organization, OrganizationName, Proof, Recovery
from orgs.vocabulary import Kind, ProofKind, ProofState, RecoveryState, Role, State

ALIKE_SHOWN = 3
RECENT_EVENTS = 8

DOMAIN_KINDS = (ProofKind.DNS, ProofKind.HTTPS)
PUBLIC_KINDS = (*DOMAIN_KINDS, ProofKind.FORGE)
"""Proofs that name something everybody can look at."""


# --- The viewer's own -----------------------------------------------------------------------------------------------


def memberships_of(user: User) -> list[Membership]:
    """Those in organizations that are not closed, by the organization's name as it is shown."""
    mine = Membership.objects.filter(user=user).exclude(organization__state=State.CLOSED)
    return list(mine.select_related("organization", "user").order_by("organization__display_name", "organization_id"))


def own_recoveries(user: User) -> list[Recovery]:
    """Recoveries that the user asked for and that are not over."""
    return list(Recovery.objects.filter(user=user, state__in=Recovery.OPEN).select_related("organization"))


def recoveries_to_answer(user: User) -> list[Recovery]:
    """Recoveries by others that the user, as an owner, could stop."""
    owned = Membership.objects.filter(user=user, role=Role.OWNER).values("organization")
    waiting = Recovery.objects.filter(state=RecoveryState.WAITING, organization__in=owned).exclude(user=user)
    return list(waiting.select_related("organization", "user").order_by("due_at"))


# --- One organization -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """How many there are of what, for the overview and for what to do next."""

    members: int
    without_second_factor: int
    invitations: int
    proofs: int
    counting_proofs: int
    failing_proofs: int


def figures(organization: Organization) -> Figures:
    people = organization.memberships.aggregate(
        members=Count("pk"),
        without_second_factor=Count("pk", filter=Q(user__second_factor=False)),
    )
    proofs = organization.proofs.aggregate(
        proofs=Count("pk"),
        counting_proofs=Count("pk", filter=Q(state__in=[ProofState.VERIFIED, ProofState.FAILING])),
        failing_proofs=Count("pk", filter=Q(state=ProofState.FAILING)),
    )
    invitations = Invitation.objects.open().filter(organization=organization).count()
    return Figures(invitations=invitations, **people, **proofs)


def proofs_of(organization: Organization) -> list[Proof]:
    """All of them, those that ask for something to be done first."""
    urgency = Case(
        When(state=ProofState.LOST, then=Value(0)),
        When(state=ProofState.FAILING, then=Value(1)),
        When(state=ProofState.PENDING, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    return list(organization.proofs.order_by(urgency, "kind", "subject"))


def waiting_recoveries(organization: Organization) -> list[Recovery]:
    waiting = organization.recoveries.filter(state=RecoveryState.WAITING)
    return list(waiting.select_related("user", "organization").order_by("due_at"))


def recovery_of(organization: Organization, user: User) -> Recovery | None:
    """The user's own request, the latest; None where they never asked."""
    own = organization.recoveries.filter(user=user)
    return own.select_related("organization", "user").order_by("-requested_at").first()


def recent_events(organization: Organization) -> list[AuditEvent]:
    """The last of what was done, under whatever name it had then; newest first."""
    had = organization.names.values("name")
    events = AuditEvent.objects.filter(organization__in=had, position__isnull=False)
    return list(events.order_by("-position")[:RECENT_EVENTS])


def people_by_role(organization: Organization) -> dict[Role, list[User]]:
    """Who has each role, in the order of the table."""
    found: dict[Role, list[User]] = {role: [] for role in Role}
    for membership in organization.memberships.select_related("user").order_by("user__name", "user__email"):
        found[Role(membership.role)].append(membership.user)
    return found


# --- What everybody sees --------------------------------------------------------------------------------------------


def verified_proofs(organization: Organization) -> list[Proof]:
    """Those that name something public and stand now, each subject once."""
    found = organization.proofs.filter(kind__in=PUBLIC_KINDS, state=ProofState.VERIFIED).order_by("subject", "kind")
    return list({proof.subject: proof for proof in found}.values())


def is_verified_website(organization: Organization) -> bool:
    """Whether its website is at a domain that it has proved, or below one."""
    host = (urlsplit(organization.website).hostname or "").lower()
    domains = organization.proofs.filter(kind__in=DOMAIN_KINDS, state=ProofState.VERIFIED)
    return any(host == domain or host.endswith(f".{domain}") for domain in domains.values_list("subject", flat=True))


# --- Names ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NameAnswer:
    """Whether a name can be had: ``name`` is it, normalized; ``alike`` are organizations that look like it."""

    name: str
    is_taken: bool
    alike: tuple[str, ...] = ()


def name_answer(name: str, *, besides: Organization | None = None) -> NameAnswer:
    """About a normalized name; ``besides`` is the organization that wants it, and may take back one that it had."""
    others = OrganizationName.objects.all()
    if besides is not None:
        others = others.exclude(organization=besides)
    is_taken = others.filter(name=name).exists()
    alike = others.annotate(folded=_folded()).filter(folded=names.folded(name)).exclude(name=name)
    return NameAnswer(name, is_taken, tuple(alike.order_by("name").values_list("name", flat=True)[:ALIKE_SHOWN]))


def _folded() -> Replace | F:
    """``names.folded`` in the database."""
    expression: Replace | F = F("name")
    for seen, meant in names.LOOK_ALIKES:
        expression = Replace(expression, Value(seen), Value(meant))
    return expression


# --- For staff ------------------------------------------------------------------------------------------------------


def organizations_for_staff(query: str, state: str, kind: str) -> QuerySet[Organization]:
    """By any name it has or had, its display name, or the address of somebody in it; the newest first."""
    found = Organization.objects.annotate(members=Count("memberships", distinct=True))
    if query:
        by_name = Q(names__name__contains=query.lower()) | Q(display_name__icontains=query)
        ids = Organization.objects.filter(by_name | Q(memberships__user__email__iexact=query)).values("pk")
        found = found.filter(pk__in=ids)
    if state in State.values:
        found = found.filter(state=state)
    if kind in Kind.values:
        found = found.filter(kind=kind)
    return found.order_by("-created_at", "-pk")


def recoveries_for_staff() -> list[Recovery]:
    """Those that wait, the next one due first, and the last that ended."""
    rows = Recovery.objects.select_related("organization", "user")
    waiting = list(rows.filter(state=RecoveryState.WAITING).order_by("due_at"))
    over = rows.exclude(state__in=Recovery.OPEN).order_by("-ended_at")[:25]
    return [*waiting, *over]


def open_recovery_ids() -> list[int]:
    """For the scheduled job, which takes each anew."""
    return list(Recovery.objects.filter(state__in=Recovery.OPEN).order_by("pk").values_list("pk", flat=True))
