"""What becomes of proofs: adding, checking, renewing, removing; who may; and that refusals change nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Mail
from freehold.errors import DomainError, Invalid, NotPermitted
from namespaces.models import Project
from orgs.actors import Actor
from orgs.models import AuditEvent, Organization, Proof
from orgs.proofs import checks
from orgs.proofs.observations import Finding
from orgs.proofs.records import record_name, text_of
from orgs.services import proof_checks, proofs
from orgs.services.organizations import NotNow
from orgs.services.proof_checks import TooSoon, check_proof_now, dismiss_flag, recheck_proof
from orgs.services.proofs import add_proof, confirm_mailbox, remove_proof, renew_challenge
from orgs.vocabulary import ProofKind, ProofState, Role, State
from tests import dnsserver, factories
from tests.dnsserver import DnsServer
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as
from tests.webserver import WebServer

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

DOMAIN = "acme.example"
MAY = {Role.OWNER.value, OPERATOR}


def add(acme: Organization, actor: Actor, kind: ProofKind = ProofKind.DNS, subject: str = DOMAIN) -> Proof:
    return add_proof(actor=actor, organization=acme, kind=kind, subject=subject)


def publish(dns: DnsServer, proof: Proof) -> None:
    dns.set(record_name(proof.subject), "TXT", text_of(proof.challenge))


def rested(proof: Proof) -> Proof:
    """Some seconds later."""
    Proof.objects.filter(pk=proof.pk).update(tried_at=None)
    proof.refresh_from_db()
    return proof


def check(actor: Actor, proof: Proof) -> Finding:
    finding = check_proof_now(actor=actor, proof=rested(proof)).finding
    proof.refresh_from_db()
    return finding


def days_pass(proof: Proof, days: float) -> None:
    """Everything that is remembered of it happened so many days earlier."""
    proof.refresh_from_db()
    for name in ("verified_at", "failing_since", "warned_at", "missed_on", "tried_at", "challenged_at"):
        if (value := getattr(proof, name)) is not None:
            setattr(proof, name, value - timedelta(days=days))
    proof.next_check_at = timezone.now() - timedelta(seconds=1)
    proof.save()


def actions() -> list[str]:
    return list(AuditEvent.objects.filter(action__startswith="proof.").order_by("pk").values_list("action", flat=True))


def subjects() -> list[str]:
    return list(Mail.objects.order_by("pk").values_list("subject", flat=True))


class TestAdding:
    def test_it_is_pending_with_a_challenge_of_its_own(self, acme: Organization, owner: Actor) -> None:
        proof = add(acme, owner, subject=" HTTPS://Acme.Example/ ")
        other = add(acme, owner, subject="other.example")
        assert (proof.state, proof.subject, len(proof.challenge)) == (ProofState.PENDING, DOMAIN, 32)
        assert proof.challenge != other.challenge
        assert proof.next_check_at is not None
        assert actions() == ["proof.added"] * 2

    @pytest.mark.parametrize(
        ("kind", "typed"),
        [
            (ProofKind.DNS, "acme"),
            (ProofKind.HTTPS, "acme.github.io"),
            (ProofKind.FORGE, "acme"),
            (ProofKind.EMAIL_DOMAIN, "me@gmail.com"),
            (ProofKind.PROJECTS, "-acme-"),
            (ProofKind.PROJECTS, "acme\x00"),
            (ProofKind.VOUCH, "nobody"),
            (ProofKind.VOUCH, "no\x00body"),
        ],
    )
    def test_what_makes_no_sense(self, acme: Organization, owner: Actor, kind: ProofKind, typed: str) -> None:
        with nothing_changes(), pytest.raises(DomainError):
            add(acme, owner, kind, typed)

    def test_the_same_twice(self, acme: Organization, owner: Actor) -> None:
        add(acme, owner)
        with nothing_changes(), pytest.raises(proofs.AlreadyAdded):
            add(acme, owner, subject="ACME.example")
        add(acme, owner, ProofKind.HTTPS)

    def test_others_may_prove_the_same(self, acme: Organization, owner: Actor) -> None:
        add(acme, owner)
        rival = factories.organization("rival")
        assert add(rival, Actor.operator()).challenge != Proof.objects.get(organization=acme).challenge

    def test_there_is_an_end_to_it(self, acme: Organization, owner: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(proofs, "MOST_PROOFS", 1)
        add(acme, owner)
        with nothing_changes(), pytest.raises(proofs.TooManyProofs):
            add(acme, owner, subject="other.example")

    def test_not_for_a_closed_organization(self, acme: Organization) -> None:
        Organization.objects.update(state=State.CLOSED)
        with nothing_changes(), pytest.raises(NotNow):
            add(acme, Actor.operator())


ACTS: dict[str, Callable[[Actor, Proof], object]] = {
    "add": lambda actor, proof: add(proof.organization, actor, subject="new.example"),
    "check": lambda actor, proof: check_proof_now(actor=actor, proof=proof),
    "renew": lambda actor, proof: renew_challenge(actor=actor, proof=proof),
    "remove": lambda actor, proof: remove_proof(actor=actor, proof=proof),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("who", EVERYBODY)
def test_who_may(dns: DnsServer, acme: Organization, owner: Actor, who: str, act: str) -> None:
    proof = add(acme, owner)
    actor = acting_as(who, acme)
    if who in MAY:
        ACTS[act](actor, proof)
        return
    with nothing_changes(), pytest.raises(NotPermitted):
        ACTS[act](actor, proof)


class TestChecking:
    def test_published_and_checked(self, dns: DnsServer, acme: Organization, owner: Actor) -> None:
        proof = add(acme, owner)
        assert check(owner, proof) is Finding.NOT_FOUND
        assert proof.state == ProofState.PENDING
        publish(dns, proof)
        assert check(owner, proof) is Finding.FOUND
        assert (proof.state, proof.seen["finding"]) == (ProofState.VERIFIED, "found")
        assert proof.verified_at is not None
        assert actions() == ["proof.added", "proof.verified"]
        assert subjects() == []  # who pressed the button sees it there

    def test_by_the_clock_with_a_mail(self, dns: DnsServer, acme: Organization, owner: Actor) -> None:
        proof = add(acme, owner)
        publish(dns, proof)
        days_pass(proof, 1)
        assert recheck_proof(actor=Actor.worker(), proof=proof)
        proof.refresh_from_db()
        assert proof.state == ProofState.VERIFIED
        assert subjects() == ["acme.example is verified for Acme"]

    def test_once_in_five_seconds(self, dns: DnsServer, acme: Organization, owner: Actor) -> None:
        proof = add(acme, owner)
        check(owner, proof)
        asked = len(dns.queries)
        with nothing_changes(), pytest.raises(TooSoon):
            check_proof_now(actor=owner, proof=proof)
        assert len(dns.queries) == asked
        Proof.objects.update(tried_at=timezone.now() - timedelta(seconds=6))
        check_proof_now(actor=owner, proof=proof)

    def test_the_proof_of_another_organization_does_not_count(
        self, dns: DnsServer, acme: Organization, owner: Actor
    ) -> None:
        """Each has a challenge of its own, so what others published proves nothing."""
        publish(dns, add(factories.organization("rival"), Actor.operator()))
        assert check(owner, add(acme, owner)) is Finding.NOT_FOUND

    def test_https(self, web: WebServer, acme: Organization, owner: Actor) -> None:
        proof = add(acme, owner, ProofKind.HTTPS)
        web.reply("/.well-known/freehold-verification.txt", text_of(proof.challenge).encode())
        assert check(owner, proof) is Finding.FOUND

    def test_forge_remembers_the_account(self, web: WebServer, acme: Organization, owner: Actor) -> None:
        proof = add(acme, owner, ProofKind.FORGE, "github.com/Acme")
        web.reply("/acme/.github/HEAD/freehold-verification.txt", text_of(proof.challenge).encode())
        web.reply("/api/users/acme", b'{"id": 42}')
        assert check(owner, proof) is Finding.FOUND
        assert proof.registration == {"owner_id": 42}
        web.reply("/api/users/acme", b'{"id": 43}')
        assert check(owner, proof) is Finding.NOT_FOUND
        assert (proof.state, proof.flag) == (ProofState.FAILING, "owner-changed")
        assert proof.registration == {"owner_id": 42}

    def test_projects(self, acme: Organization, owner: Actor, settings: Any) -> None:
        settings.FREEHOLD_PROOF_PROJECTS = 2
        factories.project("acme", "acme")
        factories.project("acme-b", "somebody-else")
        factories.project("acmeb", "acme")
        proof = add(acme, owner, ProofKind.PROJECTS, "Acme")
        assert check(owner, proof) is Finding.NOT_FOUND
        assert proof.seen["found"] == ["acme"]
        Project.objects.filter(name="acme-b").update(owner="acme")
        assert check(owner, proof) is Finding.FOUND
        assert "owns 2 projects" in proof.seen["reason"]

    @pytest.mark.parametrize("behaviour", [dnsserver.servfail, dnsserver.garbage])
    def test_an_outage_costs_nothing_however_long(
        self,
        dns: DnsServer,
        acme: Organization,
        owner: Actor,
        behaviour: dnsserver.Behaviour,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(checks, "DNS_SECONDS", 0.3)
        proof = add(acme, owner)
        publish(dns, proof)
        check(owner, proof)
        dns.behave("*", behaviour)
        for _week in range(10):
            days_pass(proof, 7)
            assert check(owner, proof) is Finding.UNCHECKED
        assert (proof.state, proof.failing_since) == (ProofState.VERIFIED, None)
        assert subjects() == []

    def test_from_verified_to_lost_and_back(self, dns: DnsServer, acme: Organization, owner: Actor) -> None:
        proof = add(acme, owner)
        publish(dns, proof)
        check(owner, proof)
        verified_at = proof.verified_at
        dns.remove(record_name(DOMAIN), "TXT")
        for _day in range(15):
            days_pass(proof, 1)
            recheck_proof(actor=Actor.worker(), proof=proof)
            proof.refresh_from_db()
        assert (proof.state, proof.flag) == (ProofState.LOST, "lost")
        assert actions()[2:] == ["proof.failing", "proof.warned", "proof.lost"]
        mails = subjects()
        assert len(mails) == 3
        assert mails[0] == "We can no longer find the proof of acme.example for Acme"
        assert "will be lost after" in mails[1]
        assert mails[2] == "The proof of acme.example for Acme is lost"
        publish(dns, proof)
        days_pass(proof, 1)
        recheck_proof(actor=Actor.worker(), proof=proof)
        proof.refresh_from_db()
        assert (proof.state, proof.flag) == (ProofState.VERIFIED, "")
        assert verified_at is not None
        assert proof.verified_at is not None
        assert proof.verified_at > verified_at
        assert actions()[-1] == "proof.verified"

    def test_not_due_is_not_looked_at(self, dns: DnsServer, acme: Organization, owner: Actor) -> None:
        proof = add(acme, owner)
        with nothing_changes():
            assert not recheck_proof(actor=Actor.worker(), proof=proof)

    def test_that_of_a_closed_organization_neither(self, dns: DnsServer, acme: Organization, owner: Actor) -> None:
        proof = add(acme, owner)
        days_pass(proof, 1)
        Organization.objects.update(state=State.CLOSED)
        with nothing_changes():
            assert not recheck_proof(actor=Actor.worker(), proof=Proof.objects.get())
            with pytest.raises(NotNow):
                check_proof_now(actor=Actor.operator(), proof=Proof.objects.get())
        assert dns.queries == []

    def test_removed_meanwhile(
        self, dns: DnsServer, acme: Organization, owner: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        proof = add(acme, owner)
        look = proof_checks.look

        def slowly(looked_at: Proof) -> Any:
            remove_proof(actor=owner, proof=Proof.objects.get(pk=proof.pk))
            return look(looked_at)

        monkeypatch.setattr(proof_checks, "look", slowly)
        with pytest.raises(NotNow):
            check_proof_now(actor=owner, proof=proof)

    def test_renewed_meanwhile(
        self, dns: DnsServer, acme: Organization, owner: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        proof = add(acme, owner)
        publish(dns, proof)
        look = proof_checks.look

        def slowly(looked_at: Proof) -> Any:
            renew_challenge(actor=owner, proof=Proof.objects.get(pk=proof.pk))
            return look(looked_at)

        monkeypatch.setattr(proof_checks, "look", slowly)
        with pytest.raises(NotNow, match="renewed"):
            check_proof_now(actor=owner, proof=proof)
        proof.refresh_from_db()
        assert (proof.state, proof.checked_at) == (ProofState.PENDING, None)


class TestRenewing:
    def test_the_old_value_counts_no_more(self, dns: DnsServer, acme: Organization, owner: Actor) -> None:
        proof = add(acme, owner)
        publish(dns, proof)
        renew_challenge(actor=owner, proof=proof)
        assert check(owner, proof) is Finding.NOT_FOUND
        assert proof.seen["hints"] == ["old"]
        assert actions() == ["proof.added", "proof.challenge_renewed"]

    @pytest.mark.parametrize("state", [ProofState.VERIFIED, ProofState.FAILING])
    def test_not_while_it_counts(self, acme: Organization, owner: Actor, state: ProofState) -> None:
        proof = add(acme, owner)
        now = timezone.now()
        Proof.objects.update(state=state, verified_at=now, failing_since=now)
        with nothing_changes(), pytest.raises(NotNow):
            renew_challenge(actor=owner, proof=proof)

    def test_not_where_nothing_is_published(self, acme: Organization, owner: Actor) -> None:
        proof = add(acme, owner, ProofKind.PROJECTS, "acme")
        with nothing_changes(), pytest.raises(NotNow):
            renew_challenge(actor=owner, proof=proof)


class TestMailbox:
    @pytest.fixture
    def proof(self, acme: Organization, owner: Actor) -> Proof:
        return add(acme, owner, ProofKind.EMAIL_DOMAIN, "Admin@ACME.example")

    def test_the_code_goes_there_and_nowhere_else(self, proof: Proof) -> None:
        mail = Mail.objects.get()
        code = f"{proof.challenge[:5]}-{proof.challenge[5:]}"
        assert (mail.to, proof.subject) == ("Admin@acme.example", "acme.example")
        assert code in mail.text
        assert not AuditEvent.objects.filter(after__contains={"code": code}).exists()
        assert actions() == ["proof.added", "proof.code_mailed"]

    @pytest.mark.parametrize("form", [str.lower, lambda code: f" {code[:5]}-{code[5:]} ", str])
    def test_the_code_proves_it(self, proof: Proof, owner: Actor, form: Callable[[str], str]) -> None:
        confirm_mailbox(actor=owner, proof=proof, code=form(proof.challenge))
        proof.refresh_from_db()
        assert (proof.state, proof.next_check_at) == (ProofState.VERIFIED, None)

    @pytest.mark.parametrize("code", ["", "0", "AAAAA-AAAAA", "\x00", "é" * 40, "🔑"])
    def test_a_wrong_code_changes_nothing(self, proof: Proof, owner: Actor, code: str) -> None:
        with nothing_changes(), pytest.raises(Invalid):
            confirm_mailbox(actor=owner, proof=proof, code=code)

    def test_an_old_code_neither(self, proof: Proof, owner: Actor) -> None:
        Proof.objects.update(challenged_at=timezone.now() - timedelta(days=1, minutes=1))
        with nothing_changes(), pytest.raises(NotNow, match="expired"):
            confirm_mailbox(actor=owner, proof=proof, code=proof.challenge)

    def test_a_new_code_takes_the_place_of_the_old(self, proof: Proof, owner: Actor) -> None:
        with nothing_changes(), pytest.raises(TooSoon):
            renew_challenge(actor=owner, proof=proof)
        Proof.objects.update(challenged_at=timezone.now() - timedelta(minutes=2))
        old = proof.challenge
        renew_challenge(actor=owner, proof=proof)
        with pytest.raises(Invalid):
            confirm_mailbox(actor=owner, proof=proof, code=old)
        assert Mail.objects.count() == 2

    def test_nobodys_mailbox_is_filled(
        self, proof: Proof, acme: Organization, owner: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(proofs, "CODES_PER_DAY", 2)
        add(acme, owner, ProofKind.EMAIL_DOMAIN, "admin@other.example")
        with nothing_changes(), pytest.raises(TooSoon):
            add(acme, owner, ProofKind.EMAIL_DOMAIN, "admin@third.example")

    @pytest.mark.parametrize("who", EVERYBODY)
    def test_who_may(self, proof: Proof, acme: Organization, who: str) -> None:
        actor = acting_as(who, acme)
        if who in MAY:
            confirm_mailbox(actor=actor, proof=proof, code=proof.challenge)
            return
        with nothing_changes(), pytest.raises(NotPermitted):
            confirm_mailbox(actor=actor, proof=proof, code=proof.challenge)

    def test_a_code_proves_nothing_else(self, acme: Organization, owner: Actor) -> None:
        proof = add(acme, owner)
        with nothing_changes(), pytest.raises(NotNow):
            confirm_mailbox(actor=owner, proof=proof, code=proof.challenge)

    def test_nobody_can_look_into_it(self, proof: Proof, owner: Actor) -> None:
        with nothing_changes(), pytest.raises(NotNow):
            check_proof_now(actor=owner, proof=proof)


def test_removing(dns: DnsServer, acme: Organization, owner: Actor) -> None:
    proof = add(acme, owner)
    remove_proof(actor=owner, proof=proof)
    assert not Proof.objects.exists()
    assert actions() == ["proof.added", "proof.removed"]
    with nothing_changes(), pytest.raises(NotNow):
        remove_proof(actor=owner, proof=proof)


def test_only_staff_takes_a_flag_away(acme: Organization, owner: Actor) -> None:
    proof = add(acme, owner)
    Proof.objects.update(
        flag="registrar-changed", registration={"first": {"registrar": "A"}, "last": {"registrar": "B"}}
    )
    with nothing_changes(), pytest.raises(NotPermitted):
        dismiss_flag(actor=owner, proof=proof)
    dismiss_flag(actor=Actor.operator(), proof=proof)
    proof.refresh_from_db()
    assert (proof.flag, proof.registration["first"]) == ("", {"registrar": "B"})
