"""What follows from a look: every state, every finding, every age; and that doubt never costs a proof."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgs.proofs.judging import (
    HALF_WAY,
    MISSING_DAYS,
    NOTICE,
    PATIENCE,
    TRANSITIONS,
    Event,
    Notice,
    Record,
    event_of,
    judge,
    loses_at,
)
from orgs.proofs.observations import Finding
from orgs.vocabulary import ProofState

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
P, V, F, L = ProofState.PENDING, ProofState.VERIFIED, ProofState.FAILING, ProofState.LOST


def record(state: ProofState, **fields: object) -> Record:
    """As one in this state looks on its first day there."""
    known: dict[str, object] = {}
    if state is not P:
        known["verified_at"] = NOW - 100 * DAY
    if state in {F, L}:
        known |= {"failing_since": NOW, "missing_days": 1, "missed_on": NOW.date()}
    return Record(state, **{**known, **fields})  # type: ignore[arg-type]  # named by the tests


def test_the_table_knows_every_state_and_every_event() -> None:
    assert set(TRANSITIONS) == set(product(ProofState, Event))


@pytest.mark.parametrize(("state", "event"), list(product(ProofState, Event)))
def test_only_a_long_absence_costs_a_proof(state: ProofState, event: Event) -> None:
    after = TRANSITIONS[state, event]
    assert (after is L) == ((state is L and event is not Event.FOUND) or (state, event) == (F, Event.OVERDUE))
    if event is Event.FOUND:
        assert after is V
    if event is Event.UNCHECKED:
        assert after is state


AGES = [timedelta(0), DAY, HALF_WAY - MINUTE, HALF_WAY, PATIENCE - MINUTE, PATIENCE, 90 * DAY]
DAYS_SEEN = range(1, MISSING_DAYS + 2)
WARNED = [None, timedelta(0), NOTICE - MINUTE, NOTICE, 40 * DAY]


@pytest.mark.parametrize("finding", Finding)
@pytest.mark.parametrize("state", ProofState)
def test_every_state_by_every_finding_at_every_age(state: ProofState, finding: Finding) -> None:
    for age, days, warned in product(AGES, DAYS_SEEN, WARNED):
        before = record(
            state,
            failing_since=None if state in {P, V} else NOW - age,
            missing_days=0 if state in {P, V} else days,
            missed_on=None if state in {P, V} else (NOW - DAY).date(),
            warned_at=None if state in {P, V} or warned is None else NOW - warned,
        )
        after, notice = judge(before, finding, NOW)
        lost = age >= PATIENCE and days + 1 >= MISSING_DAYS and warned is not None and warned >= NOTICE
        expected = {
            (P, Finding.FOUND): V,
            (L, Finding.FOUND): V,
            (F, Finding.FOUND): V,
            (V, Finding.NOT_FOUND): F,
            (F, Finding.NOT_FOUND): L if lost else F,
        }.get((state, finding), state)
        assert after.state is expected, (age, days, warned)
        if finding is Finding.UNCHECKED:
            assert (after, notice) == (before, None)
        if after.state is V:
            assert (after.failing_since, after.warned_at, after.missing_days, after.missed_on) == (None, None, 0, None)
        if after.state is F:
            assert after.failing_since is not None


@pytest.mark.parametrize(
    ("state", "finding", "notice"),
    [
        (P, Finding.FOUND, Notice.VERIFIED),
        (P, Finding.NOT_FOUND, None),
        (V, Finding.FOUND, None),
        (V, Finding.NOT_FOUND, Notice.FAILING),
        (V, Finding.UNCHECKED, None),
        (F, Finding.FOUND, Notice.RECOVERED),
        (F, Finding.NOT_FOUND, None),
        (L, Finding.FOUND, Notice.VERIFIED),
        (L, Finding.NOT_FOUND, None),
    ],
)
def test_what_the_owners_are_told_on_the_first_day(state: ProofState, finding: Finding, notice: Notice | None) -> None:
    assert judge(record(state), finding, NOW)[1] == notice


def test_when_it_was_verified_stays_until_it_was_lost() -> None:
    assert judge(record(P), Finding.FOUND, NOW)[0].verified_at == NOW
    assert judge(record(V), Finding.FOUND, NOW)[0].verified_at == NOW - 100 * DAY
    assert judge(record(F), Finding.FOUND, NOW)[0].verified_at == NOW - 100 * DAY
    assert judge(record(L), Finding.FOUND, NOW)[0].verified_at == NOW


def course(*looks: tuple[float, Finding], start: Record | None = None) -> tuple[Record, list[tuple[float, Notice]]]:
    """What becomes of a verified proof by looks, each after so many days; and what was told when."""
    current, told = start or record(V), []
    for days, finding in looks:
        current, notice = judge(current, finding, NOW + timedelta(days=days))
        if notice:
            told.append((days, notice))
    return current, told


def test_the_usual_course_of_a_record_that_is_taken_away() -> None:
    every_six_hours = [(quarter / 4, Finding.NOT_FOUND) for quarter in range(60)]
    after, told = course(*every_six_hours)
    assert after.state is L
    assert told == [(0.0, Notice.FAILING), (7.0, Notice.WARNED), (14.0, Notice.LOST)]


def test_three_looks_on_one_day_are_one() -> None:
    looks = [(0, Finding.NOT_FOUND), (20, Finding.NOT_FOUND), (20.1, Finding.NOT_FOUND), (20.2, Finding.NOT_FOUND)]
    assert course(*looks)[0].state is F


def test_nobody_loses_by_surprise_after_we_were_away() -> None:
    looks = [(0, Finding.NOT_FOUND), (1, Finding.NOT_FOUND), (30, Finding.NOT_FOUND)]
    after, told = course(*looks)
    assert after.state is F
    assert told[-1:] == [(30, Notice.WARNED)]
    later = [course((day, Finding.NOT_FOUND), start=after)[0].state for day in (34.9, 35)]
    assert later == [F, L]


def test_found_once_begins_anew() -> None:
    looks = [(day, Finding.NOT_FOUND) for day in range(13)] + [(13, Finding.FOUND), (14, Finding.NOT_FOUND)]
    after, told = course(*looks)
    assert after.state is F
    assert after.missing_days == 1
    assert told[-2:] == [(13, Notice.RECOVERED), (14, Notice.FAILING)]


def test_a_clock_that_was_set_back_counts_no_days() -> None:
    looks = [(0, Finding.NOT_FOUND), (-1, Finding.NOT_FOUND), (-2, Finding.NOT_FOUND)]
    assert course(*looks)[0].missing_days == 1


def test_when_it_is_lost_is_told_and_kept() -> None:
    failing, _notice = judge(record(V), Finding.NOT_FOUND, NOW)
    assert loses_at(failing) == NOW + PATIENCE
    late, _notice = judge(failing, Finding.NOT_FOUND, NOW + 30 * DAY)
    assert loses_at(late) == NOW + 30 * DAY + NOTICE
    assert loses_at(record(V)) is None


AT = st.integers(min_value=-5, max_value=3000).map(lambda hours: NOW + timedelta(hours=hours))


@given(st.lists(st.tuples(AT, st.sampled_from([Finding.FOUND, Finding.UNCHECKED]))))
def test_without_a_no_it_stays_verified(looks: list[tuple[datetime, Finding]]) -> None:
    current = record(V)
    for at, finding in looks:
        current, notice = judge(current, finding, at)
        assert (current.state, notice) == (V, None)


@given(st.lists(st.tuples(AT, st.sampled_from(list(Finding))), max_size=60))
def test_nothing_is_lost_without_time_days_and_notice(looks: list[tuple[datetime, Finding]]) -> None:
    current = record(V)
    noes: list[datetime] = []
    warned: datetime | None = None
    for at, finding in sorted(looks, key=lambda look: look[0]):
        if finding is Finding.FOUND:
            noes, warned = [], None
        elif finding is Finding.NOT_FOUND:
            noes.append(at)
        current, notice = judge(current, finding, at)
        warned = at if notice is Notice.WARNED else warned
        if notice is Notice.LOST:
            assert len({no.date() for no in noes}) >= MISSING_DAYS
            assert noes[-1] - noes[0] >= PATIENCE
            assert warned is not None
            assert at - warned >= NOTICE


def test_an_event_is_overdue_only_if_it_is_a_no() -> None:
    long_ago = replace(record(F), failing_since=NOW - 90 * DAY, warned_at=NOW - 60 * DAY, missing_days=9)
    assert event_of(long_ago, Finding.NOT_FOUND, NOW) is Event.OVERDUE
    assert event_of(long_ago, Finding.UNCHECKED, NOW) is Event.UNCHECKED
    assert event_of(long_ago, Finding.FOUND, NOW) is Event.FOUND
