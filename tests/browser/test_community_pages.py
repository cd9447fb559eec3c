"""The page of community status and the demo's forge, in Chromium; and the way of a project from nothing to a namespace."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from freehold.demo import forge as demo_forge
from namespaces.cases import CaseKind, CaseState
from namespaces.models import ForgeSignals, Grant, Verification
from namespaces.policy.signals import ForgeFacts, Repository
from namespaces.services.claims import file_claim
from orgs.actors import Actor
from orgs.models import Organization, Proof
from orgs.proofs import forges
from orgs.vocabulary import Kind, ProofState, State
from tests import factories
from tests.browser.walk import Complaints, Visit, every_way, in_browser, open_context, walk

pytestmark = in_browser

STATES = ("bare", "ready", "waiting", "asked", "refused", "verified", "due", "company")
VISITS = (
    *(Visit("organization-community", f"/manage/{state}-rockets/community/") for state in STATES),
    Visit("organization-community-company", "/manage/verified-rockets/community/company/"),
    Visit("demo-forge", "/demo/forge/?owner=rocket&line=freehold-verification=0123456789abcdef0123456789abcdef"),
)
NOW = timezone.now()


@pytest.fixture
def owner(transactional_db: None, tmp_path: Path, settings: Any) -> User:
    settings.FREEHOLD_DEMO_FORGE = tmp_path / "demo-forge.json"
    place = demo_forge.Place(owner="a-rather-long-name-of-an-organization", repository="rocket", licence="")
    demo_forge.publish(settings.FREEHOLD_DEMO_FORGE, place, "freehold-verification=0123456789abcdef0123456789abcdef")
    person = factories.user("gina", second_factor=True)
    for state in STATES:
        made = factories.organization(
            f"{state}-rockets",
            kind=Kind.COMPANY if state == "company" else Kind.COMMUNITY,
            state=State.ACTIVE if state in {"verified", "due"} else State.APPLIED,
        )
        factories.member(made, "gina")
        _arrange(state, made)
    return person


def _arrange(state: str, made: Organization) -> None:
    if state in {"ready", "verified", "waiting", "due"}:
        _answered(factories.forge_proof(made), is_alive=state in {"ready", "verified"})
    if state in {"verified", "due"}:
        days = 300 if state == "verified" else 20
        Verification.objects.create(organization=made, renew_at=NOW + timedelta(days=days))
    found = {"waiting": CaseState.WAITING, "asked": CaseState.ASKED, "refused": CaseState.REFUSED}.get(state)
    if found is not None:
        factories.case(made, kind=CaseKind.APPLICATION, state=found)


def _answered(proof: Proof, *, is_alive: bool) -> None:
    day = NOW.date()
    changed = day if is_alive else day - timedelta(days=600)
    repository = Repository(
        name="engine", licence="MIT", begun=day - timedelta(days=900), changed=changed, stars=90, commits=9, releases=1
    )
    facts = ForgeFacts(address=proof.subject, on=day, repositories=(repository,))
    error = "" if is_alive else "It answers no more questions for the time being; we ask again later."
    ForgeSignals.objects.create(proof=proof, data=facts.as_json(), seen_at=NOW, asked_at=NOW, error=error)


@pytest.fixture
def site(owner: User, live_server: LiveServer) -> str:
    return str(live_server.url)


@every_way
def test_every_page_in_every_way(browser: Browser, site: str, owner: User, way: dict[str, Any]) -> None:
    walk(browser, site, VISITS, way, owner)


@pytest.fixture
def demo(site: str, settings: Any) -> None:
    """The site's own pages are the forge, as in the demo."""
    settings.FREEHOLD_FORGES = forges.with_demo(site)
    settings.FREEHOLD_OUTGOING_ALLOW = [urlsplit(site).netloc]


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.usefixtures("demo")
def test_from_nothing_to_a_namespace(browser: Browser, site: str, owner: User, javascript: bool) -> None:
    """In under five minutes, by nobody's help: an organization, its place on a forge, its status, its namespace."""
    began = time.monotonic()
    with open_context(browser, site, owner, java_script_enabled=javascript) as context:
        page = context.new_page()
        complaints = Complaints(page)
        _set_up(page)
        _prove(page)
        page.get_by_role("link", name="Community status").click()
        expect(page.get_by_text("Not applied for yet")).to_be_visible()
        page.get_by_role("button", name="Apply as a community project").click()
        expect(page.get_by_text("Everything is met: Moon Rocket is a verified community project.")).to_be_visible()
        expect(page.get_by_text("This is a verified community project")).to_be_visible()
        complaints.inspect(axe=javascript)
    moon = Organization.objects.get(name="moon-rocket")
    for name in ("moon-rocket", "moon-rocket-fuel", "moon-rocket-nose"):
        factories.project(name, "moon-rocket", NOW - timedelta(days=700))
    assert moon.state == State.ACTIVE
    assert file_claim(actor=Actor.person(owner), organization=moon, name="moon-rocket").state == CaseState.APPROVED
    assert Grant.objects.get(owner=moon).state == "active"
    assert time.monotonic() - began < 300
    assert complaints.found == []


def _set_up(page: Page) -> None:
    page.goto("/new/")
    page.get_by_label("What is it called?").fill("Moon Rocket")
    page.get_by_label("A community project").check()
    page.get_by_role("button", name="Set it up").click()
    page.get_by_role("link", name="Become active").click()
    expect(page.get_by_role("heading", name="Community status", level=1)).to_be_visible()


def _prove(page: Page) -> None:
    page.get_by_role("link", name="Prove your place on a code forge").first.click()
    page.get_by_label("Address of your organization's page").fill("https://forge.example/moon-rocket")
    page.get_by_role("button", name="Go on").click()
    address = page.url
    page.get_by_role("link", name="Code forge of the demo").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("It is published on the demo's forge.")).to_be_visible()
    Proof.objects.update(tried_at=None)
    page.goto(address)
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("Found: it counts")).to_be_visible()
    assert Proof.objects.get(organization__name="moon-rocket").state == ProofState.VERIFIED


def test_becoming_a_company(browser: Browser, site: str, owner: User) -> None:
    with open_context(browser, site, owner, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/manage/verified-rockets/community/")
        page.get_by_role("link", name="Become a company").click()
        page.get_by_role("button", name="Become a company").click()
        expect(page.get_by_text("Verified-Rockets is a company now.")).to_be_visible()
    assert Organization.objects.get(name="verified-rockets").kind == Kind.COMPANY
