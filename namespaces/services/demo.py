"""The demo's data: real project names, the namespaces that PEP 752 speaks of, and two companies that we made up.

Who owns what is made up: of the projects under a namespace, the ones that are downloaded most are given to its
holder, and all others stand for outside projects, which are grandfathered.
"""

from __future__ import annotations

import gzip
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import User
from freehold.errors import DomainError
from namespaces import names
from namespaces.models import Grant
from namespaces.readers import Row
from namespaces.services.demo_cases import make_cases
from namespaces.services.grants import grant_namespace
from namespaces.services.imports import import_projects
from namespaces.services.popularity import measure_popularity
from namespaces.services.shares import give_team_right, share_namespace
from orgs.actors import Actor
from orgs.models import Membership, Organization, ServiceToken, Team, TeamMember
from orgs.services.memberships import add_member
from orgs.services.organizations import create_organization
from orgs.services.service_tokens import create_service_token, revoke_service_token
from orgs.vocabulary import Kind, Role, Scope, State

SAMPLE = Path(__file__).resolve().parent.parent / "data" / "sample.tsv.gz"
TOKEN_NAME = "demo index"  # noqa: S105 -- a name, not a secret


class NotEmpty(DomainError):
    code = "not-empty"


@dataclass(frozen=True)
class DemoOrganization:
    name: str
    kind: Kind
    namespaces: tuple[str, ...]
    people: tuple[tuple[str, Role], ...] = ()
    projects: tuple[str, ...] = field(default=())


COMPANY, COMMUNITY = Kind.COMPANY, Kind.COMMUNITY
ORGANIZATIONS = (
    DemoOrganization("google", COMPANY, ("google-cloud",), (("gina", Role.OWNER), ("george", Role.MANAGER))),
    DemoOrganization("opentelemetry", COMMUNITY, ("opentelemetry",), (("otto", Role.OWNER),)),
    DemoOrganization("apache", COMMUNITY, ("apache-airflow-providers",), (("ana", Role.OWNER),)),
    DemoOrganization("typeshed", COMMUNITY, ("types",), (("tessa", Role.OWNER),)),
    DemoOrganization("amazon", COMPANY, ("aws-cdk",), (("amal", Role.OWNER),)),
    DemoOrganization("microsoft", COMPANY, ("azure",), (("mika", Role.OWNER),)),
    DemoOrganization("django", COMMUNITY, ("django",), (("dana", Role.OWNER),)),
    DemoOrganization("cupy", COMMUNITY, ("cupy",), (("cora", Role.OWNER),)),
    DemoOrganization("scikit", COMMUNITY, ("scikit",), (("sasha", Role.OWNER),)),
    DemoOrganization("python", COMMUNITY, ("typing",), (("guido", Role.OWNER),)),
    DemoOrganization(
        "acme",
        COMPANY,
        ("acme", "acme-labs"),
        (("alice", Role.OWNER), ("adam", Role.MANAGER), ("bob", Role.MEMBER)),
        ("acme", "acme-rockets", "acme-anvils"),
    ),
    DemoOrganization("lumenworks", COMPANY, ("lumen",), (("lena", Role.OWNER),), ("lumen", "lumen-core")),
)
OUTSIDE_PROJECTS = (
    ("acme-unofficial", "user:wile"),
    ("lumen-plot", "user:iris"),
    ("fernlight", "user:faye"),
    ("fernlight-cli", "user:faye"),
    ("fernlight-sensors", "user:faye"),
)
"""What Faye publishes, a community project could be made for."""
STRANGERS = ("mallory", "wile", "faye")
LAB_TEAM, LAB_NAMESPACE, LAB_MEMBER = "Labs", "acme-labs", "bob"
SHARED_NAMESPACE, SHARED_WITH = "acme-labs", "lumenworks"
FOUNDED = datetime(2019, 5, 4, 3, 2, 1, tzinfo=UTC)


def email_of(person: str) -> str:
    return f"{person}@demo.example"


def make_demo(*, actor: Actor, url: str) -> dict[str, Any]:
    """Fill an empty database and describe it, in the form of ``var/demo.json``. Where the demo is there already, only
    the secrets are made anew. Raises ``NotEmpty`` for a database with other organizations."""
    known = set(Organization.objects.values_list("name", flat=True))
    if not known:
        import_projects(actor=actor, rows=demo_projects())
        measure_popularity()
        with transaction.atomic():
            _make_organizations(actor)
            _make_rights(actor)
            make_cases()
    elif not known >= {organization.name for organization in ORGANIZATIONS}:
        raise NotEmpty("The database has organizations that are not the demo's; the demo would mix with them.")
    return describe(url, token=_new_token(actor), passwords=_new_passwords())


def demo_projects() -> Iterator[Row]:
    """The sample, with owners made up, and the projects of the companies that we made up."""
    with gzip.open(SAMPLE, "rt", encoding="ascii") as lines:
        next(lines)
        for line in lines:
            name, first_uploaded, rank = line.rstrip("\n").split("\t")
            owner = _holder_of(name) if rank else ""
            yield Row(name, owner, datetime.fromisoformat(first_uploaded) if first_uploaded else None)
    for organization in ORGANIZATIONS:
        yield from (Row(name, organization.name, FOUNDED) for name in organization.projects)
    yield from (Row(name, owner, FOUNDED) for name, owner in OUTSIDE_PROJECTS)


_HOLDERS = {namespace: organization.name for organization in ORGANIZATIONS for namespace in organization.namespaces}


def _holder_of(name: str) -> str:
    return next((_HOLDERS[prefix] for prefix in names.prefixes(name) if prefix in _HOLDERS), "")


def _make_organizations(actor: Actor) -> None:
    for person in STRANGERS:
        _make_user(person)
    for wanted in ORGANIZATIONS:
        organization = create_organization(actor=actor, name=wanted.name, kind=wanted.kind, state=State.ACTIVE)
        for person, role in wanted.people:
            _make_user(person)
            add_member(actor=actor, organization=organization, email=email_of(person), role=role)
        for namespace in wanted.namespaces:
            grant_namespace(actor=actor, name=namespace, organization=organization)


def _make_user(person: str) -> None:
    user = User.objects.create_user(email_of(person), name=person.capitalize(), index_username=person)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)


def _make_rights(actor: Actor) -> None:
    """A team that may publish in one child namespace only, which is shared with another company."""
    grant = Grant.objects.holding().get(name=LAB_NAMESPACE)
    team = Team.objects.create(organization=grant.owner, name=LAB_TEAM)
    membership = Membership.objects.get(organization=grant.owner, user__index_username=LAB_MEMBER)
    TeamMember.objects.create(team=team, membership=membership)
    give_team_right(actor=actor, grant=grant, team=team)
    share_namespace(actor=actor, grant=grant, organization=Organization.objects.get(name=SHARED_WITH))


def _new_token(actor: Actor) -> str:
    for token in ServiceToken.objects.filter(name=TOKEN_NAME, revoked_at__isnull=True):
        revoke_service_token(actor=actor, token=token)
    return create_service_token(actor=actor, name=TOKEN_NAME, scopes=list(Scope))


def _new_passwords() -> dict[str, str]:
    passwords = {}
    for user in User.objects.filter(email__endswith="@demo.example"):
        passwords[user.email] = secrets.token_urlsafe(9)
        user.set_password(passwords[user.email])
        user.save(update_fields=["password"])
    return passwords


def describe(url: str, *, token: str, passwords: dict[str, str]) -> dict[str, Any]:
    """What ``var/demo.json`` says, for people and programs that try the demo."""
    grants = Grant.objects.enforceable().select_related("owner").order_by("name")
    return {
        "url": url,
        "tokens": {"index": token},
        "users": [_describe_user(user, passwords) for user in User.objects.filter(email__in=passwords).order_by("pk")],
        "organizations": list(Organization.objects.order_by("pk").values("name", "kind")),
        "namespaces": [{"name": grant.name, "owner": grant.owner.name} for grant in grants],
    }


def _describe_user(user: User, passwords: dict[str, str]) -> dict[str, Any]:
    memberships = user.memberships.select_related("organization").order_by("pk")
    return {
        "email": user.email,
        "password": passwords[user.email],
        "index_username": user.index_username,
        "memberships": [{"organization": m.organization.name, "role": m.role} for m in memberships],
        "is_staff": user.is_staff,
    }
