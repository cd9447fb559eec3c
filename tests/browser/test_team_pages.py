"""An organization's teams, namespaces and trusted publishers in Chromium."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from namespaces.models import BlockedAttempt, Grant, Transfer
from namespaces.states import GrantState
from orgs.issuers import GITHUB
from orgs.models import Team, TrustedPublisher
from orgs.vocabulary import Role
from tests import factories
from tests.browser.walk import Visit, every_way, in_browser, walk

pytestmark = in_browser

TEAM, GUEST_TEAM, PUBLISHER, OFFER = 9001, 9002, 9003, 9004
ACME = "/manage/acme"
LABS = f"{ACME}/namespaces/acme-labs/"
VISITS = (
    Visit("organization-teams", f"{ACME}/teams/"),
    Visit("organization-teams", "/manage/empty/teams/"),
    Visit("organization-team-new", f"{ACME}/teams/new/"),
    Visit("organization-team", f"{ACME}/teams/{TEAM}/"),
    Visit("organization-team", f"{ACME}/teams/{GUEST_TEAM}/", 404),
    Visit("organization-team-edit", f"{ACME}/teams/{TEAM}/edit/"),
    Visit("organization-team-delete", f"{ACME}/teams/{TEAM}/delete/"),
    Visit("organization-team-members", f"{ACME}/teams/{TEAM}/members/"),
    Visit("organization-publishers", f"{ACME}/publishers/"),
    Visit("organization-publishers", "/manage/empty/publishers/"),
    Visit("organization-publisher-new", f"{ACME}/publishers/new/github/"),
    Visit("organization-publisher-new", f"{ACME}/publishers/new/gitlab/"),
    Visit("organization-publisher-new", f"{ACME}/publishers/new/google/"),
    Visit("organization-publisher-new", f"{ACME}/publishers/new/other/"),
    Visit("organization-publisher-remove", f"{ACME}/publishers/{PUBLISHER}/remove/"),
    Visit("organization-namespaces", f"{ACME}/namespaces/"),
    Visit("organization-namespaces", "/manage/empty/namespaces/"),
    Visit("organization-namespace", f"{ACME}/namespaces/acme/"),
    Visit("organization-namespace", f"{ACME}/namespaces/acme/?project=acme-x&kind=user&publisher=mia"),
    Visit("organization-namespace", f"{ACME}/namespaces/acme/?project=other&kind=user&publisher="),
    Visit("organization-namespace", LABS),
    Visit("organization-namespace", f"{ACME}/namespaces/gone/"),
    Visit("organization-namespace", f"{ACME}/namespaces/friendly/"),
    Visit("organization-namespace-child", f"{ACME}/namespaces/acme/children/new/"),
    Visit("organization-namespace-share", f"{LABS}share/"),
    Visit("organization-namespace-unshare", f"{LABS}shares/friend/end/"),
    Visit("organization-namespace-transfer", f"{ACME}/namespaces/acme/transfer/"),
    Visit("organization-namespace-release", f"{ACME}/namespaces/acme/release/"),
    Visit("organization-namespace-release", f"{LABS}release/"),
    Visit("organization-namespace-take-back", f"{ACME}/namespaces/gone/take-back/"),
    Visit("organization-offer", f"{ACME}/offers/{OFFER}/"),
)


@pytest.fixture
def owner(transactional_db: None) -> User:
    """Of an organization with a bit of everything, and of one with nothing."""
    acme, friend, empty = (factories.organization(name) for name in ("acme", "friend", "empty"))
    olga = factories.member(acme, "olga", Role.OWNER).user
    olga.name = "Olga Owner"
    olga.save()
    factories.member(empty, "olga", Role.OWNER)
    factories.member(acme, "mads", Role.MANAGER)
    root = factories.grant("acme", acme)
    labs = factories.grant("acme-labs", acme, root=root)
    factories.grant("gone", acme, state=GrantState.QUARANTINED)
    team = Team.objects.create(pk=TEAM, organization=acme, name="Labs", description="Makes what is new.")
    fill(team, labs)
    Team.objects.create(organization=acme, name="A team with a name that is rather longer than most of them are")
    Team.objects.create(pk=GUEST_TEAM, organization=friend, name="Guests")
    factories.share(labs, friend, expires_at=timezone.now() + timedelta(days=30))
    factories.share(factories.grant("friendly", friend), acme)
    offered = factories.grant("offered", friend)
    Transfer.objects.create(pk=OFFER, grant=offered, to=acme, expires_at=timezone.now() + timedelta(days=7))
    TrustedPublisher.objects.create(
        pk=PUBLISHER, organization=acme, issuer=GITHUB, claims={"repository_owner": "acme", "repository": "acme/x"}
    )
    projects_and_attempts()
    return olga


def fill(team: Team, labs: Grant) -> None:
    for name in ("mia", "noor"):
        membership = factories.member(team.organization, name, Role.MEMBER)
        team.team_members.create(membership=membership)
    nobody = factories.user()
    team.team_members.create(membership=team.organization.memberships.create(user=nobody, role=Role.MEMBER))
    labs.team_grants.create(team=team)


def projects_and_attempts() -> None:
    for number in range(30):
        factories.project(f"acme-project-{number}", "acme" if number % 2 else "user:wile")
    for number in range(3):
        BlockedAttempt.objects.create(
            namespace="acme", project=f"acme-{'long-' * 8}{number}", publisher="user wile", reason="reserved", count=7
        )


@pytest.fixture
def site(owner: User, live_server: LiveServer) -> str:
    return live_server.url


@every_way
def test_every_page_in_every_way(browser: Browser, site: str, owner: User, way: dict[str, Any]) -> None:
    walk(browser, site, VISITS, way, owner)
