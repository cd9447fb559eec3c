"""Everything that Freehold writes about organizations and their people, as it comes about (see ``scenes``)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from accounts.models import Mail, User
from namespaces.models import Verification
from namespaces.policy.evaluation import CommunityKey, Criterion, Result
from namespaces.services import renewals
from orgs import tokens
from orgs.actors import Actor
from orgs.invitees import Invitee
from orgs.models import (
    AuditEndpoint,
    Membership,
    Organization,
    OrganizationToken,
    Proof,
    Recovery,
    ServiceToken,
)
from orgs.proofs.flags import Flag
from orgs.proofs.judging import Notice
from orgs.proofs.observations import Finding, Medium, Observation
from orgs.services import (
    audit_streaming,
    closing,
    invitations,
    memberships,
    organization_tokens,
    organizations,
    proof_notices,
    recovery_notices,
    scanning,
    staff,
)
from orgs.vocabulary import Kind, ProofKind, ProofState, RecoveryState, Role, Scope, State
from tests import factories
from tests.notices.scenes import DAY, NOW, acme, scene

SEEN = "https://forge.example/acme/kit/blob/main/.env"


def of(name: str) -> Actor:
    return Actor.person(User.objects.get(index_username=name))


def member_of(organization: Organization, name: str) -> Membership:
    return Membership.objects.get(organization=organization, user__index_username=name)


# --- The organization -------------------------------------------------------------------------------------------------


@scene("organization_activate")
def activated() -> None:
    made = acme(state=State.APPLIED)
    staff.activate_organization(actor=Actor.operator(), organization=made, reason="It pays by invoice.")


@scene("organization_suspend")
def suspended() -> None:
    staff.suspend_organization(actor=Actor.operator(), organization=acme(), reason="Complaints.")


@scene("organization_reinstate")
def reinstated() -> None:
    made = acme(state=State.SUSPENDED)
    staff.reinstate_organization(actor=Actor.operator(), organization=made)


@scene("organization_renamed")
def renamed() -> None:
    made = acme()
    organizations.rename_organization(actor=of("ann"), organization=made, name="acme-works")


@scene("organization_second_factor")
def second_factor_required() -> None:
    made = acme()
    User.objects.filter(index_username="ann").update(second_factor=True)
    organizations.require_second_factor(actor=of("ann"), organization=made, required=True)


@scene("organization_closed")
def closed() -> None:
    made = acme()
    closing.close_organization(actor=of("ann"), organization=made, name="acme")


@scene("community_renewal")
def renewal_warned() -> None:
    made = acme(Kind.COMMUNITY)
    verification = Verification.objects.create(organization=made, renew_at=NOW + 60 * DAY)
    missing = Criterion(
        key=CommunityKey.ACTIVITY,
        result=Result.FAIL,
        evidence="The last release was on 3 March 2024.",
        remedy="Make a release.",
    )
    renewals._warn(Actor.worker(), verification, made, [missing])


# --- Its people -------------------------------------------------------------------------------------------------------


@scene("membership_owners.added")
def owner_added() -> None:
    made = acme()
    factories.user("bob")
    memberships.add_member(actor=Actor.operator(), organization=made, email="bob@example.com", role=Role.OWNER)


@scene("membership_owners.left")
def owner_left() -> None:
    made = acme()
    factories.member(made, "bob")
    memberships.leave_organization(actor=of("bob"), organization=made)


@scene("membership_role_changed")
def role_changed() -> None:
    made = acme()
    memberships.change_role(actor=of("ann"), membership=member_of(made, "manny"), role=Role.BILLING)


@scene("membership_removed")
def removed() -> None:
    made = acme()
    memberships.remove_member(actor=of("ann"), membership=member_of(made, "manny"))


def invited(made: Organization) -> str:
    """The secret of an invitation to Nell, as it stands in her mail."""
    sent = Invitee(email="nell@example.com", role=Role.MEMBER)
    invitations.invite(actor=of("ann"), organization=made, invitees=[sent])
    text = Mail.objects.get(to="nell@example.com").text
    return text.partition("/invitations/")[2].partition("/")[0]


@scene("invitation")
def invitation() -> None:
    invited(acme())


@scene("invitation_declined")
def invitation_declined() -> None:
    made = acme()
    secret = invited(made)
    Mail.objects.all().delete()
    invitations.decline_invitation(actor=Actor.operator(), invitation=made.invitations.get(), token=secret)


@scene("invitation_leaked")
def invitation_leaked() -> None:
    secret = invited(acme())
    Mail.objects.all().delete()
    scanning.report_leak(actor=Actor.operator(), token=secret, seen=SEEN)


# --- Its tokens -------------------------------------------------------------------------------------------------------


@scene("token_leaked")
def token_leaked() -> None:
    made = acme()
    secret = factories.organization_token(member_of(made, "ann"))
    _hint(secret)
    scanning.report_leak(actor=Actor.operator(), token=secret, seen=SEEN)


def _hint(secret: str) -> None:
    """The same in each run."""
    for model in (OrganizationToken, ServiceToken):
        model.objects.filter(digest=tokens.digest(secret)).update(hint="abcd", name="deploy")


@scene("token_expiring")
def token_expiring() -> None:
    made = acme()
    factories.organization_token(member_of(made, "ann"), expires_at=NOW + timedelta(days=3))
    organization_tokens.warn_of_expiring_tokens()


@scene("service_token_leaked")
def service_token_leaked() -> None:
    factories.user("root", is_staff=True, is_superuser=True)
    secret = factories.token(Scope.CHECK)
    _hint(secret)
    scanning.report_leak(actor=Actor.operator(), token=secret, seen=SEEN)


@scene("audit_webhook_disabled")
def audit_webhook_disabled() -> None:
    endpoint = AuditEndpoint.objects.create(
        organization=acme(), url="https://hooks.example/audit", secrets=["whsec_c2VjcmV0"], delivered_position=0,
        last_error="Nobody answers.", failing_since=NOW - 3 * DAY,
    )  # fmt: skip
    audit_streaming._give_up(endpoint)


# --- Its proofs -------------------------------------------------------------------------------------------------------


def proof(**fields: Any) -> Proof:
    known: dict[str, Any] = {"kind": ProofKind.DNS, "subject": "acme.example", "challenge": "12345678"}
    return Proof.objects.create(organization=acme(), **known | fields)


def judged(notice: Notice, state: ProofState) -> None:
    made = proof(state=state, verified_at=NOW - 90 * DAY, failing_since=NOW - 3 * DAY)
    finding = Finding.FOUND if notice in {Notice.VERIFIED, Notice.RECOVERED} else Finding.NOT_FOUND
    seen = Observation(finding=finding, medium=Medium.TXT, where="_freehold.acme.example", expected="freehold=12345678")
    proof_notices.judged(Actor.worker(), made, notice, seen)


@scene("proof_verified")
def proof_verified() -> None:
    judged(Notice.VERIFIED, ProofState.VERIFIED)


@scene("proof_failing")
def proof_failing() -> None:
    judged(Notice.FAILING, ProofState.FAILING)


@scene("proof_warned")
def proof_warned() -> None:
    judged(Notice.WARNED, ProofState.FAILING)


@scene("proof_lost")
def proof_lost() -> None:
    judged(Notice.LOST, ProofState.LOST)


@scene("proof_recovered")
def proof_recovered() -> None:
    judged(Notice.RECOVERED, ProofState.VERIFIED)


@scene("proof_flagged")
def proof_flagged() -> None:
    last = {"last": {"expires_at": "2026-12-20T00:00:00+00:00"}}
    proof_notices.flagged(proof(flag=Flag.EXPIRES, registration=last))


@scene("proof_code")
def proof_code() -> None:
    proof_notices.code(proof(kind=ProofKind.EMAIL_DOMAIN, mailbox="postmaster@acme.example"))


@scene("proof_vouch_requested")
def vouch_requested() -> None:
    sponsor = factories.organization("trust")
    factories.member(sponsor, "tess")
    proof_notices.vouch_requested(proof(kind=ProofKind.VOUCH, subject="trust"))


@scene("proof_vouch_declined")
def vouch_declined() -> None:
    proof_notices.vouch_declined(proof(kind=ProofKind.VOUCH, subject="trust"), factories.organization("trust"))


# --- Its recovery -----------------------------------------------------------------------------------------------------


def recovery(state: RecoveryState = RecoveryState.WAITING, **fields: Any) -> Recovery:
    factories.user("reva", is_staff=True)
    return Recovery.objects.create(
        organization=acme(), user=factories.user("nell"), domain="acme.example", challenge="c", state=state,
        due_at=NOW + 14 * DAY, **fields,
    )  # fmt: skip


@scene("recovery_notice.begun")
def recovery_begun() -> None:
    recovery_notices.begun(recovery())


@scene("recovery_notice.reminder")
def recovery_reminder() -> None:
    recovery_notices.reminder(recovery())


@scene("recovery_ended.granted")
def recovery_granted() -> None:
    recovery_notices.ended(recovery(RecoveryState.GRANTED))


@scene("recovery_ended.vetoed")
def recovery_vetoed() -> None:
    recovery_notices.ended(recovery(RecoveryState.VETOED, reason="Their owners are well."))


ALSO = {"recovery_requester", "recovery_staff"}
"""Templates of mails that a scene of another name queues, to somebody else."""
