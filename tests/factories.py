"""Rows for tests, made directly: the services have tests of their own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import connection
from django.utils import timezone

from accounts.models import User
from namespaces import cases
from namespaces.cases import CaseKind, CaseState, DecisionOutcome, DecisionState, EntryKind, Ground, Party
from namespaces.models import Case, CaseDecision, CaseEntry, Dispute, Grant, Project, Share, TeamGrant, Verification
from namespaces.policy.evaluation import CommunityKey, Key, Stake
from namespaces.states import HOLDING, GrantState
from orgs import tokens
from orgs.models import (
    Membership,
    Organization,
    OrganizationToken,
    Proof,
    ServiceToken,
    Team,
    TeamMember,
    TrustedPublisher,
)
from orgs.vocabulary import Kind, Permission, ProofKind, ProofState, Role, Scope, Standing, State

_numbers = itertools.count(1)
HOUR = timedelta(hours=1)


def seal() -> None:
    """What happens at commit, inside the transaction of a test: audit events and changes get their numbers."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def user(index_username: str | None = None, **fields: Any) -> User:
    name = index_username or f"user{next(_numbers)}"
    return User.objects.create_user(f"{name}@example.com", index_username=index_username, **fields)


def organization(
    name: str | None = None,
    *,
    kind: Kind = Kind.COMPANY,
    state: State = State.ACTIVE,
    standing: Standing = Standing.GOOD,
) -> Organization:
    name = name or f"org{next(_numbers)}"
    return Organization.objects.create(name=name, display_name=name.title(), kind=kind, state=state, standing=standing)


def member(org: Organization, username: str, role: Role = Role.OWNER) -> Membership:
    person = User.objects.filter(index_username=username).first() or user(username)
    return Membership.objects.create(organization=org, user=person, role=role)


def grant(
    name: str,
    owner: Organization,
    *,
    state: GrantState = GrantState.ACTIVE,
    effective_at: datetime | None = None,
    root: Grant | None = None,
) -> Grant:
    now = timezone.now()
    return Grant.objects.create(
        name=name, display_name=name, owner=owner, state=state, root=root, effective_at=effective_at or now - HOUR
    )


def share(of: Grant, org: Organization, *, expires_at: datetime | None = None) -> Share:
    return Share.objects.create(grant=of, organization=org, expires_at=expires_at)


def team(org: Organization, *usernames: str, grants: Iterable[Grant] = (), name: str | None = None) -> Team:
    made = Team.objects.create(organization=org, name=name or f"team{next(_numbers)}")
    for username in usernames:
        found = Membership.objects.filter(organization=org, user__index_username=username).first()
        TeamMember.objects.create(team=made, membership=found or member(org, username, Role.MEMBER))
    for one in grants:
        TeamGrant.objects.create(team=made, grant=one)
    return made


def trusted(org: Organization, issuer: str = "https://ci.example", **claims: str) -> TrustedPublisher:
    return TrustedPublisher.objects.create(organization=org, issuer=issuer, claims=claims)


def project(name: str, owner: str = "", first_uploaded: datetime | None = None) -> Project:
    return Project.objects.create(name=name, owner=owner, first_uploaded=first_uploaded or timezone.now())


def token(*scopes: Scope, expires_at: datetime | None = None, revoked_at: datetime | None = None) -> str:
    secret = tokens.generate()
    ServiceToken.objects.create(
        name="test",
        digest=tokens.digest(secret),
        hint=secret[-4:],
        scopes=list(scopes or Scope),
        expires_at=expires_at,
        revoked_at=revoked_at,
    )
    return secret


def organization_token(maker: Membership, *permissions: Permission, **fields: Any) -> str:
    """An API token of the maker's organization, in clear; for everything unless permissions are named."""
    secret = tokens.generate(tokens.ORGANIZATION)
    OrganizationToken.objects.create(
        organization=maker.organization,
        membership=maker,
        name="test",
        digest=tokens.digest(secret),
        hint=secret[-4:],
        permissions=list(permissions or Permission),
        **fields,
    )
    return secret


def forge_proof(org: Organization, subject: str = "", **fields: Any) -> Proof:
    """A proved place on a code forge, called as the organization is where nothing else is said."""
    known = {"state": ProofState.VERIFIED, "challenge": "c", "verified_at": timezone.now()}
    subject = subject or f"https://github.com/{org.name}"
    return Proof.objects.create(organization=org, kind=ProofKind.FORGE, subject=subject, **known | fields)


# --- What the desk decides --------------------------------------------------------------------------------------------

YEAR = timedelta(days=365)
ENDED = tuple(state for state in CaseState if state not in cases.OPEN)
_CRITERIA = {
    CaseKind.CLAIM: [Key.IDENTIFIES.value],
    CaseKind.APPLICATION: [CommunityKey.FORGE.value],
    CaseKind.DISPUTE: [Ground.ABANDONED.value],
}
_LAST_ENTRIES = {
    CaseState.ASKED: (EntryKind.ASKED, Party.REVIEWER),
    CaseState.APPROVED: (EntryKind.APPROVED, Party.MACHINE),
    CaseState.REFUSED: (EntryKind.REFUSED, Party.REVIEWER),
    CaseState.SETTLED: (EntryKind.SETTLED, Party.MACHINE),
    CaseState.WITHDRAWN: (EntryKind.WITHDRAWN, Party.APPLICANT),
    CaseState.EXPIRED: (EntryKind.EXPIRED, Party.MACHINE),
}


def reviewer(**fields: Any) -> User:
    """Somebody of the staff, with the second factor without which staff is let nowhere."""
    person = user(is_staff=True, **fields)
    Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={"secret": "x"})
    person.refresh_from_db()
    return person


def case(
    organization: Organization,
    *,
    name: str | None = None,
    kind: CaseKind = CaseKind.CLAIM,
    state: CaseState = CaseState.WAITING,
    by: User | None = None,
    **fields: Any,
) -> Case:
    """A case in any state, with what belongs to it: entries, the decision, and what an approval brought about.

    ``name`` is the organization's where it is not given. ``by`` is the reviewer who decided; without one, the machine
    approved, and somebody new refused or proposed. A dispute is about what the organization holds, and is reported by
    somebody new. An approved claim is of a grant, held where a payment is awaited.
    """
    name = name or organization.name
    known: dict[str, Any] = {"kind": kind, "state": state, "organization": organization}
    known |= {"asked": Party.APPLICANT, "asked_at": timezone.now()} if state is CaseState.ASKED else {}
    known |= {"stake": Stake.HIGH} if state is CaseState.PROPOSED else {}
    known |= {"decided_at": timezone.now()} if state in ENDED else {}
    known |= _about(organization, name, kind)
    if state is CaseState.SETTLED and kind is CaseKind.CLAIM and "settled_by" not in fields:
        known["settled_by"] = _approved_for_another(name)
    made = Case.objects.create(**known | fields)
    if kind is CaseKind.DISPUTE:
        Dispute.objects.create(case=made, ground=Ground.ABANDONED)
    _tell_its_story(made, by)
    return made


def _approved_for_another(name: str) -> Case:
    return case(organization(), name=name, state=CaseState.APPROVED)


def _about(org: Organization, name: str, kind: CaseKind) -> dict[str, Any]:
    if kind is CaseKind.DISPUTE:
        held = Grant.objects.filter(owner=org, name=name, state__in=HOLDING).first() or grant(name, org)
        return {"name": name, "display_name": name, "grant": held, "filed_by": user()}
    owner = Membership.objects.filter(organization=org, role=Role.OWNER).select_related("user").first()
    filed_by = owner.user if owner else None
    if kind is CaseKind.APPLICATION:
        return {"wanted_kind": Kind.COMMUNITY, "filed_by": filed_by}
    return {"name": name, "display_name": name, "filed_by": filed_by}


def _tell_its_story(made: Case, by: User | None) -> None:
    entry(made, EntryKind.FILED, Party.APPLICANT, made.statement, author=made.filed_by, at=made.filed_at)
    if made.state in _LAST_ENTRIES:
        kind, party = _LAST_ENTRIES[CaseState(made.state)]
        party = Party.REVIEWER if by else party
        author = {Party.REVIEWER: by, Party.APPLICANT: made.filed_by}.get(party)
        text = "Which of these projects are yours?" if kind is EntryKind.ASKED else ""
        entry(made, kind, party, text, author=author)
    if made.state in {CaseState.PROPOSED, CaseState.APPROVED, CaseState.REFUSED}:
        decision(made, by=by)
    if made.state == CaseState.APPROVED:
        _bring_about(made)


def entry(of: Case, kind: EntryKind, party: Party, text: str = "", **fields: Any) -> CaseEntry:
    return CaseEntry.objects.create(case=of, kind=kind, party=party, text=text, **fields)


def decision(of: Case, *, by: User | None = None, **fields: Any) -> CaseDecision:
    """The one that fits the state in which the case is."""
    proposed, refused = of.state == CaseState.PROPOSED, of.state == CaseState.REFUSED
    is_by_machine = by is None and not (proposed or refused)
    known = {
        "outcome": DecisionOutcome.REFUSE if refused else DecisionOutcome.APPROVE,
        "state": DecisionState.PROPOSED if proposed else DecisionState.EFFECTIVE,
        "by": None if is_by_machine else by or reviewer(),
        "by_machine": is_by_machine,
        "criteria": _CRITERIA[CaseKind(of.kind)] if refused else [],
        "text": "Nothing shows that the name is yours: prove its domain." if refused else "",
        "effective_at": None if proposed else timezone.now(),
    }
    return CaseDecision.objects.create(case=of, **known | fields)


def _bring_about(made: Case) -> None:
    org = made.organization
    if made.kind == CaseKind.APPLICATION:
        org.kind, org.state = made.wanted_kind, State.ACTIVE
        org.save(update_fields=["kind", "state"])
        if made.wanted_kind == Kind.COMMUNITY:
            Verification.objects.create(organization=org, case=made, renew_at=timezone.now() + YEAR)
    elif made.kind == CaseKind.CLAIM and made.grant is None:
        is_held = org.kind == Kind.COMPANY and org.state == State.APPLIED
        made.grant = grant(made.name, org, state=GrantState.HELD if is_held else GrantState.ACTIVE)
        made.save(update_fields=["grant"])
