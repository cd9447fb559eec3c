"""What each service of people leaves in the trail, for ``test_audit``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts.models import User
from orgs import tokens
from orgs.actors import Actor
from orgs.invitees import Invitee
from orgs.models import Invitation, Membership, Organization
from orgs.vocabulary import Role
from tests import factories

Row = tuple[Callable[[], dict[str, Any]], list[tuple[str, str]]]


def acme() -> Organization:
    made = factories.organization("acme")
    factories.member(made, "olga")
    return made


def member() -> Membership:
    return factories.member(acme(), "sam", Role.MEMBER)


def leaver() -> dict[str, Any]:
    membership = member()
    return {"organization": membership.organization, "actor": Actor.person(membership.user, origin="192.0.2.7")}


def invitation() -> Invitation:
    """Sent some time ago, by nobody who is in."""
    now = timezone.now()
    return Invitation.objects.create(
        organization=acme(),
        email="ann@acme.example",
        role=Role.MEMBER,
        digest=tokens.digest(tokens.generate(tokens.INVITATION)),
        sent_at=now - timedelta(hours=1),
        expires_at=now + timedelta(days=1),
    )


def addressee() -> dict[str, Any]:
    found, user = invitation(), User.objects.create_user("ann@acme.example")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return {"invitation": found, "actor": Actor.person(user, origin="192.0.2.7")}


ROWS: dict[str, Row] = {
    "change_role": (lambda: {"membership": member(), "role": Role.OWNER}, [("member.role_changed", "acme")]),
    "remove_member": (lambda: {"membership": member()}, [("member.removed", "acme")]),
    "leave_organization": (leaver, [("member.left", "acme")]),
    "invite": (
        lambda: {
            "organization": acme(),
            "invitees": [
                Invitee(email="ann@acme.example", role=Role.OWNER),
                Invitee(index_username="bob", role=Role.MEMBER),
                Invitee(index_username="olga", role=Role.MEMBER),
            ],
        },
        [("invitation.sent", "acme"), ("invitation.sent", "acme")],
    ),
    "resend_invitation": (lambda: {"invitation": invitation()}, [("invitation.resent", "acme")]),
    "revoke_invitation": (lambda: {"invitation": invitation()}, [("invitation.revoked", "acme")]),
    "accept_invitation": (addressee, [("member.added", "acme")]),
    "decline_invitation": (addressee, [("invitation.declined", "acme")]),
}
