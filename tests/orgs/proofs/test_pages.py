"""The pages of proofs: what they say, who sees what, and that no input breaks them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from orgs.models import Organization, Proof
from orgs.proofs.records import record_name, text_of
from orgs.services.proofs import add_proof
from orgs.vocabulary import ProofKind, ProofState, Role
from tests import factories
from tests.dnsserver import DnsServer
from tests.dump import nothing_changes
from tests.people import owner_of
from tests.sessions import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

BASE = "/manage/acme/proofs/"


@pytest.fixture
def browser(acme: Organization) -> Client:
    return signed_in(factories.member(acme, "gina").user)


def add(acme: Organization, kind: ProofKind = ProofKind.DNS, subject: str = "acme.example") -> Proof:
    return add_proof(actor=owner_of(acme), organization=acme, kind=kind, subject=subject)


def text(response: Any) -> str:
    return str(response.content.decode())


def test_from_nothing_to_a_verified_domain(browser: Client, acme: Organization, dns: DnsServer) -> None:
    assert "Nothing is proved yet" in text(browser.get(BASE))
    assert "DNS record" in text(browser.get(f"{BASE}new/"))
    response = browser.post(f"{BASE}new/dns/", {"subject": "Acme.Example"})
    proof = Proof.objects.get()
    assert response["Location"] == f"{BASE}{proof.pk}/"
    page = text(browser.get(f"{BASE}{proof.pk}/"))
    assert text_of(proof.challenge) in page
    assert f"_freehold.acme.example. 300 IN TXT &quot;{text_of(proof.challenge)}&quot;" in page
    assert browser.post(f"{BASE}{proof.pk}/check/").status_code == 302
    assert "Not found yet" in text(browser.get(f"{BASE}{proof.pk}/"))
    dns.set(record_name("acme.example"), "TXT", text_of(proof.challenge))
    Proof.objects.update(tried_at=None)
    browser.post(f"{BASE}{proof.pk}/check/")
    assert "Found: it counts" in text(browser.get(f"{BASE}{proof.pk}/"))
    assert "Verified" in text(browser.get(BASE))


def test_with_htmx_only_what_was_seen_comes_back(browser: Client, acme: Organization, dns: DnsServer) -> None:
    proof = add(acme)
    dns.set(record_name("acme.example"), "TXT", f'"{text_of(proof.challenge)}"')
    response = browser.post(f"{BASE}{proof.pk}/check/", headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert response["Cache-Control"] == "private, no-store"
    assert "<html" not in text(response)
    assert "quotation marks" in text(response)
    again = text(browser.post(f"{BASE}{proof.pk}/check/", headers={"HX-Request": "true"}))
    assert "wait 5 seconds" in again


@pytest.mark.parametrize("kind", [*ProofKind.values])
@pytest.mark.parametrize("subject", ["", "x\x00y", "y" * 10_000, "-", "https://[", "../..", "é"])
def test_no_input_breaks_the_form(browser: Client, kind: str, subject: str) -> None:
    with nothing_changes():
        response = browser.post(f"{BASE}new/{kind}/", {"subject": subject})
    assert response.status_code == 422


def test_no_such_kind(browser: Client) -> None:
    for kind in ("smoke", "DNS", "%00"):
        assert browser.get(f"{BASE}new/{kind}/").status_code == 404


def test_every_kind_has_its_page(browser: Client, acme: Organization, dns: DnsServer) -> None:
    Organization.objects.filter(pk=factories.organization("umbrella").pk).update(is_sponsor=True)
    typed = {
        ProofKind.DNS: "bücher.example",
        ProofKind.HTTPS: "acme.example",
        ProofKind.FORGE: "https://github.com/acme",
        ProofKind.EMAIL_DOMAIN: "admin@acme.example",
        ProofKind.PROJECTS: "acme",
        ProofKind.VOUCH: "umbrella",
    }
    for kind, subject in typed.items():
        assert browser.get(f"{BASE}new/{kind}/").status_code == 200
        response = browser.post(f"{BASE}new/{kind}/", {"subject": subject})
        assert response.status_code == 302, text(response)
        assert browser.get(response["Location"]).status_code == 200
    page = text(browser.get(BASE))
    assert "bücher.example" in page
    assert "xn--bcher-kva.example" in page


def test_the_code_of_a_mailbox(browser: Client, acme: Organization) -> None:
    proof = add(acme, ProofKind.EMAIL_DOMAIN, "admin@acme.example")
    page = f"{BASE}{proof.pk}/"
    assert proof.challenge not in text(browser.get(page))
    for wrong in ("", "x", "\x00", "A" * 5000):
        with nothing_changes():
            assert browser.post(f"{page}confirm/", {"code": wrong}).status_code == 422
    assert browser.post(f"{page}confirm/", {"code": proof.challenge}).status_code == 302
    proof.refresh_from_db()
    assert proof.state == ProofState.VERIFIED


def test_renewing_and_removing(browser: Client, acme: Organization) -> None:
    proof = add(acme)
    browser.post(f"{BASE}{proof.pk}/renew/")
    assert Proof.objects.get().challenge != proof.challenge
    assert browser.get(f"{BASE}{proof.pk}/remove/").status_code == 200
    assert browser.post(f"{BASE}{proof.pk}/remove/")["Location"] == BASE
    assert not Proof.objects.exists()


POSTS = ("check/", "confirm/", "renew/", "remove/")


@pytest.mark.parametrize("role", [Role.MANAGER, Role.BILLING, Role.MEMBER])
def test_all_members_see_and_only_owners_change(acme: Organization, role: Role) -> None:
    proof = add(acme)
    browser = signed_in(factories.member(acme, "mia", role).user)
    assert browser.get(BASE).status_code == 200
    page = text(browser.get(f"{BASE}{proof.pk}/"))
    assert "Check now</button>" not in page
    with nothing_changes():
        for path in POSTS:
            assert browser.post(f"{BASE}{proof.pk}/{path}").status_code == 403
        for path in ("new/", "new/dns/", f"{proof.pk}/remove/"):
            assert browser.get(f"{BASE}{path}").status_code == 403
        assert browser.post(f"{BASE}new/dns/", {"subject": "b.example"}).status_code == 403


@pytest.fixture
def elsewhere(db: None) -> Proof:
    return add(factories.organization("rival"))


def test_the_proofs_of_others_are_not_there(browser: Client, elsewhere: Proof) -> None:
    with nothing_changes():
        assert browser.get(f"{BASE}{elsewhere.pk}/").status_code == 404
        for pk in (elsewhere.pk, 10**30):
            for path in (*POSTS, "remove/"):
                assert browser.post(f"{BASE}{pk}/{path}").status_code == 404
            for act in ("vouch", "decline", "withdraw"):
                assert browser.post(f"{BASE}requests/{pk}/{act}/").status_code == 404


@pytest.mark.parametrize("user", [None, "outsider"])
def test_outsiders_see_nothing(acme: Organization, user: str | None) -> None:
    proof = add(acme)
    person: User | None = factories.user() if user else None
    browser = signed_in(person)
    expected = 404 if user else 302
    with nothing_changes():
        for path in ("", "new/", "new/dns/", f"{proof.pk}/"):
            assert browser.get(f"{BASE}{path}").status_code == expected
        for path in POSTS:
            assert browser.post(f"{BASE}{proof.pk}/{path}").status_code == expected


@pytest.mark.parametrize("state", ProofState)
@pytest.mark.parametrize("seen", [{}, {"finding": "nonsense"}, {"finding": "found"}])
def test_whatever_is_stored_can_be_shown(
    browser: Client, acme: Organization, state: ProofState, seen: dict[str, Any]
) -> None:
    proof = add(acme)
    at = proof.created_at
    Proof.objects.update(state=state, seen=seen, verified_at=at, failing_since=at, checked_at=at, flag="expires")
    assert browser.get(f"{BASE}{proof.pk}/").status_code == 200
    assert browser.get(BASE).status_code == 200
