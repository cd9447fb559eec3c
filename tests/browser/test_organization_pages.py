"""The pages of an organization's life in Chromium: setting up, overview, settings, profile, recovery, staff's view."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from orgs import audit
from orgs.actors import Actor
from orgs.models import Organization, Proof, Recovery
from orgs.vocabulary import Kind, ProofKind, ProofState, RecoveryState, Role, State
from tests import factories
from tests.browser.walk import Visit, every_way, in_browser, open_context, walk

pytestmark = in_browser

OWN = (
    Visit("dashboard", "/dashboard/"),
    Visit("organization-new", "/new/"),
    Visit("organization-overview", "/manage/acme/"),
    Visit("organization-overview", "/manage/waiting/"),
    Visit("organization-roles", "/manage/acme/roles/"),
    Visit("organization-settings", "/manage/acme/settings/"),
    Visit("organization-settings-second-factor", "/manage/acme/settings/two-step/"),
    Visit("organization-settings-rename", "/manage/acme/settings/rename/"),
    Visit("organization-settings-close", "/manage/acme/settings/close/"),
    Visit("organization-settings-close", "/manage/waiting/settings/close/"),
    Visit("organization", "/organizations/acme/"),
    Visit("organization", "/organizations/waiting/"),
    Visit("organization", "/organizations/gone/", 410),
    Visit("recovery", "/organizations/acme/recover/"),
    Visit("recovery", "/organizations/lost/recover/"),
    Visit("", "/manage/managed/settings/", 403),
)
ASKING = (
    Visit("dashboard", "/dashboard/"),
    Visit("recovery", "/organizations/lost/recover/"),
    Visit("recovery", "/organizations/acme/recover/"),
)
STAFF = (
    Visit("review-organizations", "/review/organizations/"),
    Visit("review-organizations", "/review/organizations/?q=zzz"),
    Visit("review-organization", "/review/organizations/acme/"),
    Visit("review-organization", "/review/organizations/gone/"),
    Visit("review-recoveries", "/review/recoveries/"),
)
VISITS = (*OWN, *ASKING, *STAFF)
SEEN_BY = {"ada": OWN, "mallory": ASKING, "rex": STAFF}


def proved(organization: Organization, domain: str, state: ProofState = ProofState.VERIFIED) -> Proof:
    now = timezone.now()
    return Proof.objects.create(
        organization=organization,
        kind=ProofKind.DNS,
        subject=domain,
        challenge="0" * 32,
        state=state,
        verified_at=now,
        failing_since=now if state == ProofState.FAILING else None,
    )


def protected(user: User) -> User:
    """With an authenticator app, without which staff is let nowhere."""
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    user.refresh_from_db()
    return user


@pytest.fixture
def people() -> dict[str, User]:
    """Ada owns things, Mallory asks for some, Rex is of the staff."""
    return {
        "ada": factories.user("ada", name="Ada Lovelace"),
        "mallory": factories.user(name="Mallory"),
        "rex": protected(factories.user(is_staff=True, is_superuser=True)),
    }


@pytest.fixture
def site(transactional_db: None, live_server: LiveServer, people: dict[str, User]) -> str:
    """A bit of everything that can be in the life of an organization."""
    acme = factories.organization("acme")
    acme.description, acme.website = "Rockets for everybody, and their parts.", "https://www.acme.example/about"
    acme.seats = 5
    acme.save()
    for organization in (acme, factories.organization("waiting", kind=Kind.COMMUNITY, state=State.APPLIED)):
        factories.member(organization, "ada", Role.OWNER)
    factories.member(factories.organization("managed"), "ada", Role.MANAGER)
    factories.member(acme, "grace-of-a-company-with-a-long-name", Role.MEMBER)
    proved(acme, "acme.example")
    proved(acme, "a-very-long-name-of-a-domain.below.another.acme-rockets.example", ProofState.FAILING)
    lost = factories.organization("lost")
    proved(lost, "lost.example")
    root = factories.grant("acme", acme)
    factories.share(factories.grant("acme-labs", acme, root=root), lost)
    factories.organization("gone", state=State.CLOSED)
    for number in range(4):
        audit.record(Actor.person(people["ada"]), "team.created", f"team acme/{number}", organization="acme")
    ask(acme, people["mallory"], RecoveryState.WAITING)
    ask(lost, people["mallory"], RecoveryState.PROVING)
    ask(lost, people["ada"], RecoveryState.VETOED)
    return live_server.url


def ask(organization: Organization, user: User, state: RecoveryState) -> Recovery:
    due = timezone.now() + timedelta(days=9)
    ended = timezone.now() if state == RecoveryState.VETOED else None
    return Recovery.objects.create(
        organization=organization,
        user=user,
        domain=f"{organization.name}.example",
        challenge="1" * 32,
        state=state,
        due_at=due,
        ended_at=ended,
        reason="Nobody could vouch for it." if ended else "",
    )


@every_way
@pytest.mark.parametrize("who", SEEN_BY)
def test_every_page_in_every_way(
    browser: Browser, site: str, people: dict[str, User], who: str, way: dict[str, Any]
) -> None:
    walk(browser, site, SEEN_BY[who], way, people[who])


def test_an_organization_is_set_up_and_closed_again(browser: Browser, site: str) -> None:
    """Without JavaScript, as somebody who has nothing yet."""
    with open_context(browser, site, factories.user(), java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/dashboard/")
        page.get_by_role("main").get_by_role("link", name="Set up your organization").click()
        page.get_by_label("What is it called?").fill("Comet Project!")
        page.get_by_label("A community project").check()
        page.get_by_role("button", name="Set it up").click()
        page.wait_for_url(f"{site}/manage/comet-project/")
        expect(page.get_by_text("Comet Project! is set up. Its short name is comet-project.")).to_be_visible()
        page.get_by_role("link", name="Settings").click()
        page.get_by_role("link", name="Close…").click()
        page.get_by_label("Type its name to confirm").fill("comet")
        page.get_by_role("button", name="Close it for good").click()
        expect(page.get_by_text("Type the organization's name, 'comet-project', to confirm.").first).to_be_visible()
        page.get_by_label("Type its name to confirm").fill("comet-project")
        page.get_by_role("button", name="Close it for good").click()
        page.wait_for_url(f"{site}/dashboard/")
        response = page.goto("/organizations/comet-project/")
        assert response is not None and response.status == 410


def test_a_name_is_answered_while_it_is_typed(browser: Browser, site: str, people: dict[str, User]) -> None:
    with open_context(browser, site, people["ada"]) as context:
        page = context.new_page()
        page.goto("/new/")
        page.get_by_label("What is it called?").press_sequentially("ACME")
        page.get_by_text("names are never given again").wait_for()
        page.get_by_label("Its short name").press_sequentially("acrne")
        page.get_by_text("It looks like acme.").wait_for()
        page.get_by_label("Its short name").fill("freehold-labs")
        page.get_by_text("kept for those who run Freehold").wait_for()


def test_an_owner_stops_a_recovery_with_one_click(browser: Browser, site: str, people: dict[str, User]) -> None:
    with open_context(browser, site, people["ada"], java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/dashboard/")
        page.get_by_role("button", name="We are here: stop it").click()
        page.wait_for_url(f"{site}/manage/acme/")
        expect(page.get_by_text("The recovery is stopped.")).to_be_visible()
    assert Recovery.objects.get(organization__name="acme").state == RecoveryState.OPPOSED
