"""The pages of people and invitations in Chromium, and how somebody gets from a mail into an organization."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Mail, User
from orgs import tokens
from orgs.actors import Actor
from orgs.invitees import Invitee
from orgs.models import Invitation, Membership, Organization
from orgs.services.invitations import invite
from orgs.vocabulary import Role
from tests import factories
from tests.browser.walk import Complaints, Visit, every_way, every_window, in_browser, open_context, walk

pytestmark = in_browser

TOKEN = "fh_i" + "A" * 32
TOKEN += tokens.checksum(TOKEN)

PEOPLE = "/manage/acme/people"

VISITS = (
    Visit("organization-people", f"{PEOPLE}/"),
    Visit("organization-people", f"{PEOPLE}/?q=zzz"),
    Visit("organization-person-role", f"{PEOPLE}/9001/role/"),
    Visit("organization-person-remove", f"{PEOPLE}/9001/remove/"),
    Visit("organization-leave", f"{PEOPLE}/leave/"),
    Visit("organization-invitations", f"{PEOPLE}/invitations/"),
    Visit("organization-invitations", "/manage/alone/people/invitations/"),
    Visit("organization-people", "/manage/alone/people/"),
    Visit("organization-leave", "/manage/alone/people/leave/"),
    Visit("organization-invite", f"{PEOPLE}/invite/"),
    Visit("organization-invite", "/manage/paused/people/invite/"),
    Visit("organization-invite-many", f"{PEOPLE}/invite/many/"),
    Visit("invitations", "/invitations/"),
    Visit("invitation", f"/invitations/{TOKEN}/"),
    Visit("invitation", "/invitations/nothing/", 404),
)
"""As the owner of ``acme``."""

AS_NOBODY = (
    Visit("invitation", f"/invitations/{TOKEN}/"),
    Visit("invitation", "/invitations/nothing/", 404),
)
AS_MEMBER = (Visit("organization-people", f"{PEOPLE}/"), Visit("invitations", "/invitations/"))


def made_with(org: Organization, name: str, role: Role, number: int | None = None) -> Membership:
    user = User.objects.create_user(f"{name.split(maxsplit=1)[0].lower()}@acme.example", name=name)
    return Membership.objects.create(pk=number, organization=org, user=user, role=role)


@pytest.fixture
def site(transactional_db: None, live_server: LiveServer) -> str:
    """``acme`` with ten people, a team that publishes, and invitations in every state."""
    acme = factories.organization("acme")
    Organization.objects.update(seats=12, requires_second_factor=True)
    owner = made_with(acme, "Olga Ortega", Role.OWNER, 9002)
    User.objects.filter(pk=owner.user_id).update(second_factor=True, index_username="olga")
    made_with(acme, "Mika Manninen", Role.MANAGER, 9001)
    made_with(acme, "Bea Boateng", Role.BILLING)
    for name in ("Ann Ames", "Bo Berg", "Cy Cole", "Di Dahl", "Ed Eng", "Flo Fox"):
        made_with(acme, name, Role.MEMBER)
    factories.team(acme, "tess", grants=[factories.grant("acme", acme)], name="Release")
    factories.team(acme, "tess", name="Documentation")
    alone = factories.organization("alone")
    paused = factories.organization("paused")
    for other in (alone, paused):
        Membership.objects.create(organization=other, user=owner.user, role=Role.OWNER)
    Organization.objects.filter(pk=paused.pk).update(state="suspended")
    sent = {"organization": acme, "invited_by": owner, "role": Role.MEMBER}
    later, hour = timezone.now() + timedelta(days=9), timedelta(hours=1)
    Invitation.objects.create(
        pk=9003, email="new@acme.example", digest=tokens.digest(TOKEN), expires_at=later, **sent
    ).teams.set(acme.teams.all())
    for number, (name, expires) in enumerate([("a.very.long.address", later), ("late", timezone.now() - hour)]):
        digest, sent_at = tokens.digest(str(number)), timezone.now() - hour
        email = f"{name}@development.acme.example"
        Invitation.objects.create(email=email, digest=digest, expires_at=expires, sent_at=sent_at, **sent)
    Invitation.objects.create(index_username="newbie", digest=tokens.digest("u"), expires_at=later, **sent)
    return live_server.url


@pytest.fixture
def owner(site: str) -> User:
    """Invited to another organization, which asks for nothing."""
    user = User.objects.get(email="olga@acme.example")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    guild = factories.organization("guild")
    factories.member(guild, "gus")
    team = factories.team(guild, name="Guests")
    invite(
        actor=Actor.operator(),
        organization=guild,
        invitees=[Invitee(email=user.email, role=Role.MANAGER, teams=(team,))],
    )
    return user


@every_way
def test_every_page_in_every_way(browser: Browser, site: str, owner: User, way: dict[str, Any]) -> None:
    walk(browser, site, VISITS, way, owner)


@every_way
def test_the_link_as_somebody_who_is_not_signed_in(browser: Browser, site: str, way: dict[str, Any]) -> None:
    walk(browser, site, AS_NOBODY, way)


@every_way
def test_as_a_member(browser: Browser, site: str, way: dict[str, Any]) -> None:
    walk(browser, site, AS_MEMBER, way, User.objects.get(email="ann@acme.example"))


def fresh_mail(to: str) -> str:
    """The address of the invitation in the last mail to somebody."""
    text = Mail.objects.filter(to=to, text__contains="/invitations/").latest("pk").text
    found = re.search(r"/invitations/\S+/", text)
    assert found is not None
    return found[0]


@pytest.mark.parametrize("javascript", [True, False])
def test_from_the_mail_into_the_organization(browser: Browser, site: str, javascript: bool) -> None:
    """A colleague with no account follows the link, signs up without a second code, and joins."""
    invite(
        actor=Actor.operator(),
        organization=factories.organization("guild"),
        invitees=[Invitee(email="kim@guild.example", role=Role.MANAGER)],
    )
    with open_context(browser, site, java_script_enabled=javascript, viewport={"width": 360, "height": 800}) as context:
        page = context.new_page()
        page.goto(fresh_mail("kim@guild.example"))
        page.get_by_role("button", name="Create an account").click()
        assert page.get_by_label("E-mail").first.input_value() == "kim@guild.example"
        page.locator("input[type=password]").fill("correct horse battery")
        page.get_by_role("button", name="Create the account").click()
        page.get_by_role("button", name="Join Guild").click()
        page.wait_for_url(f"{site}/manage/guild/")
        expect(page.get_by_text("Welcome to Guild.")).to_be_visible()
    assert Membership.objects.get(organization__name="guild").role == Role.MANAGER


@pytest.mark.parametrize("javascript", [True, False])
def test_forty_colleagues_by_a_list(browser: Browser, site: str, owner: User, javascript: bool) -> None:
    """One line is wrong and one is in already: the others are invited at once, and the wrong one is put right."""
    Organization.objects.update(seats=None)
    people = "\n".join(f"Colleague {number} <c{number}@acme.example>" for number in range(40))
    with open_context(browser, site, owner, java_script_enabled=javascript) as context:
        page = context.new_page()
        page.goto(f"{PEOPLE}/")
        page.get_by_role("link", name="Invite a list").click()
        page.get_by_label("Paste a list").fill(
            f"{people}\nann@acme.example\noops@acme\nlead@acme.example, manager, Release"
        )
        page.get_by_label("Documentation").check()
        page.get_by_role("button", name="Look at the list").click()
        expect(page.get_by_text("1 line can't be taken")).to_be_visible()
        expect(page.get_by_text("Line 42")).to_be_visible()
        expect(page.get_by_text("is in already")).to_be_visible()
        page.get_by_role("button", name="Send 41 invitations").click()
        page.wait_for_url(f"{site}{PEOPLE}/invitations/")
        expect(page.get_by_text("41 invitations were sent.")).to_be_visible()
    lead = Invitation.objects.get(email="lead@acme.example")
    assert (lead.role, [team.name for team in lead.teams.all()]) == (Role.MANAGER, ["Release"])
    assert Mail.objects.filter(to__startswith="c", to__endswith="@acme.example").count() == 40


@pytest.mark.parametrize("javascript", [True, False])
def test_a_role_is_changed_and_somebody_removed(browser: Browser, site: str, owner: User, javascript: bool) -> None:
    with open_context(browser, site, owner, java_script_enabled=javascript) as context:
        page = context.new_page()
        page.goto(f"{PEOPLE}/?q=mika")
        page.get_by_label("Role of Mika Manninen").select_option("owner")
        page.get_by_role("button", name="Change the role of Mika Manninen").click()
        expect(page.get_by_text("Mika Manninen is now owner.")).to_be_visible()
        page.goto(f"{PEOPLE}/?q=ann")
        page.get_by_role("link", name="Remove Ann Ames").click()
        page.get_by_role("button", name="Remove them").click()
        expect(page.get_by_text("Ann Ames is no longer in Acme.")).to_be_visible()
    assert Membership.objects.get(pk=9001).role == Role.OWNER
    assert not Membership.objects.filter(user__email="ann@acme.example").exists()


@every_window
def test_the_list_as_it_was_understood(browser: Browser, site: str, owner: User, way: dict[str, Any]) -> None:
    """It has no address of its own, so it is looked at here."""
    with open_context(browser, site, owner, **way) as context:
        complaints = Complaints(context.new_page())
        page = complaints.page
        page.goto(f"{PEOPLE}/invite/many/")
        page.get_by_label("Paste a list").fill(
            f"{'x' * 60}@acme.example\nann@acme.example\n{'nonsense' * 20}@\nbob, manager, Release"
        )
        page.get_by_role("button", name="Look at the list").click()
        complaints.inspect(axe=way["java_script_enabled"])
        page.get_by_role("button", name="Look at it again").click()
        expect(page.get_by_role("button", name="Send 2 invitations")).to_be_visible()
    assert complaints.found == []
