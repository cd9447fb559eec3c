"""Fiscal sponsors vouch: who asks, who answers, and what becomes of the proof."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Mail
from freehold.errors import DomainError, Invalid, NotPermitted
from orgs.actors import Actor
from orgs.models import Organization, Proof
from orgs.proofs.observations import Finding
from orgs.selectors_proofs import asked_to_vouch, sponsors_for
from orgs.services.organizations import NotNow
from orgs.services.proof_checks import check_proof_now
from orgs.services.proofs import NoSuchSponsor, add_proof, remove_proof
from orgs.services.vouches import NoSuchRequest, decline_vouch, vouch, withdraw_vouch
from orgs.vocabulary import ProofKind, ProofState, Role, State
from tests import factories
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as, owner_of
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def umbrella(db: None) -> Organization:
    made = factories.organization("umbrella")
    Organization.objects.filter(pk=made.pk).update(is_sponsor=True)
    made.refresh_from_db()
    return made


@pytest.fixture
def boss(umbrella: Organization) -> Actor:
    return owner_of(umbrella)


@pytest.fixture
def request_(acme: Organization, owner: Actor, umbrella: Organization, boss: Actor) -> Proof:
    return add_proof(actor=owner, organization=acme, kind=ProofKind.VOUCH, subject=" Umbrella ")


def state(proof: Proof) -> str:
    proof.refresh_from_db()
    return proof.state


def check(actor: Actor, proof: Proof) -> Finding:
    Proof.objects.update(tried_at=None)
    return check_proof_now(actor=actor, proof=proof).finding


def test_asked_and_answered(request_: Proof, umbrella: Organization, boss: Actor, owner: Actor) -> None:
    assert [mail.subject for mail in Mail.objects.all()] == ["Acme asks Umbrella to vouch for it"]
    assert asked_to_vouch(umbrella) == [request_]
    assert check(owner, request_) is Finding.NOT_FOUND
    assert state(request_) == ProofState.PENDING
    vouch(actor=boss, sponsor=umbrella, proof=request_)
    assert state(request_) == ProofState.VERIFIED
    assert check(owner, request_) is Finding.FOUND


def test_withdrawn_is_failing_and_not_gone(request_: Proof, umbrella: Organization, boss: Actor) -> None:
    vouch(actor=boss, sponsor=umbrella, proof=request_)
    withdraw_vouch(actor=boss, sponsor=umbrella, proof=request_)
    assert state(request_) == ProofState.FAILING
    assert "no longer find the proof of umbrella" in Mail.objects.latest("pk").subject
    with nothing_changes(), pytest.raises(NotNow):
        withdraw_vouch(actor=boss, sponsor=umbrella, proof=request_)
    vouch(actor=boss, sponsor=umbrella, proof=request_)
    assert state(request_) == ProofState.VERIFIED


def test_declined_it_goes_away_and_a_second_request_mails_nobody(
    request_: Proof, acme: Organization, owner: Actor, umbrella: Organization, boss: Actor
) -> None:
    decline_vouch(actor=boss, sponsor=umbrella, proof=request_)
    assert not Proof.objects.exists()
    assert [mail.subject for mail in Mail.objects.order_by("pk")][1:] == ["Umbrella does not vouch for Acme"]
    add_proof(actor=owner, organization=acme, kind=ProofKind.VOUCH, subject="umbrella")
    assert Mail.objects.count() == 2


def test_what_was_answered_is_not_declined(request_: Proof, umbrella: Organization, boss: Actor) -> None:
    vouch(actor=boss, sponsor=umbrella, proof=request_)
    with nothing_changes(), pytest.raises(NotNow):
        decline_vouch(actor=boss, sponsor=umbrella, proof=request_)
    with nothing_changes():
        vouch(actor=boss, sponsor=umbrella, proof=request_)


@pytest.mark.parametrize("change", [{"is_sponsor": False}, {"state": State.SUSPENDED}, {"state": State.CLOSED}])
def test_it_counts_while_the_sponsor_is_recognized_and_active(
    request_: Proof, umbrella: Organization, boss: Actor, owner: Actor, change: dict[str, Any]
) -> None:
    vouch(actor=boss, sponsor=umbrella, proof=request_)
    Organization.objects.filter(pk=umbrella.pk).update(**change)
    assert check(owner, request_) is Finding.NOT_FOUND
    assert state(request_) == ProofState.FAILING


def test_a_sponsor_that_is_none_any_more_vouches_for_nobody(
    request_: Proof, umbrella: Organization, boss: Actor
) -> None:
    Organization.objects.filter(pk=umbrella.pk).update(is_sponsor=False)
    with nothing_changes(), pytest.raises(NotNow):
        vouch(actor=boss, sponsor=umbrella, proof=request_)


def test_a_sponsor_may_be_renamed(request_: Proof, umbrella: Organization, boss: Actor, owner: Actor) -> None:
    Organization.objects.filter(pk=umbrella.pk).update(name="parasol")
    vouch(actor=boss, sponsor=umbrella, proof=request_)
    assert check(owner, request_) is Finding.FOUND


ACTS: dict[str, Callable[..., None]] = {"vouch": vouch, "decline": decline_vouch, "withdraw": withdraw_vouch}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("who", EVERYBODY)
def test_who_may_answer(request_: Proof, umbrella: Organization, who: str, act: str) -> None:
    if act == "withdraw":
        now = timezone.now()
        Proof.objects.update(vouched_at=now, verified_at=now, state=ProofState.VERIFIED)
    actor = acting_as(who, umbrella)
    if who in {Role.OWNER.value, OPERATOR}:
        ACTS[act](actor=actor, sponsor=umbrella, proof=request_)
        return
    with nothing_changes(), pytest.raises(NotPermitted):
        ACTS[act](actor=actor, sponsor=umbrella, proof=request_)


@pytest.mark.parametrize("act", ACTS)
def test_nobody_answers_for_another_sponsor(request_: Proof, act: str) -> None:
    other = factories.organization("other")
    Organization.objects.filter(pk=other.pk).update(is_sponsor=True)
    stranger = owner_of(other)
    with nothing_changes(), pytest.raises(NoSuchRequest):
        ACTS[act](actor=stranger, sponsor=other, proof=request_)


def test_only_recognized_sponsors_are_asked(acme: Organization, owner: Actor, umbrella: Organization) -> None:
    factories.organization("stranger")
    assert [sponsor.name for sponsor in sponsors_for(acme)] == ["umbrella"]
    with nothing_changes(), pytest.raises(NoSuchSponsor):
        add_proof(actor=owner, organization=acme, kind=ProofKind.VOUCH, subject="stranger")


def test_nobody_vouches_for_itself(umbrella: Organization, boss: Actor) -> None:
    with nothing_changes(), pytest.raises(Invalid):
        add_proof(actor=boss, organization=umbrella, kind=ProofKind.VOUCH, subject="umbrella")


def test_on_the_page(request_: Proof, umbrella: Organization) -> None:
    browser = signed_in(factories.member(umbrella, "bo").user)
    base = f"/manage/umbrella/proofs/requests/{request_.pk}/"
    assert "Acme" in browser.get("/manage/umbrella/proofs/").content.decode()
    browser.post(f"{base}vouch/")
    assert state(request_) == ProofState.VERIFIED
    browser.post(f"{base}withdraw/")
    assert state(request_) == ProofState.FAILING
    with nothing_changes():
        assert browser.post(f"{base}decline/").status_code == 302


def test_a_request_that_was_taken_back(request_: Proof, umbrella: Organization, boss: Actor, owner: Actor) -> None:
    remove_proof(actor=owner, proof=Proof.objects.get())
    with nothing_changes(), pytest.raises(DomainError):
        vouch(actor=boss, sponsor=umbrella, proof=request_)
