"""What services of organizations leave in the audit trail: the arguments of each, and its events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.identity import issue_code
from accounts.models import User
from orgs.actors import Actor
from orgs.models import (
    AuditEndpoint,
    Organization,
    Proof,
    Recovery,
)
from orgs.vocabulary import ProofKind, ProofState, RecoveryState, State
from tests import factories

Row = tuple[Callable[["Household"], dict[str, Any]], list[tuple[str, str]]]
LATER = timedelta(days=7)
CODE = "ABCDEFGH"


class Household:
    """An organization with an owner and whatever a service needs."""

    def __init__(self) -> None:
        self.acme = factories.organization("acme")
        self.owner = factories.member(self.acme, "gina")
        self.newcomer: User = factories.user("newcomer")

    @property
    def as_newcomer(self) -> Actor:
        return Actor.person(self.newcomer)

    @property
    def as_owner(self) -> Actor:
        return Actor.person(self.owner.user)

    def in_state(self, state: State) -> Organization:
        self.acme.state = state
        self.acme.save()
        return self.acme

    def sponsor(self) -> Organization:
        sponsor = factories.organization("sponsor")
        sponsor.is_sponsor = True
        sponsor.save()
        return sponsor

    def proof(self, kind: ProofKind = ProofKind.DNS, subject: str = "acme.example", **fields: Any) -> Proof:
        fields = {"challenge": "c", "challenged_at": timezone.now() - timedelta(minutes=1)} | fields
        return Proof.objects.create(organization=self.acme, kind=kind, subject=subject, **fields)

    def request(self, **fields: Any) -> Proof:
        self.sponsor()
        return self.proof(ProofKind.VOUCH, "sponsor", **fields)

    def recovery(self, state: RecoveryState = RecoveryState.WAITING, **fields: Any) -> Recovery:
        self.proof(state=ProofState.VERIFIED, verified_at=timezone.now())
        fields = {"due_at": timezone.now() + LATER} | fields
        return Recovery.objects.create(
            organization=self.acme,
            user=self.newcomer,
            domain="acme.example",
            challenge="c",
            state=state,
            **fields,
        )

    def endpoint(self) -> AuditEndpoint:
        return AuditEndpoint.objects.create(
            organization=self.acme, url="https://hooks.example/", secrets=["whsec_"], delivered_position=0
        )


def _verified() -> dict[str, Any]:
    return {"state": ProofState.VERIFIED, "verified_at": timezone.now()}


def _vouched() -> dict[str, Any]:
    return _verified() | {"vouched_at": timezone.now()}


ROWS: dict[str, Row] = {
    "link_identity": (
        lambda _: {"code": issue_code(user=factories.user()), "username": "z"},
        [("identity.linked", "")],
    ),
    "create_staff": (lambda _: {"email": "new@staff.example"}, [("staff.created", "")]),
    "activate_organization": (
        lambda h: {"organization": h.in_state(State.APPLIED)},
        [("organization.activate", "acme")],
    ),
    "suspend_organization": (
        lambda h: {"organization": h.acme, "reason": "Spam."},
        [("organization.suspend", "acme")],
    ),
    "reinstate_organization": (
        lambda h: {"organization": h.in_state(State.SUSPENDED)},
        [("organization.reinstate", "acme")],
    ),
    "set_seats": (lambda h: {"organization": h.acme, "seats": 5}, [("organization.seats", "acme")]),
    "recognize_sponsor": (
        lambda h: {"organization": h.acme, "recognized": True},
        [("organization.sponsor", "acme")],
    ),
    "describe_organization": (
        lambda h: {"organization": h.acme, "display_name": "A", "description": "", "website": ""},
        [("organization.described", "acme")],
    ),
    "rename_organization": (
        lambda h: {"organization": h.acme, "name": "zebra"},
        [("organization.renamed", "zebra")],
    ),
    "require_second_factor": (
        lambda h: {"organization": h.acme, "required": True},
        [("organization.second_factor", "acme")],
    ),
    "close_organization": (
        lambda h: {"organization": h.acme, "name": "acme"},
        [("organization.closed", "acme")],
    ),
    "request_recovery": (
        lambda h: {
            "actor": h.as_newcomer,
            "organization": h.proof(**_verified()).organization,
            "domain": "acme.example",
        },
        [("recovery.requested", "acme")],
    ),
    "withdraw_recovery": (
        lambda h: {"actor": h.as_newcomer, "recovery": h.recovery()},
        [("recovery.withdrawn", "acme")],
    ),
    "oppose_recovery": (lambda h: {"actor": h.as_owner, "recovery": h.recovery()}, [("recovery.opposed", "acme")]),
    "veto_recovery": (lambda h: {"recovery": h.recovery(), "reason": "No."}, [("recovery.vetoed", "acme")]),
    "add_proof": (
        lambda h: {"organization": h.acme, "kind": ProofKind.DNS, "subject": "acme.example"},
        [("proof.added", "acme")],
    ),
    "remove_proof": (lambda h: {"proof": h.proof()}, [("proof.removed", "acme")]),
    "renew_challenge": (lambda h: {"proof": h.proof()}, [("proof.challenge_renewed", "acme")]),
    "confirm_mailbox": (
        lambda h: {
            "proof": h.proof(ProofKind.EMAIL_DOMAIN, challenge=CODE, challenged_at=timezone.now()),
            "code": CODE,
        },
        [("proof.verified", "acme")],
    ),
    "dismiss_flag": (lambda h: {"proof": h.proof(flag="lost")}, [("proof.flag_dismissed", "acme")]),
    "vouch": (
        lambda h: {"proof": h.request(), "sponsor": Organization.objects.get(name="sponsor")},
        [("proof.vouched", "sponsor"), ("proof.vouched", "acme"), ("proof.verified", "acme")],
    ),
    "decline_vouch": (
        lambda h: {"proof": h.request(), "sponsor": Organization.objects.get(name="sponsor")},
        [("proof.vouch_declined", "sponsor"), ("proof.vouch_declined", "acme")],
    ),
    "withdraw_vouch": (
        lambda h: {"proof": h.request(**_vouched()), "sponsor": Organization.objects.get(name="sponsor")},
        [("proof.vouch_withdrawn", "sponsor"), ("proof.vouch_withdrawn", "acme"), ("proof.failing", "acme")],
    ),
    "create_audit_endpoint": (
        lambda h: {"organization": h.acme, "url": "https://hooks.example/"},
        [("audit_webhook.created", "acme")],
    ),
    "rotate_audit_secret": (lambda h: {"endpoint": h.endpoint()}, [("audit_webhook.rotated", "acme")]),
    "enable_audit_endpoint": (lambda h: {"endpoint": h.endpoint()}, [("audit_webhook.enabled", "acme")]),
    "delete_audit_endpoint": (lambda h: {"endpoint": h.endpoint()}, [("audit_webhook.deleted", "acme")]),
}

ELSEWHERE = {
    "check_proof_now": "it goes out to the network; see proofs/",
    "recheck_proof": "it goes out to the network; see proofs/",
    "note_registration": "it goes out to the network; see proofs/",
    "grant_recovery": "it goes out to the network; see test_recovery",
    "prove_recovery": "it goes out to the network; see test_recovery",
    "remind_of_recovery": "whether it writes depends on the clock; see test_recovery",
    "expire_recovery": "whether it writes depends on the clock; see test_recovery",
}
"""Services whose events are tested elsewhere, and why."""
