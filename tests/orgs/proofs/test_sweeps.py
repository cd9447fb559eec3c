"""What is looked at on schedule, and what registries say of domains."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Mail
from orgs import tasks
from orgs.actors import Actor
from orgs.models import AuditEvent, Organization, Proof
from orgs.proofs import flags, instructions, schedule
from orgs.proofs.flags import Flag
from orgs.proofs.records import record_name, text_of
from orgs.selectors_proofs import proofs_to_look_at
from orgs.services import proof_checks, proof_sweeps
from orgs.services.proofs import add_proof
from orgs.vocabulary import ProofKind, ProofState
from tests import webserver
from tests.dnsserver import DnsServer
from tests.webserver import WebServer

pytestmark = pytest.mark.slow

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class TestSchedule:
    @pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
    @pytest.mark.parametrize(
        ("state", "after"),
        [(ProofState.VERIFIED, DAY), (ProofState.FAILING, 6 * HOUR), (ProofState.LOST, 7 * DAY)],
    )
    def test_what_was_verified(self, state: ProofState, after: timedelta, chance: float) -> None:
        due = schedule.next_check(ProofKind.DNS, state, now=NOW, asked_at=NOW, chance=chance)
        assert due is not None
        assert 0.9 * after <= due - NOW <= 1.1 * after

    def test_what_is_pending_is_looked_at_less_and_less_and_then_no_more(self) -> None:
        now, pauses = NOW, []
        while (
            due := schedule.next_check(ProofKind.DNS, ProofState.PENDING, now=now, asked_at=NOW, chance=0.5)
        ) is not None:
            pauses.append(due - now)
            now = due
        assert pauses[0] == timedelta(minutes=2)
        assert pauses == sorted(pauses)
        assert pauses[-1] == timedelta(hours=12)
        assert now - NOW >= 30 * DAY
        assert len(pauses) < 100

    @pytest.mark.parametrize("state", ProofState)
    def test_nobody_looks_into_mailboxes(self, state: ProofState) -> None:
        kind = ProofKind.EMAIL_DOMAIN
        assert schedule.next_check(kind, state, now=NOW, asked_at=NOW, chance=0.5) is None


def told(**changes: Any) -> dict[str, Any]:
    return {
        "expires_at": (NOW + 300 * DAY).isoformat(),
        "registered_at": "2001-02-03T00:00:00+00:00",
        "registrar": "Names Ltd",
        **changes,
    }


class TestFlags:
    @pytest.mark.parametrize(
        ("changes", "flag"),
        [
            ({}, None),
            ({"expires_at": (NOW + 31 * DAY).isoformat()}, None),
            ({"expires_at": (NOW + 30 * DAY).isoformat()}, Flag.EXPIRES),
            ({"expires_at": (NOW - DAY).isoformat()}, Flag.EXPIRED),
            ({"expires_at": "2026-06-14"}, Flag.EXPIRED),
            ({"registrar": "Other Names"}, Flag.REGISTRAR_CHANGED),
            ({"registered_at": "2026-06-01T00:00:00+00:00"}, Flag.REGISTERED_ANEW),
            ({"registered_at": "2026-06-01T00:00:00+00:00", "registrar": "x", "expires_at": "x"}, Flag.REGISTERED_ANEW),
            ({"registrar": ""}, None),
            ({"expires_at": None}, None),
            ({"expires_at": 7}, None),
            ({"registered_at": None}, None),
        ],
    )
    def test_what_the_registry_says(self, changes: dict[str, Any], flag: Flag | None) -> None:
        assert flags.of_registration(told(), told(**changes), NOW) == flag

    def test_what_was_not_said_at_first_is_no_change(self) -> None:
        assert flags.of_registration({}, told(), NOW) is None

    @pytest.mark.parametrize(
        ("current", "flag", "after"),
        [
            ("", None, ""),
            ("", Flag.EXPIRES, "expires"),
            ("expires", Flag.EXPIRED, "expired"),
            ("expired", None, ""),
            ("lost", None, "lost"),
            ("registrar-changed", Flag.EXPIRES, "registrar-changed"),
        ],
    )
    def test_what_passes_and_what_stays(self, current: str, flag: Flag | None, after: str) -> None:
        assert flags.after_registration(current, flag) == after


def test_instructions_below_a_domain_name_the_zone() -> None:
    how = instructions.of_dns("shop.acme.co.uk", "c" * 32)
    assert (how.zone, how.short_name, how.name) == ("acme.co.uk", "_freehold.shop", "_freehold.shop.acme.co.uk")
    assert how.bind == f'_freehold.shop.acme.co.uk. 300 IN TXT "freehold-verification={"c" * 32}"'


@pytest.fixture
def proof(acme: Organization, owner: Actor) -> Proof:
    return add_proof(actor=owner, organization=acme, kind=ProofKind.DNS, subject="acme.example")


def make_due(proof: Proof) -> None:
    Proof.objects.filter(pk=proof.pk).update(next_check_at=timezone.now())


@pytest.mark.django_db
class TestSweep:
    def test_what_is_due_is_looked_at_once(self, dns: DnsServer, proof: Proof) -> None:
        dns.set(record_name(proof.subject), "TXT", text_of(proof.challenge))
        assert tasks.check_proofs() == 0
        make_due(proof)
        assert tasks.check_proofs() == 1
        assert tasks.check_proofs() == 0
        proof.refresh_from_db()
        assert proof.state == ProofState.VERIFIED

    def test_one_that_fails_keeps_no_other_from_its_turn(
        self, dns: DnsServer, proof: Proof, acme: Organization, owner: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = add_proof(actor=owner, organization=acme, kind=ProofKind.DNS, subject="b.example")
        for each in (proof, other):
            make_due(each)
        look = proof_checks.look

        def looks(at: Proof) -> Any:
            if at.pk == proof.pk:
                raise RuntimeError("nobody expects it")
            return look(at)

        monkeypatch.setattr(proof_checks, "look", looks)
        assert tasks.check_proofs() == 1
        proof.refresh_from_db()
        assert proof.next_check_at is not None
        assert proof.next_check_at > timezone.now() + timedelta(minutes=10)  # and it gets another turn

    def test_a_run_ends_in_time(self, dns: DnsServer, proof: Proof, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(proof_sweeps, "RUN_SECONDS", -1)
        make_due(proof)
        assert tasks.check_proofs() == 0


@pytest.fixture
def rdap(settings: Any, dns: DnsServer) -> Any:
    with webserver.serving() as server:
        settings.FREEHOLD_RDAP_URL = server.url("")
        settings.FREEHOLD_OUTGOING_ALLOW = [f"127.0.0.1:{server.port}"]
        yield server


def registered(server: WebServer, *, days: int = 300, since: str = "2001-02-03", registrar: str = "Names Ltd") -> None:
    expires = (timezone.now() + timedelta(days=days)).isoformat()
    body = {
        "objectClassName": "domain",
        "events": [
            {"eventAction": "registration", "eventDate": f"{since}T00:00:00Z"},
            {"eventAction": "expiration", "eventDate": expires},
        ],
        "entities": [{"roles": ["registrar"], "vcardArray": ["vcard", [["fn", {}, "text", registrar]]]}],
    }
    server.reply("/domain/acme.example", json.dumps(body).encode())


@pytest.mark.django_db
class TestRegistrations:
    @pytest.fixture(autouse=True)
    def _verified(self, proof: Proof) -> None:
        Proof.objects.update(state=ProofState.VERIFIED, verified_at=timezone.now())

    def ask(self, proof: Proof) -> str:
        """A week later."""
        proof.refresh_from_db()
        if "asked_at" in proof.registration:
            old = (timezone.now() - timedelta(days=8)).isoformat()
            Proof.objects.update(registration={**proof.registration, "asked_at": old})
        assert tasks.check_registrations() == 1
        assert tasks.check_registrations() == 0
        proof.refresh_from_db()
        return proof.flag

    def test_all_is_well(self, rdap: WebServer, proof: Proof) -> None:
        registered(rdap)
        assert self.ask(proof) == ""
        assert proof.registration["first"]["registrar"] == "Names Ltd"
        assert not Mail.objects.exists()

    def test_it_went_to_somebody_else(self, rdap: WebServer, proof: Proof) -> None:
        registered(rdap)
        self.ask(proof)
        registered(rdap, since="2026-06-01")
        assert self.ask(proof) == Flag.REGISTERED_ANEW
        assert list(proofs_to_look_at()) == [proof]
        registered(rdap)
        assert self.ask(proof) == Flag.REGISTERED_ANEW
        assert [mail.subject for mail in Mail.objects.all()] == ["Please look at the domain acme.example of Acme"]
        assert AuditEvent.objects.filter(action="proof.flagged").count() == 1
        assert proof.state == ProofState.VERIFIED

    def test_it_expires_and_is_renewed(self, rdap: WebServer, proof: Proof) -> None:
        registered(rdap, days=20)
        assert self.ask(proof) == Flag.EXPIRES
        registered(rdap, days=-2)
        assert self.ask(proof) == Flag.EXPIRED
        registered(rdap, days=365)
        assert self.ask(proof) == ""
        assert Mail.objects.count() == 2

    @pytest.mark.parametrize("status", [404, 429, 500])
    def test_what_is_not_known_flags_nothing(self, rdap: WebServer, proof: Proof, status: int) -> None:
        registered(rdap, days=20)
        self.ask(proof)
        rdap.reply("/domain/acme.example", b"", status)
        assert self.ask(proof) == Flag.EXPIRES
        assert proof.registration["first"]["registrar"] == "Names Ltd"
        assert Mail.objects.count() == 1

    def test_without_a_registry_nothing_is_known(self, proof: Proof) -> None:
        assert self.ask(proof) == ""

    def test_other_kinds_have_none(self, rdap: WebServer, proof: Proof) -> None:
        Proof.objects.update(kind=ProofKind.FORGE, subject="https://github.com/acme")
        assert tasks.check_registrations() == 0
