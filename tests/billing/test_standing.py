"""Standing as a function of what is known and the time (BILLING, scenarios 10, 26, 32, 34, 36, 54, 56 and 58)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.standing import GRACE, LOCKED, QUARANTINE, ByHand, Evidence, Judgement, Known, Step, Subscription, judge
from orgs.vocabulary import Kind, Standing

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1000)
DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
STATUSES = ["active", "trialing", "past_due", "canceled", "unpaid", "paused", "incomplete", "incomplete_expired", "new"]
RANK = {Standing.GOOD: 0, Standing.GRACE: 1, Standing.LAPSED: 2}


def known(*subscriptions: Subscription, before: Standing = Standing.GOOD, by_hand: tuple[ByHand, ...] = ()) -> Known:
    return Known(kind=Kind.COMPANY, before=before, since=LONG_AGO, subscriptions=subscriptions, by_hand=by_hand)


def sub(status: str, *, unpaid: datetime | None = None, ended: datetime | None = None) -> Subscription:
    return Subscription(status=status, unpaid_since=unpaid, ended_at=ended)


def standing(found: Judgement) -> tuple[Standing, Step]:
    return found.standing, found.step


def test_a_community_project_is_always_good() -> None:
    dead = Known(
        kind=Kind.COMMUNITY,
        before=Standing.GOOD,
        since=LONG_AGO,
        subscriptions=[sub("unpaid", unpaid=LONG_AGO, ended=LONG_AGO)],
    )
    assert judge(dead, NOW).standing is Standing.GOOD


def test_scenario_32_a_decline_begins_one_grace_period() -> None:
    first = NOW - timedelta(days=13)
    found = judge(known(sub("past_due", unpaid=first)), NOW)
    assert (found.standing, found.since, found.until) == (Standing.GRACE, first, first + GRACE)


@pytest.mark.parametrize("status", ["past_due", "active"])
def test_scenario_54_an_overdue_invoice_counts_from_its_due_date(status: str) -> None:
    assert judge(known(sub(status, unpaid=NOW + DAY)), NOW).standing is Standing.GOOD
    assert judge(known(sub(status, unpaid=NOW)), NOW).standing is Standing.GRACE


@pytest.mark.parametrize(
    ("since_due", "expected"),
    [
        (GRACE - INSTANT, (Standing.GRACE, Step.NOTHING)),
        (GRACE, (Standing.LAPSED, Step.LOCK)),
        (GRACE + LOCKED - INSTANT, (Standing.LAPSED, Step.LOCK)),
        (GRACE + LOCKED, (Standing.LAPSED, Step.QUARANTINE)),
        (GRACE + LOCKED + QUARANTINE - INSTANT, (Standing.LAPSED, Step.QUARANTINE)),
        (GRACE + LOCKED + QUARANTINE, (Standing.LAPSED, Step.RELEASE)),
    ],
)
@pytest.mark.parametrize("status", ["past_due", "canceled", "unpaid", "paused"])
def test_scenario_34_the_ladder(status: str, since_due: timedelta, expected: tuple[Standing, Step]) -> None:
    due = NOW - since_due
    ended = None if status == "past_due" else NOW
    assert standing(judge(known(sub(status, unpaid=due, ended=ended)), NOW)) == expected


def test_what_ended_without_a_debt_has_its_grace_too() -> None:
    found = judge(known(sub("canceled", ended=NOW - DAY)), NOW)
    assert (found.standing, found.until) == (Standing.GRACE, NOW - DAY + GRACE)


def test_paying_again_is_good_at_once() -> None:
    lapsed = sub("canceled", ended=LONG_AGO)
    found = judge(known(lapsed, sub("active"), before=Standing.LAPSED), NOW)
    assert (found.standing, found.since, found.evidence) == (Standing.GOOD, NOW, Evidence.PAID)


def test_a_grant_by_hand_outweighs_a_debt_until_its_last_instant() -> None:
    """Scenario 56: what is granted until a time does not cover that time."""
    debt = sub("unpaid", unpaid=LONG_AGO, ended=LONG_AGO)
    held = (ByHand(since=LONG_AGO, until=NOW),)
    assert judge(known(debt, by_hand=held), NOW - INSTANT).standing is Standing.GOOD
    ended = judge(known(debt, by_hand=held), NOW)
    assert (ended.standing, ended.until) == (Standing.GRACE, NOW + GRACE)


def test_who_never_bought_owes_nothing() -> None:
    assert judge(known(), NOW).evidence is Evidence.NEVER_BOUGHT
    assert judge(known(sub("incomplete")), NOW).standing is Standing.GOOD


@pytest.mark.parametrize("before", list(Standing))
@pytest.mark.parametrize(
    "unclear",
    [[sub("new")], [sub("past_due")], [sub("canceled")], [sub("new"), sub("canceled", ended=LONG_AGO)]],
    ids=["a status nobody knows", "past due since nobody knows when", "ended nobody knows when", "new and old"],
)
def test_scenarios_10_36_58_nothing_worsens_without_evidence(before: Standing, unclear: list[Subscription]) -> None:
    found = judge(known(*unclear, before=before), NOW)
    assert (found.standing, found.since, found.evidence) == (before, LONG_AGO, Evidence.UNCLEAR)


times = st.one_of(st.none(), st.integers(-500, 30).map(lambda days: NOW + timedelta(days=days)))
subscriptions = st.builds(Subscription, status=st.sampled_from(STATUSES), unpaid_since=times, ended_at=times)
hands = st.builds(ByHand, since=st.just(LONG_AGO), until=times)


@given(st.lists(subscriptions, max_size=4), st.lists(hands, max_size=2), st.sampled_from(list(Standing)))
def test_one_more_good_thing_never_harms(found: list[Subscription], hand: list[ByHand], before: Standing) -> None:
    facts = known(*found, by_hand=tuple(hand), before=before)
    better = known(*found, sub("active"), by_hand=tuple(hand), before=before)
    assert RANK[judge(better, NOW).standing] <= RANK[judge(facts, NOW).standing]


@given(st.lists(subscriptions, max_size=4), st.lists(hands, max_size=2), st.sampled_from(list(Standing)))
def test_it_worsens_only_by_a_debt_or_an_end_that_is_dated(
    found: list[Subscription], hand: list[ByHand], before: Standing
) -> None:
    judged = judge(known(*found, by_hand=tuple(hand), before=before), NOW)
    dated = [one.unpaid_since or one.ended_at for one in found] + [one.until for one in hand]
    if RANK[judged.standing] > RANK[before]:
        assert any(at is not None and at <= NOW for at in dated)


@given(st.lists(subscriptions, max_size=4), st.sampled_from(list(Standing)))
def test_asked_again_it_says_the_same(found: list[Subscription], before: Standing) -> None:
    first = judge(known(*found, before=before), NOW)
    again = Known(kind=Kind.COMPANY, before=first.standing, since=first.since, subscriptions=found)
    assert judge(again, NOW).standing is first.standing


@pytest.mark.parametrize("status", ["active", "past_due"])
def test_an_order_of_which_nothing_was_paid_brings_nobody_back(status: str) -> None:
    ordered, over = Subscription(status=status, is_promise=True), sub("canceled", ended=NOW - GRACE)
    assert judge(known(over, ordered), NOW).standing is Standing.LAPSED
    assert judge(known(ordered), NOW).evidence is Evidence.NEVER_BOUGHT
    overdue = Subscription(status=status, is_promise=True, unpaid_since=NOW)
    assert judge(known(overdue), NOW).standing is Standing.GRACE


def test_one_that_is_paid_outweighs_what_another_owes() -> None:
    owes = sub("past_due", unpaid=LONG_AGO)
    assert judge(known(sub("active"), owes), NOW).standing is Standing.GOOD
    assert judge(known(sub("active", unpaid=NOW + DAY), owes), NOW).standing is Standing.GOOD
    assert judge(known(sub("active", unpaid=NOW), owes), NOW).standing is Standing.LAPSED
    ordered = Subscription(status="active", is_promise=True)
    assert judge(known(ordered, owes), NOW).standing is Standing.LAPSED
