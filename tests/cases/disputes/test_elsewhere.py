"""What becomes of a report when its namespace is transferred, given up, opened to others, or its holder closes."""

from __future__ import annotations

import pytest

from accounts.models import Mail
from namespaces.cases import CaseState, EntryKind, Party
from namespaces.errors import NotNow
from namespaces.models import Case, GrantLock
from namespaces.services import casework, claims, decisions, disputes, lifecycle
from namespaces.services.transfers import accept_transfer, offer_transfer, transfer_namespace
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import Organization
from orgs.services.closing import close_organization
from orgs.services.organizations import NotNow as OrganizationNotNow
from tests import factories
from tests.cases.disputes.stage import DISMISSED, Stage, person
from tests.concurrency import one_behind_the_other
from tests.dump import nothing_changes

pytestmark = pytest.mark.django_db

OPERATOR = Actor.operator()
ACTIVE, LOCKED, QUARANTINED = GrantState.ACTIVE, GrantState.LOCKED, GrantState.QUARANTINED


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def buyer() -> Organization:
    buyer = factories.organization("buyer")
    factories.member(buyer, "buyers-owner")
    return buyer


def owner_of(organization: Organization) -> Actor:
    return Actor.person(organization.memberships.select_related("user").earliest("pk").user)


class TestTransferred:
    def test_the_report_follows_and_the_new_holder_is_heard_anew(self, stage: Stage, buyer: Organization) -> None:
        case = stage.hear(stage.report(), "Our secret.")
        transfer_namespace(actor=OPERATOR, grant=stage.root, to=buyer)
        case = stage.fresh(case)
        assert (case.organization, case.state) == (buyer, CaseState.WAITING)
        with nothing_changes(), pytest.raises(NotNow, match="has not been asked yet"):
            stage.propose(case)
        case = claims.answer(actor=owner_of(buyer), case=stage.ask_holder(case), text="We bought it.")
        assert stage.decide(case).state == CaseState.APPROVED

    def test_what_the_former_holder_said_is_not_for_the_new_one(self, stage: Stage, buyer: Organization) -> None:
        case = stage.hear(stage.report(), "Our secret.")
        transfer_namespace(actor=OPERATOR, grant=stage.root, to=buyer)
        seen = stage.fresh(case).entries.filter(audience__in=["", Party.HOLDER])
        assert list(seen.values_list("kind", flat=True)) == [EntryKind.FILED, EntryKind.REOPENED]
        assert not casework.parties_of(stage.fresh(case), stage.holders_actor)
        assert "Our secret." not in "".join(
            Mail.objects.filter(to="buyers-owner@example.com").values_list("text", flat=True)
        )

    def test_a_question_that_was_open_is_put_to_the_new_holder(self, stage: Stage, buyer: Organization) -> None:
        case = stage.ask_holder(stage.report(), "What do you say?")
        asked = case.asked_at
        transfer_namespace(actor=OPERATOR, grant=stage.root, to=buyer)
        case = stage.fresh(case)
        assert (case.state, case.asked) == (CaseState.ASKED, Party.HOLDER)
        assert asked is not None
        assert case.asked_at is not None
        assert case.asked_at > asked
        last = case.entries.last()
        assert last is not None
        assert (last.kind, last.text, last.audience) == (EntryKind.ASKED, "What do you say?", Party.HOLDER)
        assert claims.answer(actor=owner_of(buyer), case=case, text="It is ours.").state == CaseState.WAITING

    def test_one_that_has_ended_stays_with_whom_it_was_about(self, stage: Stage, buyer: Organization) -> None:
        case = stage.decide(stage.report(), DISMISSED)
        transfer_namespace(actor=OPERATOR, grant=stage.root, to=buyer)
        assert stage.fresh(case).organization == stage.holder

    def test_undoing_its_dismissal_is_about_the_new_holder(self, stage: Stage, buyer: Organization) -> None:
        case = stage.decide(stage.hear(stage.report()), DISMISSED)
        transfer_namespace(actor=OPERATOR, grant=stage.root, to=buyer)
        case = decisions.undo(actor=stage.second, case=case, reason="A mistake.")
        assert stage.fresh(case).organization == buyer
        with pytest.raises(NotNow, match="has not been asked yet"):
            stage.propose(case)

    def test_what_is_frozen_or_taken_goes_nowhere(self, stage: Stage, buyer: Organization) -> None:
        offer = offer_transfer(actor=stage.holders_actor, grant=stage.root, to=buyer)
        case = disputes.freeze(actor=stage.first, case=stage.hear(stage.report()))
        with pytest.raises(NotNow, match="only an active one can be transferred"):
            offer_transfer(actor=stage.holders_actor, grant=stage.root_now(), to=buyer)
        stage.decide(case)
        with pytest.raises(NotNow, match="only an active one can be transferred"):
            transfer_namespace(actor=OPERATOR, grant=stage.root_now(), to=buyer)
        assert offer.pk


class TestGivenUp:
    def test_the_report_goes_on_while_it_could_be_taken_back(self, stage: Stage) -> None:
        case = stage.hear(stage.report())
        lifecycle.release_namespace(actor=stage.holders_actor, grant=stage.root)
        assert stage.fresh(case).state == CaseState.WAITING
        assert stage.decide(case, DISMISSED).state == CaseState.REFUSED
        lifecycle.reinstate_namespace(actor=stage.holders_actor, grant=stage.root)
        assert stage.states() == [ACTIVE] * 2

    @pytest.mark.parametrize("state", [CaseState.WAITING, CaseState.ASKED, CaseState.PROPOSED])
    def test_it_is_settled_when_everybody_can_have_it(self, stage: Stage, state: CaseState) -> None:
        case = stage.case_in(state)
        lifecycle.release_namespace(actor=OPERATOR, grant=stage.root)
        lifecycle.end_quarantine(actor=OPERATOR, grant=stage.root, reason="Given up for good.")
        case = stage.fresh(case)
        assert (case.state, case.settled_by) == (CaseState.SETTLED, None)
        last = case.entries.last()
        assert last is not None
        assert "if the name is yours, claim it" in last.text
        assert not case.decisions.filter(state="proposed").exists()

    def test_a_child_that_is_given_up_changes_nothing(self, stage: Stage) -> None:
        case = stage.report(stage.child)
        lifecycle.release_namespace(actor=stage.holders_actor, grant=stage.child)
        assert stage.fresh(case).state == CaseState.WAITING


class TestClosed:
    def test_its_holder_closes_and_the_report_is_settled(self, stage: Stage) -> None:
        case = stage.ask_holder(stage.report())
        close_organization(actor=stage.holders_actor, organization=stage.holder, name="acme")
        assert (stage.fresh(case).state, stage.states()) == (CaseState.SETTLED, [QUARANTINED] * 2)

    def test_not_while_new_projects_are_stopped(self, stage: Stage) -> None:
        disputes.freeze(actor=stage.first, case=stage.report())
        with nothing_changes(), pytest.raises(OrganizationNotNow, match="is locked; only the operator"):
            close_organization(actor=stage.holders_actor, organization=stage.holder, name="acme")


def test_who_reported_may_go_and_the_report_goes_on(stage: Stage) -> None:
    case = stage.hear(stage.report())
    stage.reporter.delete()
    case = stage.fresh(case)
    assert case.filed_by is None
    assert stage.decide(case).state == CaseState.APPROVED


# --- At the same moment -----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestRaces:
    """Real transactions: the second is seen waiting for the first."""

    def test_two_reviewers_stop_new_projects(self, stage: Stage) -> None:
        case = stage.report()
        outcomes = one_behind_the_other(
            lambda: disputes.freeze(actor=stage.first, case=case),
            lambda: disputes.freeze(actor=stage.second, case=case),
        )
        assert outcomes == ("done", "not-now")
        assert GrantLock.objects.count() == 1

    def test_one_stops_them_while_the_report_is_withdrawn(self, stage: Stage) -> None:
        case = stage.report()
        outcomes = one_behind_the_other(
            lambda: casework.withdraw(actor=stage.reporters_actor, case=case),
            lambda: disputes.freeze(actor=stage.first, case=case),
        )
        assert (outcomes, stage.states()) == (("done", "not-now"), [ACTIVE] * 2)

    def test_withdrawn_while_they_are_stopped_they_are_no_more(self, stage: Stage) -> None:
        case = stage.report()
        outcomes = one_behind_the_other(
            lambda: disputes.freeze(actor=stage.first, case=case),
            lambda: casework.withdraw(actor=stage.reporters_actor, case=case),
        )
        assert (outcomes, stage.states()) == (("done", "done"), [ACTIVE] * 2)

    def test_two_reviewers_agree_to_one_proposal(self, stage: Stage) -> None:
        case = stage.propose(stage.hear(stage.report()))
        third = Actor.staff(factories.reviewer())
        outcomes = one_behind_the_other(
            lambda: decisions.confirm(actor=stage.second, case=case),
            lambda: decisions.confirm(actor=third, case=case),
        )
        assert (outcomes, stage.states()) == (("done", "not-now"), [QUARANTINED] * 2)

    def test_two_reports_of_one_namespace_are_upheld(self, stage: Stage) -> None:
        one, two = stage.propose(stage.hear(stage.report())), stage.propose(stage.hear(stage.report(by=person())))
        outcomes = one_behind_the_other(
            lambda: decisions.confirm(actor=stage.second, case=one),
            lambda: decisions.confirm(actor=stage.second, case=two),
        )
        assert (outcomes, stage.states()) == (("done", "not-now"), [QUARANTINED] * 2)
        assert stage.fresh(two).state == CaseState.SETTLED

    def test_a_transfer_is_accepted_while_the_report_is_upheld(self, stage: Stage, buyer: Organization) -> None:
        case = stage.propose(stage.hear(stage.report()))
        offer = offer_transfer(actor=stage.holders_actor, grant=stage.root, to=buyer)
        outcomes = one_behind_the_other(
            lambda: decisions.confirm(actor=stage.second, case=case),
            lambda: accept_transfer(actor=owner_of(buyer), offer=offer),
        )
        assert (outcomes, stage.states()) == (("done", "no-such-transfer"), [QUARANTINED] * 2)
        assert stage.root_now().owner == stage.holder

    def test_the_report_is_upheld_while_a_transfer_is_accepted(self, stage: Stage, buyer: Organization) -> None:
        case = stage.propose(stage.hear(stage.report()))
        offer = offer_transfer(actor=stage.holders_actor, grant=stage.root, to=buyer)
        outcomes = one_behind_the_other(
            lambda: accept_transfer(actor=owner_of(buyer), offer=offer),
            lambda: decisions.confirm(actor=stage.second, case=case),
        )
        assert (outcomes, stage.states()) == (("done", "not-now"), [ACTIVE] * 2)
        assert stage.fresh(case).organization == buyer

    def test_one_person_reports_twice(self, stage: Stage) -> None:
        outcomes = one_behind_the_other(stage.report, stage.report)
        assert outcomes == ("done", "not-now")
        assert Case.objects.count() == 1

    def test_it_is_given_up_while_it_is_reported(self, stage: Stage) -> None:
        outcomes = one_behind_the_other(
            lambda: lifecycle.release_namespace(actor=stage.holders_actor, grant=stage.root), stage.report
        )
        assert (outcomes, Case.objects.count()) == (("done", "not-now"), 0)
