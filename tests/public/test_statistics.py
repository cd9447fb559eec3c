"""The statistics: what they count, what they never count, and that a hundred thousand decisions do not slow them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from freehold import charts
from freehold.charts import Chart, Series
from namespaces.cases import CaseKind, CaseState, DecisionState, EntryKind, Party
from namespaces.models import Case, CaseDecision, CaseEntry
from review.statistics import Appeals, Queue, Times, gather
from review.units import DAY as DAY_SECONDS
from review.units import HOUR as HOUR_SECONDS
from review.units import MINUTE, span_in_words, unit_for
from review.views.statistics import percent
from tests import factories
from tests.namespaces.test_public_pages import text_of

pytestmark = pytest.mark.django_db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def decided(
    after: timedelta,
    *,
    ago: timedelta = HOUR,
    by_machine: bool = False,
    kind: CaseKind = CaseKind.CLAIM,
    state: CaseState = CaseState.APPROVED,
    **fields: Any,
) -> Case:
    """A case that was decided some time ago, so long after it was filed."""
    at = timezone.now() - ago
    case = factories.case(
        factories.organization(),
        kind=kind,
        state=state,
        by=None if by_machine else factories.reviewer(),
        filed_at=at - after,
        decided_at=at,
        **fields,
    )
    CaseDecision.objects.filter(case=case).update(at=at, effective_at=at)
    CaseEntry.objects.filter(case=case).exclude(kind=EntryKind.FILED).update(at=at)
    return case


# --- Time to decision -------------------------------------------------------------------------------------------------


class TestTimes:
    def test_median_and_ninetieth_by_who_decided(self) -> None:
        for hours in range(1, 12):
            decided(hours * HOUR)
        decided(timedelta(seconds=1), by_machine=True)
        found = gather().decided
        assert found.by_people == Times(decisions=11, median_seconds=6 * 3600, ninetieth_seconds=10 * 3600)
        assert found.by_machine == Times(decisions=1, median_seconds=1, ninetieth_seconds=1)
        assert (found.all.decisions, found.all.median_seconds) == (12, 5.5 * 3600)
        assert found.machine_share == pytest.approx(1 / 12)

    def test_an_appeal_begins_anew(self) -> None:
        decided(200 * DAY, appealed_at=timezone.now() - 3 * HOUR)
        median = gather().decided.all.median_seconds
        assert median == pytest.approx(2 * 3600, abs=1)

    def test_the_decision_that_was_appealed_against_counts_from_the_filing(self) -> None:
        case = decided(5 * HOUR, ago=2 * DAY, state=CaseState.REFUSED)
        CaseDecision.objects.update(state=DecisionState.APPEALED)
        Case.objects.filter(pk=case.pk).update(state=CaseState.WAITING, decided_at=None, appealed_at=timezone.now())
        assert gather().decided.all == Times(decisions=1, median_seconds=5 * 3600, ninetieth_seconds=5 * 3600)

    @pytest.mark.parametrize("state", [DecisionState.UNDONE, DecisionState.REJECTED, DecisionState.PROPOSED])
    def test_what_is_not_in_force_does_not_count(self, state: DecisionState) -> None:
        decided(HOUR)
        CaseDecision.objects.update(state=state)
        found = gather()
        assert found.decided.all == Times()
        assert found.decided.machine_share is None
        assert not any(outcome.approved_by_people for outcome in found.outcomes)

    def test_disputes_have_their_own_pace(self) -> None:
        decided(60 * DAY, kind=CaseKind.DISPUTE)
        found = gather()
        assert found.decided.all == Times()
        assert {outcome.kind: outcome.approved_by_people for outcome in found.outcomes}[CaseKind.DISPUTE] == 1

    def test_what_is_older_than_the_window_is_in_the_months_alone(self) -> None:
        decided(HOUR, ago=91 * DAY)
        found = gather()
        assert found.decided.all == Times()
        assert sum(month.decided.all.decisions for month in found.months) == 1

    @pytest.mark.parametrize(
        ("now", "first", "last"),
        [
            ("2026-11-22", "2025-12", "2026-11"),
            ("2026-12-31", "2026-01", "2026-12"),
            ("2027-01-01", "2026-02", "2027-01"),
        ],
    )
    def test_twelve_months_with_the_empty_ones(
        self, monkeypatch: pytest.MonkeyPatch, now: str, first: str, last: str
    ) -> None:
        monkeypatch.setattr(timezone, "now", lambda: datetime.fromisoformat(now).replace(tzinfo=UTC))
        months = gather().months
        assert (f"{months[0].month:%Y-%m}", f"{months[-1].month:%Y-%m}", len(months)) == (first, last, 12)


# --- The queue --------------------------------------------------------------------------------------------------------


class TestQueue:
    def test_now(self) -> None:
        since = timezone.now() - 2 * DAY
        factories.case(factories.organization(), waiting_since=since)
        factories.case(factories.organization(), kind=CaseKind.APPLICATION)
        factories.case(factories.organization(), state=CaseState.PROPOSED)
        factories.case(factories.organization(), state=CaseState.ASKED, waiting_since=since - DAY)
        factories.case(factories.organization(), kind=CaseKind.DISPUTE)
        decided(HOUR)
        found = gather()
        assert found.queue == Queue(waiting=3, for_a_second=1, asked=1, oldest=since)
        assert (found.queue.length, found.open_disputes) == (4, 1)

    def test_over_time(self) -> None:
        now = timezone.now()
        decided(10 * DAY, ago=17 * DAY)  # open from 27 to 17 days ago
        factories.case(factories.organization(), filed_at=now - 200 * DAY)  # open all the time
        reopened = decided(DAY, ago=80 * DAY)  # open for a day, and again from 9 days ago
        factories.entry(reopened, EntryKind.APPEALED, Party.APPLICANT, at=now - 9 * DAY)
        Case.objects.filter(pk=reopened.pk).update(state=CaseState.WAITING, decided_at=None)
        assert [week.open for week in gather().weeks] == [1] * 9 + [2, 1, 2, 2]

    def test_an_approval_that_expires_closes_nothing_twice(self) -> None:
        case = decided(HOUR, ago=30 * DAY)
        factories.entry(case, EntryKind.EXPIRED, Party.MACHINE, at=timezone.now() - DAY)
        Case.objects.filter(pk=case.pk).update(state=CaseState.EXPIRED)
        assert {week.open for week in gather().weeks} == {0}


# --- What came out ----------------------------------------------------------------------------------------------------


def test_outcomes_by_kind() -> None:
    decided(HOUR, by_machine=True)
    decided(HOUR)
    decided(HOUR, state=CaseState.REFUSED)
    decided(HOUR, kind=CaseKind.APPLICATION, state=CaseState.REFUSED)
    found = {each.kind: (each.approved_by_machine, each.approved_by_people, each.refused) for each in gather().outcomes}
    assert found == {CaseKind.CLAIM: (1, 1, 1), CaseKind.APPLICATION: (0, 0, 1), CaseKind.DISPUTE: (0, 0, 0)}


def test_appeals_by_what_has_come_of_them() -> None:
    now = timezone.now()
    decided(HOUR, appealed_at=now - 2 * HOUR)
    decided(HOUR, state=CaseState.REFUSED, appealed_at=now - 2 * HOUR)
    factories.case(factories.organization(), appealed_at=now)
    decided(HOUR, ago=400 * DAY, appealed_at=now - 400 * DAY)
    assert gather().appeals == Appeals(filed=3, approved=1, refused=1, open=1)


# --- The page ---------------------------------------------------------------------------------------------------------


class TestPage:
    def test_before_the_first_decision_it_says_that(self, client: Client) -> None:
        text = text_of(client.get("/statistics/"))
        assert "Nothing has been decided yet." in text
        assert "Nothing waits for a reviewer." in text
        assert not re.search(r"Half|%|\bseconds?\b(?! reviewer)", text)

    def test_a_queue_without_decisions_is_shown_with_its_chart(self, client: Client) -> None:
        factories.case(factories.organization())
        response = client.get("/statistics/")
        assert "Nothing has been decided yet." in text_of(response)
        assert 'aria-label="Open cases, week by week."' in response.content.decode()

    def test_it_says_what_was_counted(self, client: Client) -> None:
        decided(3 * HOUR)
        decided(timedelta(seconds=2), by_machine=True)
        decided(timedelta(seconds=2), by_machine=True)
        text = text_of(client.get("/statistics/"))
        assert "Decided by machine 66 %" in text
        assert "By machine 2 2 seconds 2 seconds By people 1 3 hours 3 hours All 3 2 seconds" in text
        assert "Claims of namespaces 2 1 0" in text

    def test_it_is_counted_once_a_minute(self, client: Client, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(8):
            first = client.get("/statistics/")
        decided(HOUR)
        with django_assert_num_queries(1):  # whether it leads to the page on sustainability
            second = client.get("/statistics/")
        assert first.content == second.content
        assert first["Cache-Control"] == "public, max-age=60"
        assert client.get("/statistics/", headers={"If-None-Match": first["ETag"]}).status_code == 304

    def test_as_json(self, client: Client) -> None:
        decided(HOUR)
        factories.case(factories.organization())
        told = client.get("/api/v1/statistics").json()
        assert told["decided"]["by_people"] == {
            "decisions": 1,
            "median_seconds": 3600.0,
            "ninetieth_seconds": 3600.0,
        }
        assert told["decided"]["by_machine"]["median_seconds"] is None
        assert told["decided"]["machine_share"] == 0
        assert told["queue"] == {**told["queue"], "length": 1, "waiting": 1, "for_a_second": 0, "asked": 0}
        assert len(told["months"]) == 12
        assert told["months"][-1].keys() == {"month", "all", "by_machine", "by_people", "machine_share"}
        assert told["outcomes"][0] == {
            "kind": "claim",
            "approved_by_machine": 0,
            "approved_by_people": 1,
            "refused": 0,
        }


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.2, "a second"),
        (59, "59 seconds"),
        (60.5, "2 minutes"),
        (59 * 60, "59 minutes"),
        (90 * 60, "2 hours"),
        (72 * 3600, "72 hours"),
        (99 * 3600, "99 hours"),
        (99 * 3600 + 1, "5 days"),
        (40 * 86400, "40 days"),
    ],
)
def test_spans_are_never_told_as_less_than_they_are(seconds: float | None, words: str) -> None:
    assert span_in_words(seconds) == words


def test_the_unit_of_a_chart_fits_its_longest_span() -> None:
    assert [unit_for(longest).seconds for longest in (90, 7199, 7200, 2 * 86400 - 1, 2 * 86400)] == [
        MINUTE,
        MINUTE,
        HOUR_SECONDS,
        HOUR_SECONDS,
        DAY_SECONDS,
    ]
    assert unit_for(2 * 86400).in_words(2.5) == "2.5 d"


@pytest.mark.parametrize(("share", "shown"), [(None, ""), (0.0, "0 %"), (0.999, "99 %"), (1.0, "100 %")])
def test_only_all_is_all(share: float | None, shown: str) -> None:
    assert percent(share) == shown


# --- Charts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", [charts.bars, charts.stacked, charts.line])
@pytest.mark.parametrize("values", [[1, 2.5, None, 4], [None] * 4, [0] * 4, [100_000, 0, 1, 2]])
def test_a_chart_has_nothing_that_the_policy_forbids(draw: Any, values: list[float | None]) -> None:
    label, evil = "A <label>", "<script>alert(1)</script>"
    chart = Chart(
        label=label, labels=[evil, "b", "c", "d"], series=[Series(evil, values)], in_words=lambda value: f"{value:g} h"
    )
    drawn = draw(chart)
    assert 'role="img"' in drawn
    assert 'aria-label="A &lt;label&gt;"' in drawn
    assert not re.search(r"<(?!/?(svg|g|rect|path|text|title|circle)\b)|\s(style|on\w+|href|id)=|javascript:", drawn)


@pytest.mark.parametrize(
    ("top", "ticks"),
    [
        (1, [0, 0.5, 1]),
        (3.6, [0, 1, 2, 3, 4]),
        (6, [0, 2, 4, 6]),
        (46, [0, 20, 40, 60]),
        (100_000, [0, 50_000, 100_000]),
    ],
)
def test_ticks_are_round(top: float, ticks: list[float]) -> None:
    assert charts.ticks_upto(top) == ticks


# --- Many -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_hundred_thousand_decisions_are_counted_fast(client: Client) -> None:
    organization, reviewer = factories.organization("many"), factories.reviewer()
    with connection.cursor() as cursor:
        for statement in MANY:
            cursor.execute(statement, {"organization": organization.pk, "reviewer": reviewer.pk})
        cursor.execute("ANALYZE namespaces_case, namespaces_casedecision, namespaces_caseentry")
    best = min(_seconds(gather) for _ in range(3))
    found = gather()
    assert sum(month.decided.all.decisions for month in found.months) > 90_000
    assert best < 1


def _seconds(act: Any) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


# 100,000 claims over a year, two in three decided by machine at once, the others by people after up to ten days.
MANY = (
    """
    INSERT INTO namespaces_case (kind, state, organization_id, name, display_name, wanted_kind, statement, priority,
      stake, open_criteria, asked, filed_at, waiting_since, changed_at, decided_at)
    SELECT 'claim', 'refused', %(organization)s, 'name' || n, 'name' || n, '', '', 0, 'ordinary', '{}', '', filed,
           filed, filed, filed + CASE WHEN n %% 3 = 0 THEN interval '1 hour' * (n %% 240) ELSE interval '1 second' END
      FROM generate_series(1, 100000) n, LATERAL (SELECT now() - interval '5 minutes' * n - interval '10 days' AS filed) f
    """,
    """
    INSERT INTO namespaces_casedecision (case_id, outcome, state, by_machine, by_id, criteria, text, reason, at,
      effective_at)
    SELECT id, 'approve', 'effective', id %% 3 <> 0, CASE WHEN id %% 3 = 0 THEN %(reviewer)s::bigint END, '{}', '', '',
           decided_at, decided_at FROM namespaces_case
    """,
    """
    INSERT INTO namespaces_caseentry (case_id, kind, party, audience, text, at)
    SELECT id, turn, 'machine', '', '', CASE turn WHEN 'filed' THEN filed_at ELSE decided_at END
      FROM namespaces_case, unnest(ARRAY['filed', 'approved']) turn
    """,
)
