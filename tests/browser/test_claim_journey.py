"""From a name on the front page to a namespace that is approved, without anybody's help, as a company does it.

With a passkey, a mail with a code, and a domain that is proved at the demo's own DNS, by the demo's own page.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Mail
from freehold.demo.dns import Zone, serve
from namespaces.models import CaseDecision, Grant
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import Organization
from orgs.services.staff import activate_organization
from tests import factories
from tests.browser.test_journey import CODE, last_mail, press, window
from tests.browser.walk import Complaints, in_browser
from tests.conftest import IndexClient

pytestmark = in_browser

EMAIL = "olga@rocket.example"


@pytest.fixture
def site(transactional_db: None, live_server: LiveServer, settings: Any, tmp_path: Path) -> Iterator[str]:
    """A demo: its page writes the records that its DNS answers with."""
    settings.FREEHOLD_DEMO_DNS = tmp_path / "dns.json"
    settings.FREEHOLD_URL = f"http://localhost:{urlsplit(live_server.url).port}"
    settings.EMAIL_BACKEND = "accounts.outbox.OutboxBackend"  # which the suite replaces
    settings.FREEHOLD_ACTIVATION_DELAY = settings.FREEHOLD_ACTIVATION_DELAY * 0
    servers = serve(Zone(settings.FREEHOLD_DEMO_DNS, []), 0)
    settings.FREEHOLD_DNS_SERVERS = ["{}:{}".format(*servers[1].server_address)]
    yield str(settings.FREEHOLD_URL)
    for server in servers:
        server.shutdown()
        server.server_close()


def sign_up(page: Page) -> None:
    """From the button that leads there; one comes back to where one was."""
    page.get_by_role("link", name="Create an account").click()
    page.get_by_role("link", name="Continue with a passkey").click()
    page.get_by_label("E-mail address").fill(EMAIL)
    press(page, "Continue")
    page.get_by_label("Code").wait_for()
    found = CODE.search(last_mail(EMAIL))
    assert found
    page.get_by_label("Code").fill(found[0])
    press(page, "Confirm")
    press(page, "Make the passkey")


def set_up(page: Page) -> None:
    page.get_by_role("link", name="Set up your organization").click()
    page.get_by_label("What is it called?").fill("Rocket Works")
    page.get_by_label("A company").check()
    press(page, "Set it up")


def prove_the_domain(page: Page) -> None:
    """From what is missing, at the demo's registrar, and back."""
    page.get_by_role("link", name="DNS record").click()
    page.get_by_label("Domain").fill("rocket.example")
    press(page, "Go on")
    value = page.get_by_text("freehold-verification=").first.inner_text()
    proof = page.url
    page.goto("/demo/dns/")
    page.get_by_label("Name").fill("_freehold.rocket.example")
    page.get_by_label("Value").fill(value)
    page.locator("main form button[type=submit]").first.click()
    expect(page.get_by_text(value).first).to_be_visible()
    page.goto(proof)
    press(page, "Check now")
    expect(page.get_by_text("Found: it counts")).to_be_visible()


def test_from_a_name_to_its_namespace_without_anybodys_help(browser: Browser, site: str) -> None:
    index = IndexClient(factories.token())
    context, page = window(browser, site)
    complaints = Complaints(page)

    page.goto("/")
    page.get_by_label("Look up a prefix").fill("Rocket")
    press(page, "Look it up")
    page.get_by_role("link", name="Claim rocket").click()
    expect(page.get_by_text("Prove a domain called “rocket”, or one that begins with it.")).to_be_visible()

    sign_up(page)
    expect(page).to_have_url(f"{site}/claim/?name=rocket")
    set_up(page)
    expect(page).to_have_url(f"{site}/claim/?name=rocket")
    expect(page.get_by_text("As things stand, a person looks at it")).to_be_visible()
    complaints.inspect()
    prove_the_domain(page)

    page.goto("/dashboard/")
    page.get_by_role("link", name="Hold a namespace").click()
    page.get_by_label("Prefix").fill("Rocket")
    expect(page.get_by_text("It is granted at once, and held for you")).to_be_visible()
    complaints.inspect()
    press(page, "Claim rocket")
    expect(page.get_by_text("Approved, and held for you", exact=True)).to_be_visible()
    complaints.inspect()

    grant = Grant.objects.get()
    assert (grant.name, grant.display_name, grant.state) == ("rocket", "Rocket", GrantState.HELD)
    assert CaseDecision.objects.get().by_machine
    assert any("rocket" in mail.text for mail in Mail.objects.filter(to=EMAIL).order_by("-pk")[:2])
    assert index.check("rocket-x", user="mallory", first_uploaded=None)["reason"] == "unreserved"

    activate_organization(actor=Actor.operator(), organization=Organization.objects.get())  # as its payment will
    page.reload()
    expect(page.get_by_text("It is yours.")).to_be_visible()
    assert index.check("rocket-x", user="mallory", first_uploaded=None)["reason"] == "reserved"
    assert complaints.found == []
    context.close()
