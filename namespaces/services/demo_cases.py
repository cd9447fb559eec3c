"""What waits at the desk of the demo: organizations that we made up, and what they ask for."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from allauth.account.models import EmailAddress
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from freehold.demo.records import publish
from namespaces.cases import DecisionOutcome
from namespaces.models import Case
from namespaces.policy.evaluation import Key
from namespaces.services.casework import ask
from namespaces.services.claims import file_claim
from namespaces.services.decisions import decide
from orgs.actors import Actor
from orgs.models import Membership, Organization, Proof
from orgs.proofs.records import record_name, text_of
from orgs.services.organizations import create_organization
from orgs.services.staff_accounts import create_staff
from orgs.vocabulary import Kind, ProofKind, ProofState, Role, State

REVIEWERS = ("rita", "ravi")
"""Staff who decide; two, for there are cases that take two."""


@dataclass(frozen=True)
class Applicant:
    """An organization with one owner, a domain if it has proved one, and what it claims."""

    name: str
    display_name: str
    owner: str
    kind: Kind
    state: State
    claims: str
    statement: str
    domain: str = ""


COMPANY, COMMUNITY = Kind.COMPANY, Kind.COMMUNITY
APPLIED, ACTIVE = State.APPLIED, State.ACTIVE
APPLICANTS = (
    Applicant(
        "wrenfield", "Wrenfield", "wim", COMPANY, APPLIED, "wrenfield", "Our sensors' libraries.", "wrenfield.example"
    ),
    Applicant(
        "brightloom",
        "Brightloom",
        "bea",
        COMPANY,
        ACTIVE,
        "brightloom",
        "We sell looms that weave from files, and publish what drives them.",
        "brightloom-weaving.example",
    ),
    Applicant(
        "weavers-guild",
        "Weavers' Guild",
        "wanda",
        COMMUNITY,
        ACTIVE,
        "brightloom-patterns",
        "We have drawn patterns for these looms since before the company had a website.",
        "weavers.example",
    ),
    Applicant(
        "penhollow", "Penhollow", "quentin", COMPANY, ACTIVE, "mcp", "We want to maintain servers.", "penhollow.example"
    ),
    Applicant(
        "telernetry",
        "Telernetry",
        "tom",
        COMPANY,
        ACTIVE,
        "opentelernetry",
        "Our product's name.",
        "telernetry.example",
    ),
    Applicant("harborview", "Harborview", "hana", COMPANY, APPLIED, "harborview", "Port logistics."),
    Applicant(
        "tamarisk-media",
        "Tamarisk Media",
        "tara",
        COMPANY,
        ACTIVE,
        "tamarisk",
        "We might publish something one day.",
        "media.example",
    ),
    Applicant("nullbyte", "Nullbyte", "nils", COMPANY, ACTIVE, "agent", "We build agents.", "nullbyte.example"),
)
CHECKED_AGAIN = timedelta(days=1)
QUESTION = "Which website is yours? Publish the record at your own domain, and tell us here when it is there."
REFUSAL = (
    "Nothing of yours is called so yet, and your domain has another name. Publish the first project there, or prove a "
    "domain called tamarisk, and claim it again: a machine can grant it then."
)
COMMON = (
    "Very many projects of different people are called so, and it is a word for all of them. Claim a name that begins "
    "with your own, such as nullbyte-agent, and a machine can grant it at once."
)


def make_cases() -> None:
    """File what the applicants claim, and bring some of it further. For an empty demo."""
    rita, _ = [_reviewer(person) for person in REVIEWERS]
    filed = {wanted.name: _file(wanted) for wanted in APPLICANTS}
    ask(actor=rita, case=filed["harborview"], text=QUESTION)
    decide(
        actor=rita,
        case=filed["tamarisk-media"],
        outcome=DecisionOutcome.REFUSE,
        criteria=[Key.IDENTIFIES, Key.IN_USE],
        text=REFUSAL,
    )
    decide(  # proposed: what is so common takes two
        actor=rita,
        case=filed["nullbyte"],
        outcome=DecisionOutcome.REFUSE,
        criteria=[Key.COMMON, Key.OVERTAKEN],
        text=COMMON,
    )


def _reviewer(person: str) -> Actor:
    user, _ = create_staff(actor=Actor.operator(), email=f"{person}@demo.example")
    user.name = person.capitalize()
    user.save(update_fields=["name"])
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)
    user.refresh_from_db()
    return Actor.staff(user)


def _file(wanted: Applicant) -> Case:
    user = User.objects.create_user(f"{wanted.owner}@demo.example", name=wanted.owner.capitalize())
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    organization = create_organization(
        actor=Actor.operator(),
        name=wanted.name,
        display_name=wanted.display_name,
        kind=wanted.kind,
        state=wanted.state,
    )
    Membership.objects.create(organization=organization, user=user, role=Role.OWNER)
    if wanted.domain:
        _prove(organization, wanted.domain)
    return file_claim(
        actor=Actor.person(user), organization=organization, name=wanted.claims, statement=wanted.statement
    )


def _prove(organization: Organization, domain: str) -> None:
    """As if it had been checked just now; what it checks again later is published at the demo's DNS."""
    now = timezone.now()
    challenge = secrets.token_hex(16)
    Proof.objects.create(
        organization=organization,
        kind=ProofKind.DNS,
        subject=domain,
        challenge=challenge,
        state=ProofState.VERIFIED,
        verified_at=now,
        checked_at=now,
        next_check_at=now + CHECKED_AGAIN,
    )
    publish(settings.FREEHOLD_DEMO_DNS, record_name(domain), text_of(challenge))
