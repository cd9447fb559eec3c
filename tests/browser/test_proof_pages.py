"""The pages of proofs, and the demo's DNS, in Chromium; and the way of somebody who never touched DNS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from freehold.demo import dns as demo_dns
from orgs.actors import Actor
from orgs.models import Organization, Proof
from orgs.proofs.observations import Hint, Medium, not_found, unchecked
from orgs.proofs.records import text_of
from orgs.services.proofs import add_proof
from orgs.vocabulary import ProofKind, ProofState
from tests import factories
from tests.browser.walk import Complaints, Visit, every_way, in_browser, open_context, walk

pytestmark = in_browser

PROOFS = "/manage/acme/proofs/"
VISITS = (
    Visit("organization-proofs", PROOFS),
    Visit("organization-proofs", "/manage/empty/proofs/"),
    Visit("organization-proof-new", f"{PROOFS}new/"),
    *(Visit("organization-proof-new-kind", f"{PROOFS}new/{kind}/") for kind in ProofKind.values),
    *(Visit("organization-proof", f"{PROOFS}{{{number}}}/") for number in range(7)),
    Visit("organization-proof-remove", f"{PROOFS}{{0}}/remove/"),
    Visit("demo-dns", "/demo/dns/?name=_freehold.acme.example&value=freehold-verification=x"),
)
TYPED = (
    (ProofKind.DNS, "acme.example"),
    (ProofKind.DNS, "a-rather-long-name-of-a-company-that-likes-long-names.bücher.example"),
    (ProofKind.HTTPS, "acme.example"),
    (ProofKind.FORGE, "https://github.com/acme"),
    (ProofKind.EMAIL_DOMAIN, "admin@acme.example"),
    (ProofKind.PROJECTS, "acme"),
    (ProofKind.VOUCH, "umbrella"),
)


@pytest.fixture
def owner(transactional_db: None, tmp_path: Path, settings: Any) -> User:
    settings.FREEHOLD_DEMO_DNS = tmp_path / "demo-dns.json"
    acme, operator = factories.organization("acme"), Actor.operator()
    for organization in (acme, factories.organization("umbrella")):
        Organization.objects.filter(pk=organization.pk).update(is_sponsor=True)
    for kind, subject in TYPED:
        add_proof(actor=operator, organization=acme, kind=kind, subject=subject)
    for name in ("rocket", "a-project-with-a-name-that-is-rather-long"):
        add_proof(actor=operator, organization=factories.organization(name), kind=ProofKind.VOUCH, subject="acme")
    Proof.objects.filter(organization__name="rocket").update(vouched_at=timezone.now())
    _looked_at(acme)
    person = factories.member(acme, "gina").user
    factories.member(factories.organization("empty"), "gina")
    return person


def _looked_at(acme: Organization) -> None:
    """One of each state, as looks leave them behind."""
    now = timezone.now()
    first, second, third, fourth = acme.proofs.order_by("pk")[:4]
    first.seen = not_found(
        Medium.TXT,
        "_freehold.acme.example",
        text_of(first.challenge),
        values=[f'"{text_of(first.challenge)}"', "v=spf1 include:_spf.mail.example -all"],
        hints=[Hint.QUOTED],
    ).as_json()
    second.state, second.verified_at, second.failing_since = ProofState.FAILING, now, now
    second.seen = not_found(Medium.TXT, f"_freehold.{second.subject}", text_of(second.challenge)).as_json()
    third.state, third.verified_at, third.flag = ProofState.VERIFIED, now, "expires"
    third.seen = unchecked(Medium.FILE, "https://acme.example/x", "y", "There was no connection.").as_json()
    fourth.state, fourth.verified_at, fourth.flag = ProofState.LOST, now, "lost"
    for proof in (first, second, third, fourth):
        proof.checked_at = now
        proof.save()


@pytest.fixture
def site(owner: User, live_server: LiveServer) -> str:
    return str(live_server.url)


@every_way
def test_every_page_in_every_way(browser: Browser, site: str, owner: User, way: dict[str, Any]) -> None:
    numbers = list(Proof.objects.filter(organization__name="acme").order_by("pk").values_list("pk", flat=True))
    visits = [
        visit._replace(address=visit.address.format(*numbers) if "{" in visit.address else visit.address)
        for visit in VISITS
    ]
    walk(browser, site, visits, way, owner)


@pytest.fixture
def demo(owner: User, settings: Any) -> Iterator[None]:
    """The demo's DNS, which Freehold asks."""
    udp, tcp = demo_dns.serve(demo_dns.Zone(settings.FREEHOLD_DEMO_DNS, []), 0)
    settings.FREEHOLD_DNS_SERVERS = [f"127.0.0.1:{tcp.server_address[1]}"]
    yield
    for server in (udp, tcp):
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.usefixtures("demo")
def test_a_domain_from_nothing_to_verified(browser: Browser, site: str, owner: User, javascript: bool) -> None:
    with open_context(browser, site, owner, java_script_enabled=javascript) as context:
        page = context.new_page()
        complaints = Complaints(page)
        _name_the_domain(page)
        page.get_by_role("button", name="Check now").click()
        expect(page.get_by_text("Not found yet")).to_be_visible()
        complaints.inspect(axe=javascript)
        address = page.url
        page.get_by_role("link", name="DNS settings of the demo").click()
        page.get_by_role("button", name="Publish").click()
        expect(page.get_by_text("The record is published.")).to_be_visible()
        Proof.objects.update(tried_at=None)
        page.goto(address)
        page.get_by_role("button", name="Check now").click()
        expect(page.get_by_text("Found: it counts")).to_be_visible()
        expect(page.locator("#proof-state")).to_contain_text("Verified")
        expect(page.locator("#proof-steps .step--done")).to_have_count(4)
        complaints.inspect(axe=javascript)
    assert complaints.found == []


def _name_the_domain(page: Page) -> None:
    page.goto("/manage/empty/proofs/")
    page.get_by_role("link", name="Add a proof").click()
    page.get_by_role("link", name="Choose DNS record").click()
    page.get_by_label("Domain").fill("https://New.Example/")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("_freehold.new.example", exact=True)).to_be_visible()
