"""Applications of organizations: what a machine settles at once, what a person decides, what it brings about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from freehold.errors import Invalid, NotPermitted
from namespaces.cases import CaseKind, CaseState, DecisionOutcome, Moment
from namespaces.errors import NotNow
from namespaces.models import Case, ForgeSignals, Grant, Verification
from namespaces.policy.evaluation import CommunityKey, Result
from namespaces.services import applications, claims, decisions, forge_signals
from namespaces.services.applications import (
    answer_application,
    can_apply,
    edit_application,
    file_application,
    look_again_at_application,
    refresh_evidence,
)
from namespaces.services.casework import ask, withdraw
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import AuditEvent, Organization
from orgs.vocabulary import Kind, Standing, State
from tests import factories
from tests.cases.community import forge
from tests.concurrency import all_at_once, one_behind_the_other
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as, owner_of
from tests.webserver import WebServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def reviewer() -> Actor:
    return Actor.staff(factories.reviewer())


def fresh(organization: Organization) -> Organization:
    return Organization.objects.get(pk=organization.pk)


class TestByMachine:
    def test_a_project_whose_forge_tells_all(self, proved: WebServer, rocket: Organization, owner: Actor) -> None:
        case = file_application(actor=owner, organization=rocket, statement=" We build rockets. ")
        assert (case.state, case.statement) == (CaseState.APPROVED, "We build rockets.")
        assert (fresh(rocket).state, fresh(rocket).kind) == (State.ACTIVE, Kind.COMMUNITY)
        verification = Verification.objects.get(organization=rocket)
        assert (verification.case, verification.warned_at) == (case, None)
        assert timedelta(days=364) < verification.renew_at - timezone.now() < timedelta(days=366)
        assert case.decisions.get(evaluation__moment=Moment.FILED).by_machine

    def test_what_it_claimed_is_looked_at_again(
        self, proved: WebServer, rocket: Organization, owner: Actor, django_capture_on_commit_callbacks: Any
    ) -> None:
        long_ago = timezone.now() - timedelta(days=700)
        for name in ("rocket", "rocket-fuel", "rocket-nose"):
            factories.project(name, "rocket", long_ago)
        claim = claims.file_claim(actor=owner, organization=rocket, name="rocket")
        assert claim.state == CaseState.WAITING
        with django_capture_on_commit_callbacks(execute=True):
            file_application(actor=owner, organization=rocket)
        claim.refresh_from_db()
        assert claim.state == CaseState.APPROVED
        assert Grant.objects.get(owner=rocket).state == GrantState.ACTIVE

    def test_where_something_is_missing_a_person_looks(self, rocket: Organization, owner: Actor) -> None:
        case = file_application(actor=owner, organization=rocket)
        assert (case.state, fresh(rocket).state) == (CaseState.WAITING, State.APPLIED)
        assert CommunityKey.FORGE in case.open_criteria
        assert not Verification.objects.exists()

    def test_what_is_put_right_is_seen_by_looking_again(
        self, web: WebServer, rocket: Organization, owner: Actor
    ) -> None:
        case = file_application(actor=owner, organization=rocket)
        factories.forge_proof(rocket)
        forge.github(web, "rocket", forge.on_github())
        assert look_again_at_application(actor=owner, case=case).state == CaseState.APPROVED

    def test_an_edit_and_an_answer_look_too(
        self, web: WebServer, rocket: Organization, owner: Actor, reviewer: Actor
    ) -> None:
        case = file_application(actor=owner, organization=rocket)
        assert edit_application(actor=owner, case=case, statement="New words.").statement == "New words."
        ask(actor=reviewer, case=case, text="Where is it developed?")
        factories.forge_proof(rocket)
        forge.github(web, "rocket", forge.on_github())
        assert answer_application(actor=owner, case=case, text="There.").state == CaseState.APPROVED

    def test_one_that_a_reviewer_refused_is_not_granted_by_machine(
        self, proved: WebServer, rocket: Organization, owner: Actor, reviewer: Actor
    ) -> None:
        case = factories.case(rocket, kind=CaseKind.APPLICATION)
        decisions.decide(
            actor=reviewer,
            case=case,
            outcome=DecisionOutcome.REFUSE,
            criteria=[CommunityKey.INSTITUTION],
            text="It is the shop of a company.",
        )
        again = file_application(actor=owner, organization=rocket)
        assert (again.state, again.open_criteria) == (CaseState.WAITING, [CommunityKey.STANDING])
        withdraw(actor=owner, case=again)
        assert claims.appeal(actor=owner, case=case, text="It is not.").state == CaseState.WAITING

    def test_nobody_is_asked_inside_the_transaction(
        self, proved: WebServer, rocket: Organization, owner: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The test has one around all; the service must not open a second before it has asked."""
        depth: list[int] = []
        asked = forge_signals.look

        def note(subject: str) -> Any:
            depth.append(len(transaction.get_connection().savepoint_ids))
            return asked(subject)

        monkeypatch.setattr(forge_signals, "look", note)
        outside = len(transaction.get_connection().savepoint_ids)
        file_application(actor=owner, organization=rocket)
        assert depth == [outside]


class TestKinds:
    def test_a_company_that_asks_to_be_a_community_project(
        self, proved: WebServer, rocket: Organization, owner: Actor, reviewer: Actor
    ) -> None:
        """The same request; that it is a company, a person weighs."""
        Organization.objects.filter(pk=rocket.pk).update(kind=Kind.COMPANY)
        case = file_application(actor=owner, organization=rocket)
        assert (case.state, case.open_criteria) == (CaseState.WAITING, [CommunityKey.INSTITUTION])
        decisions.decide(actor=reviewer, case=case, outcome=DecisionOutcome.APPROVE)
        found = fresh(rocket)
        assert (found.kind, found.state) == (Kind.COMMUNITY, State.ACTIVE)
        assert Verification.objects.filter(organization=rocket).exists()

    def test_a_company_that_owes_something_does_no_more(self, rocket: Organization, reviewer: Actor) -> None:
        Organization.objects.filter(pk=rocket.pk).update(
            kind=Kind.COMPANY, state=State.ACTIVE, standing=Standing.LAPSED
        )
        case = factories.case(rocket, kind=CaseKind.APPLICATION)
        decisions.decide(actor=reviewer, case=case, outcome=DecisionOutcome.APPROVE)
        assert fresh(rocket).standing == Standing.GOOD

    def test_a_community_project_becomes_a_company_at_once(self, owner: Actor, rocket: Organization) -> None:
        Organization.objects.filter(pk=rocket.pk).update(state=State.ACTIVE)
        grant = factories.grant("rocket", rocket)
        case = file_application(actor=owner, organization=rocket, wanted_kind=Kind.COMPANY)
        found = fresh(rocket)
        assert (case.state, found.kind, found.state, found.standing) == (
            CaseState.APPROVED, Kind.COMPANY, State.ACTIVE, Standing.GOOD,
        )  # fmt: skip
        grant.refresh_from_db()
        assert grant.state == GrantState.ACTIVE

    def test_one_that_was_not_active_has_to_pay_first(self, owner: Actor, rocket: Organization) -> None:
        file_application(actor=owner, organization=rocket, wanted_kind=Kind.COMPANY)
        assert (fresh(rocket).kind, fresh(rocket).state) == (Kind.COMPANY, State.APPLIED)

    def test_and_back_a_person_looks(self, proved: WebServer, owner: Actor, rocket: Organization) -> None:
        file_application(actor=owner, organization=rocket, wanted_kind=Kind.COMPANY)
        case = file_application(actor=owner, organization=rocket)
        assert CommunityKey.INSTITUTION in case.open_criteria

    def test_it_is_in_the_trail(self, proved: WebServer, owner: Actor, rocket: Organization) -> None:
        file_application(actor=owner, organization=rocket)
        file_application(actor=owner, organization=rocket, wanted_kind=Kind.COMPANY)
        told = AuditEvent.objects.filter(action__startswith="organization.").order_by("pk")
        assert [(event.action, event.before, event.after) for event in told] == [
            ("organization.activate", {"state": "applied"}, {"state": "active"}),
            ("organization.kind", {"kind": "community"}, {"kind": "company"}),
        ]


class TestUndoing:
    def test_it_is_what_it_was(self, rocket: Organization, owner: Actor, reviewer: Actor) -> None:
        case = file_application(actor=owner, organization=rocket)
        decisions.decide(actor=reviewer, case=case, outcome=DecisionOutcome.APPROVE)
        assert fresh(rocket).state == State.ACTIVE
        decisions.undo(actor=reviewer, case=case, reason="The wrong one.")
        assert (fresh(rocket).kind, fresh(rocket).state) == (Kind.COMMUNITY, State.APPLIED)
        assert not Verification.objects.exists()

    def test_what_it_was_granted_since_goes_first(self, rocket: Organization, owner: Actor, reviewer: Actor) -> None:
        case = file_application(actor=owner, organization=rocket)
        decisions.decide(actor=reviewer, case=case, outcome=DecisionOutcome.APPROVE)
        factories.grant("rocket", rocket)
        with nothing_changes(), pytest.raises(NotNow, match="undo that decision first"):
            decisions.undo(actor=reviewer, case=case, reason="The wrong one.")

    def test_a_company_is_a_community_project_again(self, owner: Actor, rocket: Organization, reviewer: Actor) -> None:
        Organization.objects.filter(pk=rocket.pk).update(state=State.ACTIVE)
        factories.grant("rocket", rocket)
        case = file_application(actor=owner, organization=rocket, wanted_kind=Kind.COMPANY)
        decisions.undo(actor=reviewer, case=case, reason="It was a slip.")
        assert (fresh(rocket).kind, fresh(rocket).state) == (Kind.COMMUNITY, State.ACTIVE)

    def test_a_refusal_changed_nothing(self, rocket: Organization, owner: Actor, reviewer: Actor) -> None:
        case = file_application(actor=owner, organization=rocket)
        decisions.decide(
            actor=reviewer, case=case, outcome=DecisionOutcome.REFUSE, criteria=[CommunityKey.FORGE], text="No forge."
        )
        before = Organization.objects.values().get(pk=rocket.pk)
        decisions.undo(actor=reviewer, case=case, reason="There is one.")
        assert Organization.objects.values().get(pk=rocket.pk) == before

    def test_a_suspended_one_is_not_approved(self, rocket: Organization, reviewer: Actor) -> None:
        case = factories.case(rocket, kind=CaseKind.APPLICATION)
        Organization.objects.filter(pk=rocket.pk).update(state=State.SUSPENDED)
        with nothing_changes(), pytest.raises(NotNow, match="suspended"):
            decisions.decide(actor=reviewer, case=case, outcome=DecisionOutcome.APPROVE)


class TestRefusals:
    @pytest.mark.parametrize("who", EVERYBODY)
    def test_only_owners_apply_and_ask(self, who: str, proved: WebServer, rocket: Organization) -> None:
        actor = acting_as(who, rocket)
        asked = len(proved.requests)
        acts: list[Callable[[], object]] = [
            lambda: refresh_evidence(actor=actor, organization=rocket),
            lambda: file_application(actor=actor, organization=rocket),
        ]
        for act in acts:
            if who in {"owner", OPERATOR}:
                act()
                continue
            with nothing_changes(), pytest.raises(NotPermitted):
                act()
            assert len(proved.requests) == asked

    @pytest.mark.parametrize("who", [each for each in EVERYBODY if each not in {"owner", OPERATOR}])
    def test_nobody_else_looks_again_edits_or_answers(self, who: str, proved: WebServer, rocket: Organization) -> None:
        case = factories.case(rocket, kind=CaseKind.APPLICATION)
        actor, asked = acting_as(who, rocket), len(proved.requests)
        for act in (
            lambda: look_again_at_application(actor=actor, case=case),
            lambda: edit_application(actor=actor, case=case, statement="x"),
            lambda: answer_application(actor=actor, case=case, text="x"),
        ):
            with nothing_changes(), pytest.raises(NotPermitted):
                act()
        assert len(proved.requests) == asked

    @pytest.mark.parametrize(
        ("former", "wanted", "sentence"),
        [
            ((Kind.COMMUNITY, State.ACTIVE), Kind.COMMUNITY, "is a community project already"),
            ((Kind.COMPANY, State.ACTIVE), Kind.COMPANY, "is a company already"),
            ((Kind.COMPANY, State.APPLIED), Kind.COMPANY, "is a company already"),
            ((Kind.COMMUNITY, State.SUSPENDED), Kind.COMPANY, "is suspended"),
            ((Kind.COMPANY, State.SUSPENDED), Kind.COMMUNITY, "is suspended"),
        ],
    )
    def test_what_it_is_already_or_can_not_be(
        self, rocket: Organization, former: tuple[Kind, State], wanted: Kind, sentence: str
    ) -> None:
        Organization.objects.filter(pk=rocket.pk).update(kind=former[0], state=former[1])
        found = fresh(rocket)
        assert sentence in can_apply(found, wanted).reason
        with nothing_changes(), pytest.raises(NotNow, match=sentence):
            file_application(actor=Actor.operator(), organization=found, wanted_kind=wanted)

    def test_a_second_one(self, owner: Actor, rocket: Organization) -> None:
        file_application(actor=owner, organization=rocket)
        for wanted in Kind:
            with nothing_changes(), pytest.raises(NotNow, match="has applied already"):
                file_application(actor=owner, organization=rocket, wanted_kind=wanted)

    @pytest.mark.parametrize("statement", ["x" * 4_001, "a\x00b"])
    def test_words_that_are_none(self, owner: Actor, rocket: Organization, statement: str) -> None:
        with nothing_changes(), pytest.raises(Invalid):
            file_application(actor=owner, organization=rocket, statement=statement)

    def test_a_claim_is_no_application(self, owner: Actor, rocket: Organization) -> None:
        case = factories.case(rocket)
        for act in (
            lambda: look_again_at_application(actor=owner, case=case),
            lambda: edit_application(actor=owner, case=case, statement="x"),
            lambda: answer_application(actor=owner, case=case, text="x"),
        ):
            with nothing_changes(), pytest.raises(Invalid, match="no application"):
                act()

    def test_a_forge_that_is_down_stops_nobody(self, web: WebServer, owner: Actor, rocket: Organization) -> None:
        factories.forge_proof(rocket)
        case = file_application(actor=owner, organization=rocket)
        assert case.state == CaseState.WAITING
        results = {each["key"]: each["result"] for each in case.evaluations.get().result["criteria"]}
        assert results["public_forge"] == Result.UNKNOWN
        assert ForgeSignals.objects.get().error


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_filed_twice_at_once(self, rocket: Organization, owner: Actor) -> None:
        outcomes = all_at_once(*[lambda: file_application(actor=owner, organization=rocket)] * 3)
        assert sorted(outcomes) == ["done", "not-now", "not-now"]
        assert Case.objects.count() == 1

    def test_the_second_waits_for_the_first(self, rocket: Organization, owner: Actor) -> None:
        other = owner_of(rocket)
        outcomes = one_behind_the_other(
            lambda: file_application(actor=owner, organization=rocket),
            lambda: file_application(actor=other, organization=rocket, wanted_kind=Kind.COMPANY),
        )
        assert outcomes == ("done", "not-now")
        assert fresh(rocket).kind == Kind.COMMUNITY

    def test_decided_while_it_is_looked_at_again(self, proved: WebServer, rocket: Organization, owner: Actor) -> None:
        """One of the two decides, and there is one verification."""
        reviewer = Actor.staff(factories.reviewer())
        case = factories.case(rocket, kind=CaseKind.APPLICATION)
        outcomes = one_behind_the_other(
            lambda: decisions.decide(actor=reviewer, case=case, outcome=DecisionOutcome.APPROVE),
            lambda: look_again_at_application(actor=owner, case=case),
        )
        assert outcomes == ("done", "not-now")
        assert (case.decisions.count(), Verification.objects.count()) == (1, 1)


def test_looking_at_claims_that_are_decided_meanwhile(rocket: Organization) -> None:
    case = factories.case(rocket, state=CaseState.REFUSED)
    with nothing_changes():
        applications._look_at_claim(case)
