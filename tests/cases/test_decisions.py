"""Decisions: by machine, by one reviewer, by two; what they bring about, settle and leave when they are undone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import Mail
from freehold.errors import DomainError, Invalid, NotPermitted
from namespaces.cases import CaseKind, CaseState, DecisionOutcome, DecisionState
from namespaces.errors import CannotHold, NamespaceTaken, NotNow
from namespaces.models import Case, CaseDecision, Grant, Share
from namespaces.policy.evaluation import Key, Stake
from namespaces.services import claims, decisions
from namespaces.services.grants import create_child
from namespaces.services.lifecycle import release_namespace
from namespaces.services.transfers import accept_transfer, offer_transfer
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import Organization, Proof
from orgs.vocabulary import Kind, ProofKind, ProofState, Standing, State
from tests import factories
from tests.dump import nothing_changes
from tests.people import owner_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

APPROVE, REFUSE = DecisionOutcome.APPROVE, DecisionOutcome.REFUSE


@pytest.fixture
def acme() -> Organization:
    return factories.organization("acme")


@pytest.fixture
def rita() -> Actor:
    return Actor.staff(factories.reviewer())


@pytest.fixture
def ravi() -> Actor:
    return Actor.staff(factories.reviewer())


def refuse(actor: Actor, case: Case, **fields: Any) -> CaseDecision:
    wanted = {"criteria": [Key.IN_USE], "text": "Nothing is there yet."} | fields
    return decisions.decide(actor=actor, case=case, outcome=REFUSE, **wanted)


def approve(actor: Actor, case: Case, reason: str = "") -> CaseDecision:
    return decisions.decide(actor=actor, case=case, outcome=APPROVE, reason=reason)


def state(case: Case) -> str:
    case.refresh_from_db()
    return case.state


def proved(organization: Organization, domain: str) -> None:
    Proof.objects.create(
        organization=organization,
        kind=ProofKind.DNS,
        subject=domain,
        challenge="x",
        state=ProofState.VERIFIED,
        verified_at=timezone.now(),
    )


class TestByMachine:
    @pytest.mark.parametrize(
        ("fields", "granted"),
        [
            ({"state": State.ACTIVE}, GrantState.ACTIVE),
            ({"state": State.APPLIED}, GrantState.HELD),
            ({"kind": Kind.COMMUNITY}, GrantState.ACTIVE),
        ],
        ids=["a company that is active", "a company that has not paid", "a verified community project"],
    )
    def test_what_is_met_is_granted_as_it_is_filed(self, fields: dict[str, Any], granted: GrantState) -> None:
        org = factories.organization("zorglub", **fields)
        proved(org, "zorglub.example")
        case = claims.file_claim(actor=owner_of(org), organization=org, name="Zorglub")
        assert (case.state, case.grant and case.grant.state) == (CaseState.APPROVED, granted)
        decision = case.decisions.get()
        assert decision.by_machine and decision.by is None and decision.evaluation is not None
        assert decision.evaluation.inputs["prefix"] == "zorglub"

    def test_it_refuses_nothing(self, acme: Organization) -> None:
        factories.organization("bare", state=State.APPLIED)
        for name in ("acme", "data", "a-b", "official-acme"):
            case = claims.file_claim(actor=owner_of(acme), organization=acme, name=name)
            assert case.state == CaseState.WAITING

    def test_what_another_claims_too_is_for_people(self, acme: Organization) -> None:
        proved(acme, "zorglub.example")
        factories.case(factories.organization(), name="zorglub-tools")
        case = claims.file_claim(actor=owner_of(acme), organization=acme, name="zorglub")
        assert (case.state, case.open_criteria) == (CaseState.WAITING, [Key.AVAILABLE])


class TestByOne:
    def test_a_refusal_names_its_criteria_in_the_order_of_the_policy(self, acme: Organization, rita: Actor) -> None:
        case = factories.case(acme)
        decision = refuse(rita, case, criteria=[Key.IN_USE, Key.PROOFS, Key.IN_USE])
        assert (decision.criteria, state(case)) == ([Key.PROOFS, Key.IN_USE], CaseState.REFUSED)

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"criteria": []}, "name at least one"),
            ({"criteria": ["because"]}, "no criterion 'because'"),
            ({"text": " \n "}, "Write something"),
            ({"text": "x" * 4_001}, "at most 4000 characters"),
            ({"text": "a\x00b"}, "can't be shown"),
        ],
    )
    def test_a_refusal_that_explains_nothing_is_none(
        self, acme: Organization, rita: Actor, fields: dict[str, Any], says: str
    ) -> None:
        case = factories.case(acme)
        with nothing_changes(), pytest.raises(Invalid, match=says):
            refuse(rita, case, **fields)

    def test_what_overlaps_is_settled_openly_and_the_rest_is_not(self, acme: Organization, rita: Actor) -> None:
        rival = factories.organization("rival")
        case = factories.case(acme, name="zorglub")
        overlapping = [factories.case(rival, name=name) for name in ("zorglub", "zorglub-labs")]
        overlapping.append(factories.case(factories.organization(), name="zorglub-x-y", state=CaseState.PROPOSED))
        other = [factories.case(rival, name="zorglubs"), factories.case(acme, name="zorglub-own")]
        Mail.objects.all().delete()
        approve(rita, case)
        assert {state(one) for one in overlapping} == {CaseState.SETTLED}
        assert {one.settled_by for one in overlapping} == {case}
        assert {state(one) for one in other} == {CaseState.WAITING}
        assert not CaseDecision.objects.filter(state=DecisionState.PROPOSED).exists()

    def test_what_is_in_quarantine_for_another_needs_a_reason(self, acme: Organization, rita: Actor) -> None:
        former = factories.grant("zorglub", factories.organization("former"), state=GrantState.QUARANTINED)
        case = factories.case(acme, name="zorglub")
        with nothing_changes(), pytest.raises(Invalid, match="say for staff why"):
            approve(rita, case)
        approve(rita, case, reason="It gave it up for good, and wrote so.")
        former.refresh_from_db()
        assert former.state == GrantState.RELEASED
        assert Grant.objects.holding().get(name="zorglub").owner == acme

    @pytest.mark.parametrize(
        "fields", [{"state": State.SUSPENDED}, {"state": State.CLOSED}, {"standing": Standing.LAPSED}]
    )
    def test_who_may_hold_nothing_is_granted_nothing(self, rita: Actor, fields: dict[str, Any]) -> None:
        case = factories.case(factories.organization("acme", **fields))
        with nothing_changes(), pytest.raises(CannotHold):
            approve(rita, case)

    def test_a_community_project_is_verified_first(self, rita: Actor) -> None:
        case = factories.case(factories.organization("acme", kind=Kind.COMMUNITY, state=State.APPLIED))
        with nothing_changes(), pytest.raises(NotNow, match="decide its application first"):
            approve(rita, case)

    def test_what_somebody_else_holds_by_now(self, acme: Organization, rita: Actor) -> None:
        case = factories.case(acme, name="zorglub")
        factories.grant("zorglub-labs", factories.organization("quick"))
        with nothing_changes(), pytest.raises(NamespaceTaken):
            approve(rita, case)


class TestByTwo:
    @pytest.fixture
    def grave(self, acme: Organization) -> Case:
        return factories.case(acme, name="data")

    def test_one_proposes_and_another_puts_it_into_force(self, grave: Case, rita: Actor, ravi: Actor) -> None:
        Mail.objects.all().delete()
        assert refuse(rita, grave).state == DecisionState.PROPOSED
        assert (state(grave), Mail.objects.count()) == (CaseState.PROPOSED, 0)
        for again in (decisions.confirm, lambda **who: decisions.disagree(**who, reason="Hm.")):
            with nothing_changes(), pytest.raises(NotPermitted, match="Two different reviewers"):
                again(actor=rita, case=grave)
        with nothing_changes(), pytest.raises(NotNow, match="agree to it, or disagree"):
            refuse(ravi, grave)
        decision = decisions.confirm(actor=ravi, case=grave)
        assert (decision.by, decision.confirmed_by, state(grave)) == (rita.user, ravi.user, CaseState.REFUSED)

    def test_or_disagrees_and_it_is_looked_at_again(self, grave: Case, rita: Actor, ravi: Actor) -> None:
        refuse(rita, grave)
        Mail.objects.all().delete()
        decision = decisions.disagree(actor=ravi, case=grave, reason="They are the ones.")
        assert (decision.state, state(grave)) == (DecisionState.REJECTED, CaseState.WAITING)
        assert decision.reason.endswith("They are the ones.")
        assert not Mail.objects.exists()

    def test_how_much_is_at_stake_is_asked_when_it_is_decided(self, acme: Organization, rita: Actor) -> None:
        """A case may have become graver since it was filed: then one reviewer alone does not decide it."""
        case = factories.case(acme, name="data", stake=Stake.ORDINARY)
        assert approve(rita, case).state == DecisionState.PROPOSED
        assert state(case) == CaseState.PROPOSED

    def test_the_operator_at_a_shell_is_no_reviewer(self, grave: Case) -> None:
        with nothing_changes(), pytest.raises(NotPermitted, match="people with accounts"):
            refuse(Actor.operator(), grave)


class TestAppeals:
    def test_who_refused_does_not_decide_the_appeal(self, acme: Organization, rita: Actor, ravi: Actor) -> None:
        case = factories.case(acme)
        refuse(rita, case)
        claims.appeal(actor=owner_of(acme), case=case, text="You missed our website.")
        assert state(case) == CaseState.WAITING
        for act in (refuse, approve):
            with nothing_changes(), pytest.raises(NotPermitted, match="somebody else looks at it"):
                act(rita, case)
        refuse(ravi, case)
        owner = owner_of(acme)
        with nothing_changes(), pytest.raises(NotNow, match="An appeal was decided already"):
            claims.appeal(actor=owner, case=case, text="Once more.")

    def test_nor_who_agreed_to_it(self, acme: Organization, rita: Actor, ravi: Actor) -> None:
        case = factories.case(acme, name="data")
        refuse(rita, case)
        decisions.confirm(actor=ravi, case=case)
        claims.appeal(actor=owner_of(acme), case=case, text="We are the ones.")
        for reviewer in (rita, ravi):
            with nothing_changes(), pytest.raises(NotPermitted, match="somebody else looks at it"):
                refuse(reviewer, case)
        third, fourth = (Actor.staff(factories.reviewer()) for _ in range(2))
        approve(third, case)
        with nothing_changes(), pytest.raises(NotPermitted, match="somebody else looks at it"):
            decisions.confirm(actor=rita, case=case)
        decisions.confirm(actor=fourth, case=case)
        assert state(case) == CaseState.APPROVED


class TestUndoing:
    def test_an_approval_ends_what_it_made_and_opens_what_it_settled(self, acme: Organization, rita: Actor) -> None:
        case = factories.case(acme, name="zorglub")
        rival = factories.case(factories.organization("rival"), name="zorglub-labs")
        before = rival.waiting_since
        approve(rita, case)
        decisions.undo(actor=rita, case=case, reason="A slip of the finger.")
        assert not Grant.objects.holding().exists()
        assert (state(case), state(rival), rival.waiting_since) == (CaseState.WAITING, CaseState.WAITING, before)
        assert (case.grant, rival.settled_by) == (None, None)
        approve(rita, rival)  # nothing stands in its way now
        assert state(case) == CaseState.SETTLED

    def test_of_a_held_one(self, rita: Actor) -> None:
        case = factories.case(factories.organization("acme", state=State.APPLIED), name="zorglub")
        approve(rita, case)
        assert Grant.objects.get().state == GrantState.HELD
        decisions.undo(actor=rita, case=case, reason="A slip.")
        assert Grant.objects.get().state == GrantState.RELEASED

    def test_with_all_that_has_come_about_inside_it(self, acme: Organization, rita: Actor) -> None:
        """What the organization had before stands by itself again; what it made and shared there since is gone."""
        older = factories.grant("zorglub-labs", acme)
        case = factories.case(acme, name="zorglub")
        approve(rita, case)
        root = Grant.objects.get(name="zorglub")
        child = create_child(actor=owner_of(acme), parent=root, name="zorglub-new")
        factories.share(root, factories.organization("guest"))
        decisions.undo(actor=rita, case=case, reason="A slip.")
        found = {grant.name: (grant.state, grant.root_id) for grant in Grant.objects.all()}
        assert found[older.name] == (GrantState.ACTIVE, None)
        assert {found["zorglub"][0], found[child.name][0]} == {GrantState.RELEASED}
        assert not Share.objects.exists()

    def test_what_it_gave_back_is_in_quarantine_again(self, acme: Organization, rita: Actor) -> None:
        given_up = factories.grant("zorglub", acme)
        release_namespace(actor=owner_of(acme), grant=given_up)
        case = factories.case(acme, name="zorglub")
        approve(rita, case)
        given_up.refresh_from_db()
        assert given_up.state == GrantState.ACTIVE
        decisions.undo(actor=rita, case=case, reason="A slip.")
        given_up.refresh_from_db()
        assert given_up.state == GrantState.QUARANTINED

    def test_not_what_has_a_new_holder(self, acme: Organization, rita: Actor) -> None:
        case = factories.case(acme, name="zorglub")
        approve(rita, case)
        buyer = factories.organization("buyer")
        offer = offer_transfer(actor=owner_of(acme), grant=Grant.objects.get(), to=buyer)
        accept_transfer(actor=owner_of(buyer), offer=offer)
        with nothing_changes(), pytest.raises(NotNow, match="was transferred since"):
            decisions.undo(actor=rita, case=case, reason="A slip.")

    @pytest.mark.parametrize("decide", [approve, refuse])
    def test_not_after_a_day(self, acme: Organization, rita: Actor, decide: Any) -> None:
        case = factories.case(acme)
        decide(rita, case)
        CaseDecision.objects.update(effective_at=timezone.now() - settings.FREEHOLD_UNDO - timedelta(seconds=1))
        with nothing_changes(), pytest.raises(NotNow, match="within a day"):
            decisions.undo(actor=rita, case=case, reason="A slip.")

    def test_not_a_refusal_after_which_it_was_filed_anew(self, acme: Organization, rita: Actor) -> None:
        case = factories.case(acme, name="zorglub")
        refuse(rita, case)
        claims.file_claim(actor=owner_of(acme), organization=acme, name="zorglub")
        with nothing_changes(), pytest.raises(NotNow, match="filed anew"):
            decisions.undo(actor=rita, case=case, reason="A slip.")

    def test_what_was_settled_and_filed_anew_stays_settled(self, acme: Organization, rita: Actor) -> None:
        """Only the newer one is open, and once it is decided the older is not brought back by it."""
        rival = factories.organization("rival")
        case, settled = factories.case(acme, name="zorglub"), factories.case(rival, name="zorglub")
        approve(rita, case)
        newer = factories.case(rival, name="zorglub")
        decisions.undo(actor=rita, case=case, reason="A slip.")
        assert (state(settled), state(newer)) == (CaseState.SETTLED, CaseState.WAITING)


@pytest.mark.parametrize("kind", CaseKind)
def test_no_two_decisions_are_in_force(acme: Organization, kind: CaseKind, rita: Actor) -> None:
    case = factories.case(acme, kind=kind, state=CaseState.REFUSED)
    with nothing_changes(), pytest.raises(DomainError):
        decisions.decide(actor=rita, case=case, outcome=APPROVE)
