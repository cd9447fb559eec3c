"""What staff does about what machines could not settle: who may, when, and that nothing is done twice by it."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Alert, Call
from billing.services import desk
from billing.services.alerts import raise_alert
from billing.services.calls import MAKERS, ONCE
from billing.services.desk import (
    AlreadySettled,
    NotToBeMade,
    can_retry,
    give_up_call,
    retry_call,
    settle_alert,
    settle_drift,
)
from billing.services.outbox import make_calls
from billing.vocabulary import CallKind, JobState
from freehold.errors import Invalid, NotPermitted
from orgs.actions import in_words
from orgs.actors import Actor
from orgs.models import AuditEvent, Organization
from tests import factories
from tests.billing.operator.audit_rows import ROWS
from tests.billing.operator.rows import alert, call, drift
from tests.billing.standing.rows import company

pytestmark = pytest.mark.django_db
ADMIN = Actor.operator()


@pytest.fixture
def acme() -> Organization:
    return company("acme")


class TestTheTrail:
    def test_every_service_has_its_row(self) -> None:
        found = {
            name
            for name, function in inspect.getmembers(desk, inspect.isfunction)
            if function.__module__ == desk.__name__ and "actor" in inspect.signature(function).parameters
        }
        assert {name for name in found if not name.startswith("_")} == set(ROWS)

    @pytest.mark.parametrize("name", ROWS)
    def test_a_service_leaves_exactly_its_events(self, name: str) -> None:
        make, expected = ROWS[name]
        getattr(desk, name)(**make())
        events = AuditEvent.objects.order_by("pk")
        assert [(event.action, event.organization) for event in events] == expected
        assert all(in_words(event.action) != event.action and event.after for event in events)


class TestSettling:
    def test_the_same_noticed_again_is_a_new_alert(self) -> None:
        first = alert("price:x")
        settle_alert(actor=ADMIN, alert=first, note="It is made.")
        raise_alert("price:x", "Again.")
        assert Alert.objects.filter(settled_at__isnull=True).get().text == "Again."

    def test_it_is_settled_once(self) -> None:
        left, raised = drift(), alert()
        for _ in range(2):
            try:
                settle_drift(actor=ADMIN, drift=left, note="Looked.")
                settle_alert(actor=ADMIN, alert=raised, note="Looked.")
            except AlreadySettled:
                assert AuditEvent.objects.count() == 2
                break
        else:
            pytest.fail("it was settled twice")

    def test_what_was_repaired_needs_nobody(self) -> None:
        done = drift()
        type(done).objects.update(repaired=True)
        with pytest.raises(AlreadySettled):
            settle_drift(actor=ADMIN, drift=done, note="Looked.")

    @pytest.mark.parametrize("note", ["", "  ", "x" * 501, "a\x00b"])
    def test_whoever_settles_says_what_it_was(self, note: str) -> None:
        with pytest.raises(Invalid):
            settle_alert(actor=ADMIN, alert=alert(), note=note)

    @pytest.mark.parametrize("who", [Actor.worker(), Actor.service("index")])
    def test_no_machine_and_no_customer_settles_anything(self, who: Actor) -> None:
        with pytest.raises(NotPermitted):
            settle_alert(actor=who, alert=alert(), note="Looked.")
        with pytest.raises(NotPermitted):
            settle_drift(actor=who, drift=drift(), note="Looked.")


class TestMakingItOnceMore:
    def test_what_says_what_is_to_be_gets_a_new_key(self, acme: Organization) -> None:
        dead = call(acme)
        raise_alert(f"call:{dead.key}", "Given up.", acme)
        again = retry_call(actor=ADMIN, call=dead)
        assert (again.state, again.attempts, again.error) == (JobState.PENDING, 0, "")
        assert again.key != dead.key
        assert not Alert.objects.filter(settled_at__isnull=True).exists()

    def test_what_must_not_be_done_twice_keeps_its_key_and_when_it_began(self, acme: Organization) -> None:
        dead = call(acme, kind=CallKind.CREDIT)
        again = retry_call(actor=ADMIN, call=dead)
        assert (again.key, again.attempts) == (dead.key, 3)
        assert again.result == {"begun": dead.created_at.isoformat()}

    @pytest.mark.parametrize("kind", [CallKind.SET_QUANTITIES, CallKind.CREDIT])
    def test_a_worker_makes_it_then_with_the_key_that_it_has(
        self, acme: Organization, kind: CallKind, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys: list[object] = []

        def make(made: Call) -> dict[str, Any]:
            keys.append(made.key)
            return {}

        monkeypatch.setitem(MAKERS, kind, make)
        dead = call(acme, kind=kind)
        again = retry_call(actor=ADMIN, call=dead)
        assert make_calls() == 1 and keys == [again.key]
        assert (keys == [dead.key]) is (kind in ONCE)
        assert Call.objects.get().state == JobState.DONE

    def test_after_a_day_that_is_refused_for_stripe_has_forgotten_the_key(self, acme: Organization) -> None:
        dead = call(acme, kind=CallKind.CREDIT, created_at=timezone.now() - timedelta(hours=23))
        with pytest.raises(NotToBeMade, match="forgotten"):
            retry_call(actor=ADMIN, call=dead)
        assert can_retry(call(acme, created_at=timezone.now() - timedelta(days=9)))

    @pytest.mark.parametrize("state", [JobState.PENDING, JobState.DONE])
    def test_a_later_one_is_not_undone_by_it(self, acme: Organization, state: JobState) -> None:
        dead = call(acme)
        call(acme, state)
        with pytest.raises(NotToBeMade, match="later"):
            retry_call(actor=ADMIN, call=dead)

    def test_nor_what_says_the_opposite(self, acme: Organization) -> None:
        """The end of a plan that Stripe refused, and that was taken back since."""
        dead = call(acme, kind=CallKind.CANCEL, topic="sub_1")
        call(acme, JobState.DONE, kind=CallKind.RESUME, topic="sub_1")
        assert not can_retry(dead)
        dead = call(acme, kind=CallKind.RESUME, topic="sub_1")
        assert can_retry(dead)

    @pytest.mark.parametrize("state", [JobState.PENDING, JobState.DONE, JobState.IGNORED])
    def test_only_what_was_given_up(self, acme: Organization, state: JobState) -> None:
        with pytest.raises(NotToBeMade):
            retry_call(actor=ADMIN, call=call(acme, state))


class TestGivingUp:
    def test_why_stands_beside_it(self, acme: Organization) -> None:
        row = give_up_call(actor=ADMIN, call=call(acme, JobState.PENDING), reason="They  left.")
        assert row.state == JobState.DEAD and "They left." in row.error

    def test_not_while_a_worker_has_it_in_hand(self, acme: Organization) -> None:
        busy = call(acme, JobState.PENDING, leased_until=timezone.now() + timedelta(minutes=5))
        with pytest.raises(NotToBeMade, match="at this moment"):
            give_up_call(actor=ADMIN, call=busy, reason="Now.")
        Call.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        assert give_up_call(actor=ADMIN, call=busy, reason="Now.")

    @pytest.mark.parametrize("what", [{"state": JobState.DONE}, {"state": JobState.DEAD}])
    def test_what_is_over_is_not_given_up(self, acme: Organization, what: dict[str, Any]) -> None:
        with pytest.raises(NotToBeMade):
            give_up_call(actor=ADMIN, call=call(acme, **what), reason="Now.")

    def test_only_those_who_run_freehold_decide(self, acme: Organization) -> None:
        waiting, dead = call(acme, JobState.PENDING, topic="a"), call(acme, topic="b")
        for who in (Actor.staff(factories.reviewer()), Actor.worker(), Actor.person(factories.user(is_superuser=True))):
            with pytest.raises(NotPermitted):
                give_up_call(actor=who, call=waiting, reason="Now.")
            with pytest.raises(NotPermitted):
                retry_call(actor=who, call=dead)
        boss = Actor.staff(factories.reviewer(is_superuser=True))
        assert give_up_call(actor=boss, call=waiting, reason="Now.") and retry_call(actor=boss, call=dead)
