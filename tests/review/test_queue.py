"""The queue: its tabs, its filters, its order, and what a row says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from namespaces.cases import CaseKind, CaseState
from namespaces.models import Case
from review.models import Assignment
from review.queue import LATELY, Age, Filters, Tab, listed, oldest_waiting, rows, sizes
from review.services.desk import give
from tests import factories

pytestmark = pytest.mark.django_db

NOW = timezone.now()
DAY = timedelta(days=1)


@pytest.fixture
def rita() -> User:
    return factories.reviewer(name="Rita")


def case(name: str, *, days: int = 0, **fields: Any) -> Case:
    return factories.case(factories.organization(name), waiting_since=NOW - days * DAY, **fields)


def names(reviewer: User, **filters: Any) -> list[str]:
    return [found.organization.name for found in listed(Filters(**filters), reviewer)]


class TestTabs:
    @pytest.fixture(autouse=True)
    def _cases(self, rita: User) -> None:
        for state in CaseState:
            case(f"is-{state.value}", state=state, by=rita if state is CaseState.APPROVED else None)
        case("was-answered", asked_at=NOW - DAY)
        give(case("at-hand"), rita)
        give(case("lay-too-long"), rita)
        Assignment.objects.filter(case__name="lay-too-long").update(until=NOW - DAY)
        long_ago = case("long-ago", state=CaseState.REFUSED)
        Case.objects.filter(pk=long_ago.pk).update(decided_at=NOW - LATELY - DAY)

    @pytest.mark.parametrize(
        ("tab", "expected"),
        [
            (Tab.WAITING, {"is-waiting", "was-answered", "at-hand", "lay-too-long"}),
            (Tab.SECOND, {"is-proposed"}),
            (Tab.MINE, {"at-hand"}),
            (Tab.ASKED, {"is-asked", "was-answered"}),
        ],
    )
    def test_what_stands_under_each(self, rita: User, tab: Tab, expected: set[str]) -> None:
        assert set(names(rita, tab=tab)) == expected
        assert sizes(rita)[tab] == len(expected)

    def test_decided_lately_has_what_was_decided_and_not_what_ended_otherwise(self, rita: User) -> None:
        found = names(rita, tab=Tab.DECIDED)
        assert {"is-approved", "is-refused"} <= set(found)
        assert not {"is-settled", "is-withdrawn", "is-expired", "long-ago"} & set(found)
        assert sizes(rita)[Tab.DECIDED] == len(found)

    def test_answers_come_before_questions(self, rita: User) -> None:
        assert names(rita, tab=Tab.ASKED) == ["was-answered", "is-asked"]


def test_it_goes_by_priority_then_by_age(rita: User) -> None:
    case("young", days=1)
    case("old", days=9)
    case("paid", priority=1)
    assert names(rita) == ["paid", "old", "young"]
    oldest = oldest_waiting()
    assert oldest is not None and NOW - oldest.waiting_since == 9 * DAY


class TestFilters:
    @pytest.fixture(autouse=True)
    def _cases(self) -> None:
        case("claimed", days=2, open_criteria=["identifies", "outside"])
        case("grave", days=9, stake="high", open_criteria=["outside"])
        case("comet", days=40, kind=CaseKind.APPLICATION, open_criteria=["licence"])

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ({"kind": "application"}, ["comet"]),
            ({"kind": "claim"}, ["grave", "claimed"]),
            ({"criterion": "outside"}, ["grave", "claimed"]),
            ({"criterion": "licence"}, ["comet"]),
            ({"stake": "high"}, ["grave"]),
            ({"age": Age.DAY}, ["comet", "grave", "claimed"]),
            ({"age": Age.WEEK}, ["comet", "grave"]),
            ({"age": Age.MONTH}, ["comet"]),
            ({"query": "COME"}, ["comet"]),
            ({"query": "gra"}, ["grave"]),
            ({"query": "gra", "kind": "application"}, []),
            ({"query": "100%_"}, []),
        ],
    )
    def test_each_and_together(self, rita: User, filters: dict[str, Any], expected: list[str]) -> None:
        assert names(rita, **filters) == expected

    def test_a_name_is_found_in_any_spelling(self, rita: User) -> None:
        factories.case(factories.organization("labs"), name="acme-labs")
        assert names(rita, query="Acme_Labs") == names(rita, query="acme.labs") == ["labs"]


class TestRows:
    def row(self, found: Case, reviewer: User) -> Any:
        return rows(listed(Filters(query=found.organization.name), reviewer), reviewer)[0]

    def test_who_has_it_in_hand(self, rita: User) -> None:
        otto = factories.reviewer(name="Otto")
        acme, free, lay = case("acme"), case("free"), case("lay")
        give(acme, rita)
        give(lay, rita)
        Assignment.objects.filter(case=lay).update(until=NOW - DAY)
        assert self.row(acme, rita).is_mine and not self.row(acme, otto).is_mine
        assert self.row(acme, otto).holder == rita
        assert self.row(free, otto).holder is None and self.row(lay, otto).holder is None

    def test_how_many_others_claim_what_overlaps(self, rita: User) -> None:
        claimed = case("acme-labs")
        for rival in ("acme", "acme-labs-x", "acme-labsx", "acmefoo", "acme-lab"):
            factories.case(factories.organization(f"by-{rival}"), name=rival)
        factories.case(claimed.organization, name="acme-labs-own")
        factories.case(factories.organization("ended"), name="acme-labs-y", state=CaseState.WITHDRAWN)
        factories.case(factories.organization("reported"), name="acme-labs-z", kind=CaseKind.DISPUTE)
        assert self.row(claimed, rita).rivals == 2

    def test_which_criteria_are_not_met(self, rita: User) -> None:
        keys = ["proofs", "identifies", "not_common", "in_use", "outside"]
        found = self.row(case("acme", open_criteria=keys), rita)
        assert found.missing == ("Proofs name the organization", "It identifies the applicant", "It is not common")
        assert found.more_missing == 2

    def test_that_an_answer_came(self, rita: User) -> None:
        assert self.row(case("was-answered", asked_at=NOW), rita).is_answered
        assert not self.row(case("not-asked"), rita).is_answered

    def test_a_page_takes_as_many_reads_whatever_is_on_it(self, rita: User, django_assert_num_queries: Any) -> None:
        for number in range(12):
            give(case(f"org-{number}", state=CaseState.PROPOSED, by=rita), rita)
        with django_assert_num_queries(3):
            assert len(rows(listed(Filters(tab=Tab.SECOND), rita), rita)) == 12
