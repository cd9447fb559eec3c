"""Writes to Stripe: each is made, once, in order, however often a worker or Stripe breaks down."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from billing.gateway.errors import Declined, Misconfigured, Refused, Unavailable
from billing.models import Alert, Call
from billing.services import calls, looks, outages, outbox
from billing.services.outbox import enqueue, make_calls
from billing.vocabulary import CallKind, JobState
from freehold.backoff import GIVE_UP_AFTER
from orgs.models import Organization
from orgs.vocabulary import Standing
from tests import factories
from tests.billing.hands import all_hands
from tests.dump import nothing_changes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("made")]
KIND = CallKind.SET_QUANTITIES


class Made(list[tuple[Any, uuid.UUID]]):
    """What was made, as arguments and key, in place of the real calls. ``error`` is what each fails with."""

    error: BaseException | None = None

    def meanwhile(self) -> None:
        """Nothing, until a test says what."""

    def __call__(self, call: Call) -> dict[str, Any]:
        self.append((call.arguments, call.key))
        self.meanwhile()
        if self.error is not None:
            raise self.error
        return {"subscription": "sub_1"}

    @property
    def arguments(self) -> list[Any]:
        return [arguments for arguments, _ in self]

    @property
    def keys(self) -> list[uuid.UUID]:
        return [key for _, key in self]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    found = Made()
    monkeypatch.setattr(calls, "MAKERS", dict.fromkeys(CallKind, found))
    monkeypatch.setattr(outbox, "MAKERS", dict.fromkeys(CallKind, found))
    return found


@pytest.fixture(autouse=True)
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setitem(looks.LOOKS, "subscription", found.append)
    return found


@pytest.fixture
def acme(db: None) -> Organization:
    return factories.organization("acme")


def only() -> Call:
    return Call.objects.get()


def come_due() -> None:
    Call.objects.filter(state=JobState.PENDING).update(due_at=timezone.now(), leased_until=None)


def begun(ago: timedelta) -> None:
    Call.objects.update(result={"begun": (timezone.now() - ago).isoformat()})
    come_due()


def test_a_call_is_made_with_its_key_and_what_it_was_about_is_looked_at(
    acme: Organization, made: Made, synced: list[str]
) -> None:
    call = enqueue(kind=KIND, organization=acme, arguments={"seats": 3})
    assert make_calls() == 1 and make_calls() == 0
    assert list(made) == [({"seats": 3}, call.key)] and synced == ["sub_1"]
    assert (only().state, only().result) == (JobState.DONE, {"subscription": "sub_1"})


def test_what_is_rolled_back_is_not_made(acme: Organization, made: Made) -> None:
    with transaction.atomic():
        enqueue(kind=KIND, organization=acme)
        transaction.set_rollback(True)
    make_calls()
    assert not made


def test_a_look_that_fails_does_not_make_the_call_again(
    acme: Organization, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(looks.LOOKS, "subscription", lambda _: 1 / 0)
    enqueue(kind=KIND, organization=acme)
    assert make_calls() == 1 and make_calls() == 0 and only().state == JobState.DONE


class TestWaiting:
    """Of each kind and topic of an organization one waits."""

    def test_the_same_again_is_the_one_that_waits(self, acme: Organization) -> None:
        first = enqueue(kind=KIND, organization=acme, arguments={"seats": 3})
        with nothing_changes():
            assert enqueue(kind=KIND, organization=acme, arguments={"seats": 3}) == first

    def test_what_is_wanted_now_takes_the_place_of_what_was(self, acme: Organization, made: Made) -> None:
        enqueue(kind=KIND, organization=acme, arguments={"seats": 3})
        enqueue(kind=KIND, organization=acme, arguments={"seats": 4})
        make_calls()
        assert made.arguments == [{"seats": 4}]

    def test_after_an_attempt_it_has_another_key_for_stripe_would_refuse_the_old_one(
        self, acme: Organization, made: Made
    ) -> None:
        made.error = Unavailable("time-out")
        enqueue(kind=KIND, organization=acme, arguments={"seats": 3})
        make_calls()
        made.error = None
        enqueue(kind=KIND, organization=acme, arguments={"seats": 4})
        make_calls()
        assert made.arguments == [{"seats": 3}, {"seats": 4}] and len(set(made.keys)) == 2

    @pytest.mark.parametrize("seats", [3, 4])
    @pytest.mark.parametrize("error", [None, Unavailable("time-out"), calls.CantBeMade("over")])
    def test_what_is_wanted_while_it_is_in_hand_is_made_once_more(
        self, seats: int, error: Exception | None, acme: Organization, made: Made
    ) -> None:
        """Also the same: its numbers may have been counted before the change that wants it again."""
        enqueue(kind=KIND, organization=acme, arguments={"seats": 3})

        def change() -> None:
            made.meanwhile = lambda: None  # type: ignore[method-assign]  # what the class is for
            enqueue(kind=KIND, organization=acme, arguments={"seats": seats})

        made.meanwhile, made.error = change, error  # type: ignore[method-assign]  # what the class is for
        make_calls(seconds=0.001)
        made.error = None
        make_calls()
        assert made.arguments[-1] == {"seats": seats} and len(made) == 2
        assert only().state == JobState.DONE

    def test_what_must_not_be_done_twice_is_not_replaced(self, acme: Organization) -> None:
        first = enqueue(kind=CallKind.CREDIT, organization=acme, topic="in_1", arguments={"amount": 3})
        with nothing_changes():
            assert enqueue(kind=CallKind.CREDIT, organization=acme, topic="in_1", arguments={"amount": 3}) == first
            with pytest.raises(outbox.AlreadyWaiting):
                enqueue(kind=CallKind.CREDIT, organization=acme, topic="in_1", arguments={"amount": 4})

    def test_nothing_overtakes_within_an_organization(self, acme: Organization, made: Made) -> None:
        other = factories.organization("other")
        enqueue(kind=CallKind.CANCEL, organization=acme, arguments={"n": 1})
        enqueue(kind=CallKind.RESUME, organization=acme, arguments={"n": 2})
        enqueue(kind=CallKind.CANCEL, organization=other, arguments={"n": 3})
        made.error = Unavailable("502")
        make_calls()
        assert made.arguments == [{"n": 1}, {"n": 3}]
        made.error = None
        come_due()
        make_calls()
        assert [one for one in made.arguments if one != {"n": 3}] == [{"n": 1}, {"n": 1}, {"n": 2}]
        assert made.arguments.count({"n": 3}) == 2


class TestFailing:
    def test_it_is_made_again_with_the_same_key(self, acme: Organization, made: Made) -> None:
        made.error = Unavailable("time-out")
        enqueue(kind=KIND, organization=acme)
        assert make_calls() == 0 and make_calls() == 0 and len(made) == 1
        made.error = None
        come_due()
        assert make_calls() == 1 and len(made) == 2 and len(set(made.keys)) == 1

    def test_a_worker_that_dies_leaves_it_to_the_next_with_the_same_key(self, acme: Organization, made: Made) -> None:
        made.error = KeyboardInterrupt()
        enqueue(kind=CallKind.CREDIT, organization=acme)
        with pytest.raises(KeyboardInterrupt):
            make_calls()
        made.error = None
        assert make_calls() == 0, "it is in the dead worker's hand"
        Call.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        assert make_calls() == 1 and len(set(made.keys)) == 1 and len(made) == 2

    @pytest.mark.parametrize("error", [Refused("No such price"), Declined("Your card was declined.")])
    def test_what_stripe_refuses_is_given_up_and_told(self, error: Exception, acme: Organization, made: Made) -> None:
        made.error = error
        enqueue(kind=KIND, organization=acme)
        make_calls()
        assert only().state == JobState.DEAD
        alert = Alert.objects.get()
        assert str(error) in alert.text and alert.organization == acme

    def test_what_makes_no_sense_any_more_is_left(self, acme: Organization, made: Made) -> None:
        made.error = calls.CantBeMade("The subscription is over.")
        enqueue(kind=KIND, organization=acme)
        make_calls()
        assert (only().state, only().error) == (JobState.IGNORED, "The subscription is over.")
        assert not Alert.objects.exists()

    def test_what_waits_for_something_else_is_made_later(self, acme: Organization, made: Made) -> None:
        made.error = calls.NotYet("There is no customer yet.")
        enqueue(kind=KIND, organization=acme)
        make_calls()
        assert only().state == JobState.PENDING and only().due_at > timezone.now()

    @pytest.mark.parametrize("error", [Unavailable("502"), Misconfigured("Expired API key")])
    def test_scenario_58_an_outage_however_long_loses_no_call_and_worsens_nothing(
        self, error: Exception, acme: Organization, made: Made
    ) -> None:
        made.error = error
        enqueue(kind=KIND, organization=acme)
        make_calls()
        begun(GIVE_UP_AFTER * 10)
        make_calls()
        assert only().state == JobState.PENDING and only().due_at < timezone.now() + timedelta(minutes=30)
        assert Alert.objects.get().key == outages.KEY
        assert Organization.objects.get().standing == Standing.GOOD
        made.error = None
        come_due()
        assert make_calls() == 1 and Alert.objects.get().settled_at

    @pytest.mark.parametrize("kind", list(CallKind))
    def test_scenario_58_what_must_not_be_done_twice_waits_for_staff_when_stripe_has_forgotten_its_key(
        self, kind: CallKind, acme: Organization, made: Made
    ) -> None:
        made.error = Unavailable("time-out")
        enqueue(kind=kind, organization=acme)
        make_calls()
        made.error = None
        begun(calls.KEY_REMEMBERED)
        make_calls()
        is_blind = kind in calls.ONCE - calls.LOOKING
        assert only().state == (JobState.DEAD if is_blind else JobState.DONE)
        assert len(made) == (1 if is_blind else 2) and Alert.objects.exists() is is_blind

    def test_a_bug_of_ours_is_told_after_some_attempts_and_given_up_after_days(
        self, acme: Organization, made: Made
    ) -> None:
        made.error = RuntimeError("a bug of ours")
        enqueue(kind=KIND, organization=acme)
        for _ in range(outbox.TRIED_OFTEN):
            assert not Alert.objects.exists()
            come_due()
            make_calls()
        assert Alert.objects.exists() and only().state == JobState.PENDING
        begun(GIVE_UP_AFTER)
        make_calls()
        assert only().state == JobState.DEAD

    def test_a_kind_that_nobody_makes_waits(self, acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(outbox, "MAKERS", {})
        enqueue(kind=KIND, organization=acme)
        make_calls()
        assert only().state == JobState.PENDING and "nobody makes" in only().error


@pytest.mark.django_db(transaction=True)
def test_two_workers_make_each_call_once(acme: Organization, made: Made) -> None:
    organizations = [acme, factories.organization("other"), factories.organization("third")]
    for one in organizations:
        for number in range(3):
            enqueue(kind=KIND, organization=one, topic=str(number), arguments={"of": one.name, "n": number})
    assert sum(all_hands(*[make_calls] * 3)) + make_calls() == 9
    assert len(made) == len(set(made.keys)) == 9
    for one in organizations:
        assert [arguments["n"] for arguments in made.arguments if arguments["of"] == one.name] == [0, 1, 2]


@pytest.mark.django_db(transaction=True)
def test_two_that_want_the_same_at_once_get_one_call(acme: Organization) -> None:
    def want() -> None:
        enqueue(kind=CallKind.CREDIT, organization=acme, topic="in_1")

    assert all_hands(*[want] * 4) == [None] * 4
    assert Call.objects.count() == 1
