"""Looks at one proof at once, over real connections; and that nothing is locked while we look."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from orgs.actors import Actor
from orgs.models import AuditEvent, Organization, Proof
from orgs.proofs.records import record_name, text_of
from orgs.services import proof_checks
from orgs.services.proof_checks import check_proof_now, recheck_proof
from orgs.services.proofs import add_proof, renew_challenge
from orgs.vocabulary import ProofKind, ProofState
from tests import dnsserver, factories
from tests.concurrency import PATIENCE, another_connection
from tests.dnsserver import DnsServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def acme(transactional_db: None) -> Organization:
    return factories.organization("acme")


@pytest.fixture
def proof(acme: Organization, dns: DnsServer) -> Proof:
    made = add_proof(actor=Actor.operator(), organization=acme, kind=ProofKind.DNS, subject="acme.example")
    dns.set(record_name(made.subject), "TXT", text_of(made.challenge))
    return made


def in_threads(*acts: Any) -> list[str]:
    """Each on a connection of its own, at the same moment, outside of any transaction; what came of it."""
    outcomes = [""] * len(acts)

    def run(number: int) -> None:
        try:
            acts[number]()
            outcomes[number] = "done"
        except Exception as error:
            outcomes[number] = str(getattr(error, "code", repr(error)))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return outcomes


def test_of_two_buttons_pressed_at_once_one_looks(proof: Proof, dns: DnsServer) -> None:
    dns.behave("*", dnsserver.slow(0.3))
    acts = [lambda: check_proof_now(actor=Actor.operator(), proof=Proof.objects.get())] * 2
    assert sorted(in_threads(*acts)) == ["done", "too-soon"]
    assert AuditEvent.objects.filter(action="proof.verified").count() == 1


def test_of_two_sweeps_at_once_one_looks(proof: Proof, dns: DnsServer) -> None:
    dns.behave("*", dnsserver.slow(0.3))
    Proof.objects.update(next_check_at=proof.created_at)
    in_threads(*[lambda: recheck_proof(actor=Actor.worker(), proof=Proof.objects.get())] * 2)
    assert dns.asked(record_name(proof.subject)) == 1
    assert Proof.objects.get().state == ProofState.VERIFIED


def test_a_button_and_a_sweep_verify_once(proof: Proof, dns: DnsServer) -> None:
    dns.behave("*", dnsserver.slow(0.3))
    Proof.objects.update(next_check_at=proof.created_at)
    in_threads(
        lambda: recheck_proof(actor=Actor.worker(), proof=Proof.objects.get()),
        lambda: check_proof_now(actor=Actor.operator(), proof=Proof.objects.get()),
    )
    assert Proof.objects.get().state == ProofState.VERIFIED
    assert AuditEvent.objects.filter(action="proof.verified").count() == 1


def test_nothing_is_locked_and_no_transaction_is_open_while_we_look(
    proof: Proof, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, seen = proof_checks.look, []

    def watched(at: Proof) -> Any:
        seen.append(connection.in_atomic_block)
        with another_connection() as other:  # it would wait for a lock, and give up
            other.execute("SET lock_timeout = '1s'")
            other.execute("SELECT 1 FROM orgs_proof p, orgs_organization o FOR UPDATE NOWAIT")
            other.rollback()
        return look(at)

    monkeypatch.setattr(proof_checks, "look", watched)
    check_proof_now(actor=Actor.operator(), proof=proof)
    Proof.objects.update(next_check_at=proof.created_at)
    recheck_proof(actor=Actor.worker(), proof=proof)
    assert seen == [False, False]


def test_renewed_while_somebody_looks(proof: Proof, dns: DnsServer) -> None:
    began = threading.Event()

    def slowly(server: DnsServer, query: Any, asked: Any) -> Any:
        began.set()
        return dnsserver.slow(0.5)(server, query, asked)

    def renew() -> None:
        began.wait(PATIENCE)
        renew_challenge(actor=Actor.operator(), proof=Proof.objects.get())

    dns.behave("*", slowly)
    outcomes = in_threads(lambda: check_proof_now(actor=Actor.operator(), proof=Proof.objects.get()), renew)
    assert outcomes == ["not-now", "done"]
    assert Proof.objects.get().state == ProofState.PENDING
