"""Two at once, on real connections that really wait: cases come to one end, whoever is first."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db.models import Count
from django.utils import timezone

from namespaces.cases import CaseState, DecisionOutcome, DecisionState
from namespaces.models import Case, CaseDecision, Grant
from namespaces.policy.evaluation import Key
from namespaces.services import casework, claims, decisions
from namespaces.services.grants import grant_namespace
from orgs.actors import Actor
from orgs.models import Organization, Proof
from orgs.services.staff import suspend_organization
from orgs.vocabulary import ProofKind, ProofState
from tests import factories
from tests.concurrency import all_at_once, one_behind_the_other
from tests.people import owner_of

pytestmark = pytest.mark.django_db(transaction=True)

APPROVE, REFUSE = DecisionOutcome.APPROVE, DecisionOutcome.REFUSE
ROUNDS = 12
Act = Callable[[], object]


@pytest.fixture
def acme() -> Organization:
    return factories.organization("acme")


@pytest.fixture
def rival() -> Organization:
    return factories.organization("rival")


def staff() -> Actor:
    return Actor.staff(factories.reviewer())


def approving(case: Case) -> Act:
    actor = staff()
    return lambda: decisions.decide(actor=actor, case=case, outcome=APPROVE)


def refusing(case: Case) -> Act:
    actor = staff()
    return lambda: decisions.decide(actor=actor, case=case, outcome=REFUSE, criteria=[Key.IN_USE], text="Not used.")


def filing(organization: Organization, name: str) -> Act:
    owner = owner_of(organization)
    return lambda: claims.file_claim(actor=owner, organization=organization, name=name)


def agreeing(case: Case) -> Act:
    actor = staff()
    return lambda: decisions.confirm(actor=actor, case=case)


def states() -> list[str]:
    return sorted(Case.objects.values_list("state", flat=True))


def is_whole() -> None:
    """One decision in force for each decided case, one holder, and what is approved is held."""
    decided = CaseDecision.objects.filter(state=DecisionState.EFFECTIVE).values("case")
    assert not decided.annotate(times=Count("pk")).filter(times__gt=1).exists()
    for case in Case.objects.filter(state=CaseState.APPROVED).select_related("grant"):
        assert case.grant is not None and case.grant.owner_id == case.organization_id
    assert Grant.objects.holding().values("owner").distinct().count() <= 1


@pytest.mark.parametrize("theirs", ["zorglub", "zorglub-labs"])
@pytest.mark.parametrize("first", [0, 1])
def test_two_overlapping_claims_approved_at_once_leave_one_grant(
    acme: Organization, rival: Organization, theirs: str, first: int
) -> None:
    pair = [factories.case(acme, name="zorglub"), factories.case(rival, name=theirs)]
    outcomes = one_behind_the_other(approving(pair[first]), approving(pair[1 - first]))
    assert outcomes == ("done", "not-now")  # the second is settled by now
    assert states() == [CaseState.APPROVED, CaseState.SETTLED]
    assert Grant.objects.holding().get().owner == pair[first].organization
    is_whole()


@pytest.mark.slow
def test_many_rounds_without_a_deadlock(acme: Organization, rival: Organization) -> None:
    third = factories.organization("third")
    for number in range(ROUNDS):
        names = (f"zorglub{number}", f"zorglub{number}-labs", f"zorglub{number}-labs-x")
        cases = [factories.case(org, name=name) for org, name in zip((acme, rival, third), names, strict=True)]
        outcomes = all_at_once(*(approving(case) for case in cases))
        assert sorted(outcomes) == ["done", "not-now", "not-now"], outcomes
        assert Grant.objects.holding().filter(name__in=names).count() == 1


def test_two_reviewers_on_one_case_never_both_decide(acme: Organization) -> None:
    case = factories.case(acme, name="zorglub")
    assert one_behind_the_other(approving(case), refusing(case)) == ("done", "not-now")
    assert CaseDecision.objects.get().outcome == APPROVE
    is_whole()


def test_nor_do_two_who_agree_to_a_proposal(acme: Organization) -> None:
    case = factories.case(acme, name="zorglub", state=CaseState.PROPOSED)
    assert one_behind_the_other(agreeing(case), agreeing(case)) == ("done", "not-now")
    assert CaseDecision.objects.get().state == DecisionState.EFFECTIVE


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_withdrawn_or_approved_but_not_both(acme: Organization, order: tuple[int, int]) -> None:
    case, owner = factories.case(acme, name="zorglub"), owner_of(acme)
    acts = [approving(case), lambda: casework.withdraw(actor=owner, case=case)]
    assert one_behind_the_other(acts[order[0]], acts[order[1]]) == ("done", "not-now")
    assert states() == [[CaseState.APPROVED, CaseState.WITHDRAWN][order[0]]]
    assert Grant.objects.holding().exists() is (order[0] == 0)


def test_one_claim_filed_twice_is_one(acme: Organization) -> None:
    assert one_behind_the_other(filing(acme, "zorglub"), filing(acme, "zorglub")) == ("done", "not-now")
    assert states() == [CaseState.WAITING]


def test_of_two_who_file_at_once_what_either_would_be_granted_one_is(acme: Organization, rival: Organization) -> None:
    """Each has proved a domain of that name: the first has it at once, and the second is told whose it is."""
    for org, domain in ((acme, "zorglub.example"), (rival, "zorglub.test")):
        Proof.objects.create(
            organization=org,
            kind=ProofKind.DNS,
            subject=domain,
            challenge="x",
            state=ProofState.VERIFIED,
            verified_at=timezone.now(),
        )
    acts = [filing(org, name) for org, name in ((acme, "zorglub"), (rival, "zorglub-labs"))]
    assert one_behind_the_other(*acts) == ("done", "namespace-taken")
    assert Grant.objects.holding().get().owner == acme


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_undone_or_appealed_but_not_both(acme: Organization, order: tuple[int, int]) -> None:
    case, owner, reviewer = factories.case(acme, name="zorglub"), owner_of(acme), staff()
    refusing(case)()
    acts: list[Act] = [
        lambda: decisions.undo(actor=reviewer, case=case, reason="A slip."),
        lambda: claims.appeal(actor=owner, case=case, text="Look again."),
    ]
    assert one_behind_the_other(acts[order[0]], acts[order[1]]) == ("done", "not-now")
    assert states() == [CaseState.WAITING]
    ended = CaseDecision.objects.get().state
    assert ended == [DecisionState.UNDONE, DecisionState.APPEALED][order[0]]


def test_granted_by_command_while_it_is_approved(acme: Organization, rival: Organization) -> None:
    case = factories.case(acme, name="zorglub")
    outcomes = one_behind_the_other(
        lambda: grant_namespace(actor=Actor.operator(), name="zorglub-labs", organization=rival), approving(case)
    )
    assert outcomes == ("done", "namespace-taken")
    assert states() == [CaseState.WAITING]


def test_suspended_while_it_is_approved(acme: Organization) -> None:
    case = factories.case(acme, name="zorglub")
    outcomes = one_behind_the_other(
        lambda: suspend_organization(actor=Actor.operator(), organization=acme, reason="Fraud."), approving(case)
    )
    assert outcomes == ("done", "cannot-hold")
    assert not Grant.objects.exists()
