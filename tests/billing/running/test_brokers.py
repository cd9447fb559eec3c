"""The jobs of billing on real brokers, with workers and brokers that are killed in the middle of a job: whatever is lost
on the way, the rows in the database bring it back, and Stripe's keys keep it from being done twice."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from billing.models import Call, Event, Subscription
from billing.sandbox.app import App
from billing.sandbox.store import Sandbox
from billing.services.outbox import enqueue
from billing.vocabulary import CallKind, JobState
from tests.billing import world
from tests.billing.inbox.letters import BILLING
from tests.billing.running.brokers import BROKERS, Broker
from tests.billing.running.site import Program, Site, deliver_at_once, stripe_beside
from tests.commands import database_url
from tests.e2e.processes import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.service, pytest.mark.django_db(transaction=True)]
SECONDS = 90.0
Breakdown = Callable[[Program, Broker], None]


def the_worker(worker: Program, broker: Broker) -> None:
    worker.kill()
    worker.start()


def the_broker(worker: Program, broker: Broker) -> None:
    broker.kill()
    broker.start()


def both(worker: Program, broker: Broker) -> None:
    broker.kill()
    worker.kill()
    broker.start()
    worker.start()


# All three of the one that starts in no time; what takes its time dies once, and the worker with it.
BREAKDOWNS: dict[str, list[Breakdown]] = {"redis": [the_worker, the_broker, both], "rabbitmq": [both]}


class Gate:
    """Lets a test stop Stripe in the middle of a write: what is sent waits inside until it is let go, and is then done,
    whether or not anybody waits for the answer any more."""

    def __init__(self) -> None:
        self.is_shut, self.inside, self.go = False, threading.Event(), threading.Event()

    def shut(self) -> None:
        self.inside.clear()
        self.go.clear()
        self.is_shut = True

    def wait_inside(self) -> None:
        assert self.inside.wait(SECONDS), "nobody wrote anything to Stripe"
        self.is_shut = False

    @contextmanager
    def built_into(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
        really = App.handle

        def handle(app: App, method: str, path: str, *rest: Any) -> Any:
            if self.is_shut and method in {"POST", "DELETE"}:
                self.inside.set()
                self.go.wait(SECONDS)
            return really(app, method, path, *rest)

        with monkeypatch.context() as patch:
            patch.setattr(App, "handle", handle)
            yield self


@pytest.mark.parametrize("name", BROKERS)
def test_killed_in_the_middle_of_a_job_nothing_is_lost_and_nothing_is_done_twice(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox, gate = world.sandbox(), Gate()
    with override_settings(FREEHOLD_STRIPE=BILLING), stripe_beside(sandbox) as stripe, gate.built_into(monkeypatch):
        world.plans()
        bought = [world.bought(world.company(f"buyer{number}")) for number in range(2 * len(BREAKDOWNS[name]))]
        broker = BROKERS[name](tmp_path)
        site = Site(tmp_path, stripe=stripe, database=database_url(), broker=broker.url)
        try:
            port = site.web()
            worker = site.worker()
            site.clock()
            for breakdown, pair in zip(BREAKDOWNS[name], zip(bought[::2], bought[1::2], strict=True), strict=True):
                break_down(breakdown, pair, gate, worker, broker)
                assert set(deliver_at_once(port, list(sandbox.objects["event"].values()), sandbox)) == {200}
            wait_until(nothing_waits, SECONDS, what_waits)
        finally:
            gate.go.set()
            site.stop()
            broker.stop()
    everything_was_done_once(sandbox, len(bought))


def break_down(
    breakdown: Breakdown, pair: tuple[Subscription, ...], gate: Gate, worker: Program, broker: Broker
) -> None:
    """Two are to be cancelled with their money back. While Stripe is about to do so, something dies."""
    gate.shut()
    for subscription in pair:
        arguments = {"subscription": subscription.stripe_id, "give_back": "all", "n": uuid.uuid4().hex}
        enqueue(kind=CallKind.CANCEL_NOW, organization=subscription.organization, arguments=arguments)
    gate.wait_inside()
    breakdown(worker, broker)
    gate.go.set()
    let_time_pass()


def let_time_pass() -> None:
    """Until what was in a dead hand is free."""
    for model in (Event, Call):
        held = model.objects.filter(state=JobState.PENDING, leased_until__isnull=False)
        held.update(leased_until=timezone.now(), due_at=timezone.now())


def nothing_waits() -> bool:
    let_those_go_that_failed_meanwhile()
    return not any(model.objects.filter(state=JobState.PENDING).exists() for model in (Event, Call))


def let_those_go_that_failed_meanwhile() -> None:
    for model in (Event, Call):
        model.objects.filter(state=JobState.PENDING, leased_until=None).update(due_at=timezone.now())


def what_waits() -> str:
    found = [*Event.objects.filter(state=JobState.PENDING), *Call.objects.filter(state=JobState.PENDING)]
    return "\n".join(f"{row} {row.attempts} {row.leased_until} {row.error}" for row in found)


def everything_was_done_once(sandbox: Sandbox, number: int) -> None:
    assert set(Call.objects.values_list("state", flat=True)) == {JobState.DONE}
    assert Subscription.objects.filter(status="canceled").count() == number
    notes = [note["invoice"] for note in sandbox.find("credit_note")]
    refunds = [refund["charge"] for refund in sandbox.find("refund")]
    assert len(notes) == len(set(notes)) == number
    assert len(refunds) == len(set(refunds)) == number
    charges = {charge["id"]: charge["amount"] for charge in sandbox.find("charge")}
    assert all(refund["amount"] == charges[refund["charge"]] for refund in sandbox.find("refund"))
    assert set(sandbox.objects["event"]) >= set(Event.objects.values_list("stripe_id", flat=True))
