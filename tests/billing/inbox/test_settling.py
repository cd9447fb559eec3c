"""How events are settled: by one hand, once, again after a crash, and never given up for an outage."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from billing.gateway.errors import Misconfigured, NotThere, Unavailable
from billing.models import Alert, Event
from billing.services import inbox, leases, outages
from billing.vocabulary import JobState
from freehold.backoff import GIVE_UP_AFTER
from freehold.errors import NotPermitted
from orgs.actors import Actor
from orgs.models import AuditEvent
from tests import factories
from tests.billing.hands import all_hands
from tests.billing.inbox.conftest import Looks
from tests.billing.inbox.letters import event, send
from tests.dump import nothing_changes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("looks")]


def only() -> Event:
    return Event.objects.get()


def come_due() -> None:
    """As if the time had passed for which they were put off or in hand."""
    Event.objects.filter(state=JobState.PENDING).update(due_at=timezone.now())
    Event.objects.filter(leased_until__isnull=False).update(leased_until=timezone.now())


def failing_for(time: timedelta) -> None:
    Event.objects.update(received_at=timezone.now() - time)
    come_due()


def about(name: str) -> dict[str, str]:
    return {"id": name, "object": "subscription"}


def test_all_events_of_an_object_are_settled_by_one_look(looks: Looks) -> None:
    for name in ("sub_1", "sub_2", "sub_1", "sub_1"):
        send(event(about=about(name)))
    assert inbox.settle() == 4
    assert looks == [("subscription", "sub_1"), ("subscription", "sub_2")]


def test_what_comes_during_the_look_has_one_of_its_own(looks: Looks) -> None:
    """It may be about what happened after Stripe had answered."""
    send(event())

    def another() -> None:
        if len(looks) == 1:
            send(event())

    looks.meanwhile = another  # type: ignore[method-assign]  # what the class is for
    assert inbox.settle() == 2
    assert len(looks) == 2


def test_an_object_in_hand_is_left_to_that_hand(looks: Looks) -> None:
    send(event())

    def another_worker() -> None:
        if len(looks) == 1:
            send(event())
            send(event(about=about("sub_2")))
            assert inbox.settle() == 1

    looks.meanwhile = another_worker  # type: ignore[method-assign]  # what the class is for
    assert inbox.settle() == 2
    assert [name for _, name in looks] == ["sub_1", "sub_2", "sub_1"]


def test_scenario_03_after_a_crash_the_event_is_reclaimed_when_its_lease_ends(looks: Looks) -> None:
    send(event())
    looks.answer = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        inbox.settle()
    looks.answer = True
    assert (only().state, only().attempts) == (JobState.PENDING, 1)
    assert inbox.settle() == 0, "it is still in the dead worker's hand"
    Event.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert inbox.settle() == 1
    assert (only().state, only().attempts, only().leased_until) == (JobState.DONE, 2, None)


def test_a_worker_whose_lease_ended_settles_nothing_any_more(looks: Looks) -> None:
    """Another has taken the event meanwhile, and is not done."""
    send(event())
    theirs = timezone.now() + leases.LEASE * 2

    def another_worker() -> None:
        Event.objects.update(leased_until=theirs)

    looks.meanwhile = another_worker  # type: ignore[method-assign]  # what the class is for
    assert inbox.settle() == 0
    assert (only().state, only().leased_until) == (JobState.PENDING, theirs)


class TestFailing:
    def test_it_is_tried_again_later_and_no_sooner(self, looks: Looks) -> None:
        send(event())
        looks.answer = RuntimeError("a bug of ours")
        assert inbox.settle() == 0 and inbox.settle() == 0
        assert len(looks) == 1 and only().due_at > timezone.now()
        assert only().error == "RuntimeError: a bug of ours"
        looks.answer = True
        come_due()
        assert inbox.settle() == 1 and only().error == ""

    def test_one_that_fails_keeps_no_other_waiting(self, looks: Looks) -> None:
        send(event())
        send(event(about=about("sub_2")))
        looks.failing = {"sub_1"}
        assert inbox.settle() == 1 and len(looks) == 2

    def test_staff_is_told_after_some_attempts_once(self, looks: Looks) -> None:
        send(event())
        looks.answer = RuntimeError("a bug of ours")
        for attempt in range(inbox.TRIED_OFTEN + 2):
            assert Alert.objects.count() == (attempt >= inbox.TRIED_OFTEN)
            come_due()
            inbox.settle()

    def test_it_is_given_up_after_days(self, looks: Looks) -> None:
        send(event())
        looks.answer = RuntimeError("a bug of ours")
        failing_for(GIVE_UP_AFTER)
        inbox.settle()
        assert (only().state, only().alert) == (JobState.DEAD, True)

    def test_an_object_that_is_gone_is_nothing_to_try_again(self, looks: Looks) -> None:
        send(event())
        looks.answer = NotThere("No such subscription")
        assert inbox.settle() == 1 and only().state == JobState.IGNORED

    @pytest.mark.parametrize("error", [Unavailable("502"), Misconfigured("Expired API key")])
    def test_scenario_58_an_outage_however_long_loses_no_event(self, error: Exception, looks: Looks) -> None:
        send(event())
        looks.answer = error
        failing_for(GIVE_UP_AFTER * 10)
        inbox.settle()
        assert only().state == JobState.PENDING
        assert only().due_at < timezone.now() + timedelta(minutes=30)
        assert Alert.objects.get().key == outages.KEY
        looks.answer = True
        come_due()
        assert inbox.settle() == 1
        assert Alert.objects.get().settled_at, "it is over, and says so by itself"

    def test_a_short_outage_is_told_to_nobody(self, looks: Looks) -> None:
        send(event())
        looks.answer = Unavailable("502")
        inbox.settle()
        assert not Alert.objects.exists()


class TestReplay:
    def test_what_was_settled_is_looked_at_again(self, looks: Looks) -> None:
        send(event())
        inbox.settle()
        inbox.replay(actor=Actor.operator(), event=only())
        assert inbox.settle() == 1 and len(looks) == 2
        assert AuditEvent.objects.filter(action="event.replayed").count() == 1

    def test_by_staff_alone(self) -> None:
        send(event())
        inbox.settle()
        somebody = Actor.person(factories.user())
        with nothing_changes(), pytest.raises(NotPermitted):
            inbox.replay(actor=somebody, event=only())

    @pytest.mark.parametrize(
        "sent",
        [event(), event(livemode=True), event(account="acct_x"), event("product.updated", {"object": "product"})],
    )
    def test_not_what_waits_and_not_what_is_not_for_us(self, sent: dict[str, object]) -> None:
        send(sent)
        with nothing_changes(), pytest.raises(inbox.NotReplayable):
            inbox.replay(actor=Actor.operator(), event=only())


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_scenario_02_duplicates_in_parallel_make_one_row_that_is_processed_once(self, looks: Looks) -> None:
        sent = event()
        assert all_hands(*[lambda: send(sent).status_code] * 4) == [200] * 4
        assert sum(all_hands(*[inbox.settle] * 3)) == 1
        assert only().state == JobState.DONE and only().attempts == 1 and len(looks) == 1

    def test_scenario_08_many_at_once_are_settled_one_at_a_time_for_each_object(self, looks: Looks) -> None:
        for number in range(30):
            send(event(about=about(f"sub_{number % 3}")))
        running: Counter[str] = Counter()
        overlaps: list[str] = []

        def meanwhile() -> None:
            _, name = looks[-1]
            running[name] += 1
            overlaps.extend(one for one, hands in running.items() if hands > 1)
            if len(looks) < 12:
                send(event(about=about(name)))  # it comes while the object is in hand
            running[name] -= 1

        looks.meanwhile = meanwhile  # type: ignore[method-assign]  # what the class is for
        settled = sum(all_hands(*[inbox.settle] * 4)) + inbox.settle()
        assert settled == Event.objects.count()
        assert not overlaps
        assert set(Event.objects.values_list("state", flat=True)) == {JobState.DONE}
