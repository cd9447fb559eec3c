"""The way down, rung by rung, each after its warnings; and that nobody falls off it by machine."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

from accounts.models import Mail, User
from billing.gateway.errors import Unavailable
from billing.models import Alert, Customer, Health
from billing.services import ladder
from billing.tasks import follow_standings
from freehold.errors import Invalid, NotPermitted
from freehold.schedule import BILLING_SCHEDULE
from namespaces.errors import NotNow as NamespaceNotNow
from namespaces.models import Grant
from namespaces.services.lifecycle import end_quarantine, lock_namespace
from namespaces.states import GrantState
from namespaces.tasks import end_quarantines
from orgs.actors import Actor
from orgs.models import AuditEvent, Organization
from orgs.services.organizations import NotNow
from orgs.vocabulary import Standing, State
from tests import factories
from tests.billing.standing.rows import (
    DAY,
    WORKER,
    Clock,
    allowance,
    company,
    decline,
    pay,
    standing,
    states,
    subjects,
    subscription,
)
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.usefixtures("asked")]
STAFF = Actor.operator()


@pytest.fixture
def acme(clock: Clock) -> Organization:
    """A payment of its only plan has just failed."""
    made = company()
    factories.grant("acme", made)
    decline(subscription(made))
    return made


def sweep_on(clock: Clock, began: datetime, *days: float) -> None:
    """On each of these days since it began."""
    for day in days:
        clock.go_to(began + day * DAY)
        ladder.sweep()


@pytest.mark.slow
def test_the_whole_way_down(acme: Organization, clock: Clock) -> None:
    began = clock.now
    sweep_on(clock, began, 0, 6, 7, 8, 12.9, 13, 13.9)
    assert (standing(acme), states(acme)) == (Standing.GRACE, {"acme": GrantState.ACTIVE})
    assert len(subjects("bea")) == 3, "it failed; seven days, and one day, before the lock"
    sweep_on(clock, began, 14, 14.1)
    assert (standing(acme), states(acme)) == (Standing.LAPSED, {"acme": GrantState.LOCKED})
    assert len(subjects("bea")) == 4
    sweep_on(clock, began, 59, 60, 66, 67, 72, 73, 73.9)
    assert states(acme) == {"acme": GrantState.LOCKED}
    assert len(subjects("bea")) == 7, "fourteen days, seven and one before the quarantine"
    sweep_on(clock, began, 74)
    assert states(acme) == {"acme": GrantState.QUARANTINED}
    sweep_on(clock, began, 239, 240, 247, 253, 254, 300)
    assert states(acme) == {"acme": GrantState.QUARANTINED}, "nothing is opened by a machine"
    assert len(subjects("bea")) == 11, "it was told of the quarantine, and three times of its end"
    assert subjects("bea") == subjects("olga") and not subjects("mia")
    assert Alert.objects.get(settled_at=None).key == f"release-due:{acme.pk}"


def test_a_sweep_that_is_repeated_tells_nobody_twice(acme: Organization, clock: Clock) -> None:
    clock.forward(8)
    for _ in range(3):
        ladder.sweep()
    assert len(subjects("bea")) == 2


def test_a_sweep_that_did_not_run_costs_nobody_the_warning_of_the_quarantine(acme: Organization, clock: Clock) -> None:
    ladder.sweep()
    clock.forward(200)
    ladder.sweep()
    Mail.objects.update(created_at=clock.now)
    assert states(acme) == {"acme": GrantState.LOCKED}
    assert f"quarantine on {clock.now + DAY:%-d %B %Y}" in subjects("bea")[-1]
    clock.forward(0.9)
    ladder.sweep()
    assert states(acme) == {"acme": GrantState.LOCKED}
    clock.forward(0.2)
    ladder.sweep()
    assert states(acme) == {"acme": GrantState.QUARANTINED}
    assert subjects("bea")[-1] == "Acme: your namespaces are in quarantine"


def test_where_nobody_can_be_told_it_goes_on(acme: Organization, clock: Clock) -> None:
    User.objects.update(is_active=False)
    clock.forward(80)
    ladder.sweep()
    assert states(acme) == {"acme": GrantState.QUARANTINED}


def test_what_staff_or_a_report_locked_besides_they_decide_about(acme: Organization, clock: Clock) -> None:
    lock_namespace(actor=STAFF, grant=Grant.objects.get(), reason="Malware.")
    User.objects.update(is_active=False)
    clock.forward(80)
    ladder.sweep()
    assert states(acme) == {"acme": GrantState.LOCKED}


def test_paying_helps_on_every_rung(acme: Organization, clock: Clock) -> None:
    for days in (10, 20, 100, 300):
        Mail.objects.update(created_at=clock.now - 400 * DAY)
        clock.forward(days)
        ladder.sweep()
        ladder.sweep()
        pay(acme.subscriptions.get())
        ladder.sweep()
        assert (standing(acme), states(acme)) == (Standing.GOOD, {"acme": GrantState.ACTIVE}), days
        decline(acme.subscriptions.get())


class TestBeforeItGetsWorse:
    def test_stripe_is_asked_once_more(self, acme: Organization, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        """It was paid, and nobody told us."""
        ladder.sweep()
        clock.compares = False
        clock.forward(14)
        monkeypatch.setattr(ladder, "sync_subscription", lambda *_, **__: pay(acme.subscriptions.get()))
        ladder.sweep()
        assert (standing(acme), states(acme)) == (Standing.GOOD, {"acme": GrantState.ACTIVE})

    def test_scenario_58_without_an_answer_nothing_happens(
        self, acme: Organization, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise Unavailable("No answer.")

        ladder.sweep()
        clock.compares = False
        clock.forward(100)
        monkeypatch.setattr(ladder, "sync_subscription", fail)
        monkeypatch.setattr(ladder, "sync_organization", fail)
        ladder.sweep()
        assert (standing(acme), states(acme)) == (Standing.GRACE, {"acme": GrantState.ACTIVE})

    @pytest.mark.parametrize("is_answered", [True, False])
    def test_nor_before_stripe_was_asked_what_else_it_bought(
        self, acme: Organization, clock: Clock, asked: list[str], monkeypatch: pytest.MonkeyPatch, *, is_answered: bool
    ) -> None:
        """No event of it ever came."""

        def answer(*_: Any, **__: Any) -> None:
            if not is_answered:
                raise Unavailable("No answer.")
            subscription(acme)
            Customer.objects.update(compared_at=clock.now)

        acme.subscriptions.update(status="canceled", ended_at=clock.now, unpaid_since=None)
        ladder.sweep()
        clock.compares = False
        clock.forward(14)
        monkeypatch.setattr(ladder, "sync_organization", answer)
        ladder.sweep()
        assert standing(acme) == (Standing.GOOD if is_answered else Standing.GRACE)
        assert states(acme) == {"acme": GrantState.ACTIVE}
        if not is_answered:
            clock.forward(1)
            monkeypatch.setattr(ladder, "sync_organization", lambda **_: Customer.objects.update(compared_at=clock.now))
            ladder.sweep()
            assert standing(acme) == Standing.LAPSED, "it had bought nothing else"

    def test_and_not_about_what_is_settled_or_was_just_looked_at(
        self, acme: Organization, clock: Clock, asked: list[str]
    ) -> None:
        subscription(acme, "canceled", ended_at=clock.now)
        ladder.sweep()
        assert asked == []


def test_scenario_35_a_plan_that_was_cancelled_is_told_of_before_it_ends(clock: Clock) -> None:
    acme = company()
    made, began = subscription(acme, ends_at=clock.now + 20 * DAY), clock.now
    sweep_on(clock, began, 1, 12.9)
    assert subjects("bea") == []
    sweep_on(clock, began, 13, 14, 19, 19.5)
    end = f"{made.ends_at:%-d %B %Y}"
    assert subjects("bea") == [f"Acme: your plan ends on {end}"] * 2
    made.ends_at = None
    made.save()
    ladder.sweep()
    assert standing(acme) == Standing.GOOD


def test_who_is_due(clock: Clock) -> None:
    quiet, ending, granted, new = (company(name) for name in ("quiet", "ending", "granted", "new"))
    subscription(quiet)
    allowance(granted, until=clock.now + DAY)
    subscription(ending, ends_at=clock.now + 3 * DAY)
    closed = company("closed", State.CLOSED)
    decline(subscription(closed))
    assert {quiet.pk, granted.pk, ending.pk} == set(ladder.due())
    ladder.sweep()
    assert ladder.due() == [ending.pk]
    clock.forward(1)
    assert set(ladder.due()) == {ending.pk, granted.pk}
    assert new.pk not in ladder.due()


def test_who_was_not_looked_at_for_longest_comes_first(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a run that is cut short would look at the same ones each time."""
    third, second, first, never = (company(name) for name in ("third", "second", "first", "never"))
    for organization in (third, second, first, never):
        decline(subscription(organization))
    for organization in (first, second, third):
        ladder.follow(actor=WORKER, organization=organization)
        clock.forward(0.1)
    assert ladder.due() == [never.pk, first.pk, second.pk, third.pk]
    monkeypatch.setattr(ladder, "MOST", 2)
    assert ladder.due() == [never.pk, first.pk]


def test_one_that_fails_keeps_none_from_its_turn(
    acme: Organization, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = company("other")
    decline(subscription(other))
    follow = ladder.follow

    def fail(*, actor: Actor, organization: Organization) -> Any:
        if organization == acme:
            raise RuntimeError("the power fails")
        return follow(actor=actor, organization=organization)

    monkeypatch.setattr(ladder, "follow", fail)
    assert ladder.sweep() == 1
    assert standing(other) == Standing.GRACE


def test_who_is_down_when_billing_is_switched_off_is_good_again(acme: Organization, clock: Clock) -> None:
    clock.forward(20)
    ladder.sweep()
    assert standing(acme) == Standing.LAPSED
    with override_settings(FREEHOLD_STRIPE=replace(settings.FREEHOLD_STRIPE, enabled=False)):
        ladder.sweep()
    assert (standing(acme), states(acme)) == (Standing.GOOD, {"acme": GrantState.ACTIVE})


class TestTheEnd:
    @pytest.fixture
    def over(self, acme: Organization, clock: Clock) -> Organization:
        """Everything has passed: all that is left is that somebody says so."""
        clock.forward(74)
        ladder.sweep()
        Mail.objects.update(created_at=clock.now - 2 * DAY)
        ladder.sweep()
        clock.forward(180)
        ladder.sweep()
        assert states(acme) == {"acme": GrantState.QUARANTINED}
        return acme

    def test_people_of_the_staff_open_it(self, over: Organization) -> None:
        staff = Actor.staff(factories.user(is_staff=True))
        opened = ladder.confirm_release(actor=staff, organization=over, reason="Nobody answers.")
        assert [grant.name for grant in opened] == ["acme"]
        assert states(over) == {"acme": GrantState.RELEASED}
        assert Health.objects.get().release_confirmed_by == staff.label
        event = AuditEvent.objects.get(action="organization.released")
        assert event.after == {"namespaces": ["acme"], "reason": "Nobody answers."}
        assert not Alert.objects.filter(settled_at=None).exists()

    @pytest.mark.parametrize("who", ["worker", *(who for who in EVERYBODY if who != OPERATOR)])
    def test_nobody_else(self, over: Organization, who: str) -> None:
        actor = WORKER if who == "worker" else acting_as(who, over)
        with nothing_changes(), pytest.raises(NotPermitted, match="Only people of the staff"):
            ladder.confirm_release(actor=actor, organization=over, reason="Nobody answers.")
        assert not ladder.can_confirm_release(over, actor)

    def test_nor_the_sweep_that_ends_what_people_gave_up(self, over: Organization) -> None:
        assert end_quarantines() == 0
        with pytest.raises(NamespaceNotNow, match="was taken by a lapse"):
            end_quarantine(actor=WORKER, grant=Grant.objects.get(), reason="It is time.")

    def test_but_what_a_closed_organization_left_ends_like_all_else(self, over: Organization) -> None:
        Organization.objects.filter(pk=over.pk).update(state=State.CLOSED)
        assert end_quarantines() == 1

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 301, "a\x00b"])
    def test_not_without_saying_why(self, over: Organization, reason: str) -> None:
        with nothing_changes(), pytest.raises(Invalid):
            ladder.confirm_release(actor=STAFF, organization=over, reason=reason)

    def test_not_for_who_has_paid_in_the_last_moment(self, over: Organization) -> None:
        pay(over.subscriptions.get())
        with pytest.raises(NotNow, match="has paid"):
            ladder.confirm_release(actor=STAFF, organization=over, reason="Nobody answers.")

    def test_not_before_it_is_time(self, acme: Organization, clock: Clock) -> None:
        clock.forward(100)
        ladder.sweep()
        assert not ladder.can_confirm_release(acme, STAFF)
        with pytest.raises(NotNow, match="not come to the end"):
            ladder.confirm_release(actor=STAFF, organization=acme, reason="Nobody answers.")


def test_the_command_judges_one_or_all(acme: Organization, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("billing_standings")
    assert capsys.readouterr().out == "1 organizations were judged.\n"
    clock.forward(15)
    call_command("billing_standings", "Acme")
    assert capsys.readouterr().out == "acme: lapsed, payment failed.\n"


def test_every_hour() -> None:
    assert follow_standings.name in {row["task"] for row in BILLING_SCHEDULE.values()}
