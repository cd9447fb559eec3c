"""From nothing to a colleague who may publish under one namespace only, as a new user does it, in one browser test.

With a passkey, a domain that is verified at a real DNS server, an invitation by mail, and the index asking at each
step whether the colleague may upload.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import Mail
from namespaces.services.grants import grant_namespace
from orgs.actors import Actor
from orgs.models import Organization
from orgs.services.staff import activate_organization
from tests import factories
from tests.browser.walk import Complaints, in_browser
from tests.conftest import IndexClient
from tests.dnsserver import DnsServer, serving

pytestmark = in_browser

CODE = re.compile(r"[A-Z0-9]{4}(?:-[A-Z0-9]{4})+")
PASSKEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def dns(settings: Any) -> Iterator[DnsServer]:
    with serving() as server:
        settings.FREEHOLD_DNS_SERVERS = [server.address]
        yield server


@pytest.fixture
def site(transactional_db: None, live_server: LiveServer, settings: Any) -> str:
    """By name: a passkey belongs to a host that has one."""
    settings.FREEHOLD_URL = f"http://localhost:{urlsplit(live_server.url).port}"
    settings.EMAIL_BACKEND = "accounts.outbox.OutboxBackend"  # which the suite replaces
    settings.FREEHOLD_ACTIVATION_DELAY = settings.FREEHOLD_ACTIVATION_DELAY * 0
    return str(settings.FREEHOLD_URL)


def window(browser: Browser, site: str) -> tuple[BrowserContext, Page]:
    """A browser of somebody who has a device with passkeys."""
    context = browser.new_context(base_url=site)
    page = context.new_page()
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": PASSKEY})
    return context, page


def last_mail(to: str) -> str:
    mail = Mail.objects.filter(to=to).latest("pk")
    return f"{mail.subject}\n{mail.text}"


def press(page: Page, name: str | re.Pattern[str]) -> None:
    page.get_by_role("button", name=name).first.click()
    page.wait_for_load_state()


def sign_up_with_a_passkey(page: Page, email: str) -> None:
    page.goto("/accounts/signup/")
    page.get_by_role("link", name="Continue with a passkey").click()
    page.get_by_label("E-mail address").fill(email)
    press(page, "Continue")
    page.get_by_label("Code").wait_for()
    found = CODE.search(last_mail(email))
    assert found
    page.get_by_label("Code").fill(found[0])
    press(page, "Confirm")
    press(page, "Make the passkey")
    page.wait_for_url("**/dashboard/")


def set_up(page: Page, name: str) -> None:
    page.goto("/new/")
    page.get_by_label("What is it called?").fill(name)
    page.get_by_label("A company").check()
    press(page, "Set it up")
    page.wait_for_url("**/manage/**")


def prove_the_domain(page: Page, dns: DnsServer) -> None:
    page.goto("/manage/rocket-works/proofs/new/dns/")
    page.get_by_label("Domain").fill("https://rocket.example/")
    press(page, "Go on")
    value = page.get_by_text("freehold-verification=").first.inner_text()
    dns.set("_freehold.rocket.example", "TXT", value)
    press(page, "Check now")
    page.get_by_text("Found: it counts").wait_for()


def make_team(page: Page, name: str) -> None:
    page.goto("/manage/rocket-works/teams/new/")
    page.get_by_label("Name", exact=True).fill(name)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(re.compile(r"/teams/\d+/$"))


def invite(page: Page, email: str, team: str) -> str:
    """The address in the mail."""
    page.goto("/manage/rocket-works/people/invite/")
    page.get_by_label("E-mail address, or user name on the index").fill(email)
    page.get_by_label("Member: sees").check()
    page.get_by_label(team).check()
    press(page, "Send the invitation")
    found = re.search(r"/invitations/fh_i\w+/", last_mail(email))
    assert found
    return found[0]


def join(page: Page, link: str) -> None:
    page.goto(link)
    press(page, "Create an account")
    page.get_by_label("Password").first.fill("walnut orchard river 9")
    press(page, "Create the account")
    page.goto(link)
    press(page, re.compile("Join|Accept"))
    page.wait_for_url("**/manage/rocket-works/**")


def link_to_the_index(page: Page, index: IndexClient, username: str) -> None:
    page.goto("/accounts/index-identity/")
    press(page, "Get a one-time code")
    found = CODE.search(page.locator("main").inner_text())
    assert found
    answer = index.post("/api/v1/identities", {"code": found[0], "username": username})
    assert answer.status_code == 200, answer.content


def test_from_sign_up_to_a_colleague_who_publishes(browser: Browser, site: str, dns: DnsServer) -> None:
    index = IndexClient(factories.token())

    def may_dora(project: str) -> str:
        return str(index.check(project, user="dora", first_uploaded=None)["reason"])

    owners, owner = window(browser, site)
    sign_up_with_a_passkey(owner, "olga@rocket.example")
    set_up(owner, "Rocket Works")
    prove_the_domain(owner, dns)
    for team in ("Core", "Docs"):
        make_team(owner, team)
    assert may_dora("rocket-docs-x") == "unreserved"

    works = Organization.objects.get(name="rocket-works")
    activate_organization(actor=Actor.operator(), organization=works)
    grant_namespace(actor=Actor.operator(), name="rocket", organization=Organization.objects.get(pk=works.pk))
    assert may_dora("rocket-docs-x") == "reserved"

    colleagues, colleague = window(browser, site)
    join(colleague, invite(owner, "dora@rocket.example", "Docs"))
    link_to_the_index(colleague, index, "dora")
    assert may_dora("rocket-docs-x") == "reserved"

    owner.goto("/manage/rocket-works/namespaces/rocket/children/new/")
    owner.locator("main input[type=text]").first.fill("rocket-docs")
    press(owner, "Make the namespace")
    assert may_dora("rocket-docs-x") == "reserved"
    owner.get_by_label("Another team").select_option(label="Docs")
    press(owner, re.compile("Give"))
    assert may_dora("rocket-docs-x") == "holder"
    assert {may_dora(name) for name in ("rocket", "rocket-other", "rocket-docsy")} == {"reserved"}

    owner.goto("/manage/rocket-works/people/")
    row = owner.get_by_role("row", name=re.compile("dora@"))
    row.get_by_role("link", name=re.compile("Remove")).click()
    press(owner, re.compile("Remove"))
    assert may_dora("rocket-docs-x") == "reserved"

    for page in (owner, colleague):
        complaints = Complaints(page)
        complaints.inspect()
        assert complaints.found == []
    owners.close()
    colleagues.close()
