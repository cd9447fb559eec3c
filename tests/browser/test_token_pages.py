"""An organization's API tokens in Chromium."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from orgs import tokens
from orgs.models import Membership, OrganizationToken
from orgs.vocabulary import Permission, Role
from tests import factories
from tests.browser.walk import Complaints, Visit, every_way, every_window, in_browser, open_context, walk

pytestmark = in_browser

TOKEN, FOREIGN = 9001, 9002
VISITS = (
    Visit("organization-tokens", "/manage/acme/tokens/"),
    Visit("organization-tokens", "/manage/empty/tokens/"),
    Visit("organization-token-new", "/manage/acme/tokens/new/"),
    Visit("organization-token-revoke", f"/manage/acme/tokens/{TOKEN}/revoke/"),
    Visit("organization-token-revoke", f"/manage/acme/tokens/{FOREIGN}/revoke/", 404),
)


@pytest.fixture
def owner(transactional_db: None) -> User:
    """Of an organization with tokens in every condition, and of one with none."""
    acme, empty, other = (factories.organization(name) for name in ("acme", "empty", "other"))
    olga = factories.member(acme, "olga")
    olga.user.name = "Olga Owner"
    olga.user.save()
    factories.member(empty, "olga")
    now = timezone.now()
    make(olga, "release pipeline", pk=TOKEN, last_used_at=now, expires_at=now + timedelta(days=60))
    make(olga, "audit export", Permission.VIEW_AUDIT, expires_at=now + timedelta(days=3), made_with_id=TOKEN)
    make(olga, "everything", *Permission)
    make(factories.member(acme, "mia", Role.MEMBER), "of a former owner", Permission.VIEW, Permission.MANAGE_PEOPLE)
    make(olga, "yesterday's", Permission.VIEW, expires_at=now - timedelta(days=1))
    because = "leaked: https://github.com/acme/widgets/blob/main/.env"
    make(olga, "in a public repository", revoked_at=now, revoked_because=because)
    make(factories.member(other, "eve"), "theirs", pk=FOREIGN)
    return olga.user


def make(by: Membership, name: str, *permissions: Permission, **fields: Any) -> None:
    OrganizationToken.objects.create(
        organization=by.organization,
        membership=by,
        name=name,
        digest=tokens.digest(name),
        hint="x7Qk",
        permissions=list(permissions or [Permission.VIEW, Permission.MANAGE_TEAMS]),
        **fields,
    )


@pytest.fixture
def site(owner: User, live_server: LiveServer) -> str:
    return str(live_server.url)


@every_way
def test_every_page_in_every_way(browser: Browser, site: str, owner: User, way: dict[str, Any]) -> None:
    walk(browser, site, VISITS, way, owner)


@every_window
def test_a_token_is_made_shown_once_and_revoked(browser: Browser, site: str, owner: User, way: dict[str, Any]) -> None:
    with open_context(browser, site, owner, **way) as context:
        page = context.new_page()
        complaints = Complaints(page)
        page.goto("/manage/empty/tokens/")
        page.get_by_role("link", name="Make a token").click()
        page.get_by_role("button", name="Make the token").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Make a token")
        complaints.inspect(axe=way["java_script_enabled"])
        page.get_by_role("textbox", name="Name").fill("release pipeline")
        page.get_by_role("checkbox", name="Audit trail").check()
        page.get_by_role("radio", name="A year").check()
        page.get_by_role("button", name="Make the token").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your new token")
        found = tokens.PATTERN.search(page.content())
        assert found and OrganizationToken.objects.get(digest=tokens.digest(found.group())).permissions == [
            "view",
            "view_audit",
        ]
        complaints.inspect(axe=way["java_script_enabled"])
        page.get_by_role("link", name="I have it").click()
        page.wait_for_load_state()
        assert not tokens.PATTERN.search(page.content())
        page.get_by_role("link", name="Revoke release pipeline").click()
        page.get_by_role("button", name="Revoke the token").click()
        expect(page.get_by_text("The token is revoked.")).to_be_visible()
        expect(page.get_by_text("No tokens yet")).to_be_visible()
        assert complaints.found == []


def test_the_token_is_copied(browser: Browser, site: str, owner: User) -> None:
    with open_context(browser, site, owner, permissions=["clipboard-read", "clipboard-write"]) as context:
        page = context.new_page()
        page.goto("/manage/acme/tokens/new/")
        page.get_by_role("textbox", name="Name").fill("ci")
        page.get_by_role("button", name="Make the token").click()
        page.get_by_role("group", name="The token").get_by_role("button", name="Copy").click()
        page.get_by_role("button", name="Copied").wait_for()
        assert tokens.is_well_formed(page.evaluate("navigator.clipboard.readText()"))
