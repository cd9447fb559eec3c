"""Scenario 8 with real processes: after an outage of ours Stripe sends all that it has at once."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

import pytest
from django.test import override_settings

from billing.gateway.calls import gateway
from billing.models import Event, Invoice, Subscription
from billing.sandbox.store import Object, Sandbox
from billing.vocabulary import JobState
from tests.billing import world
from tests.billing.inbox.letters import BILLING
from tests.billing.running.site import Site, deliver_at_once, stripe_beside
from tests.commands import database_url
from tests.e2e.processes import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
EVENTS, BUYERS = 500, 12
ACCEPTED_SECONDS, SETTLED_SECONDS = 5.0, 60.0


def others() -> float:
    """By how much this machine is slower than one that does nothing else: processes that want a processor, for each."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def history(sandbox: Sandbox) -> list[Object]:
    """What Stripe has to tell of some purchases and of what came after them."""
    world.plans()
    bought = [world.bought(world.company(f"buyer{number}")) for number in range(BUYERS)]
    stripe = gateway()
    number = 0
    while len(sandbox.objects["event"]) < EVENTS:
        number += 1
        stripe.v1.subscriptions.update(bought[number % BUYERS].stripe_id, {"metadata": {"n": str(number)}})
    Invoice.objects.all().delete()  # as if nothing had been told us of what was paid
    return list(sandbox.objects["event"].values())[:EVENTS]


def test_scenario_08_500_events_at_once_are_accepted_in_5_seconds_and_settled_in_60_once_each(tmp_path: Path) -> None:
    sandbox = world.sandbox()
    with override_settings(FREEHOLD_STRIPE=BILLING), stripe_beside(sandbox) as stripe:
        events = history(sandbox)
        site = Site(tmp_path, stripe=stripe, database=database_url(), broker="folder://")
        try:
            port = site.web()
            site.worker()
            site.clock()
            began = time.monotonic()
            statuses = deliver_at_once(port, events, sandbox)
            accepted = time.monotonic() - began
            wait_until(all_settled, SETTLED_SECONDS * others(), lambda: f"{pending()} of {EVENTS} wait")
            settled = time.monotonic() - began
        finally:
            site.stop()
    print(f"{EVENTS} events: accepted in {accepted:.1f} s, settled in {settled:.1f} s, load {others():.1f}")
    assert Counter(statuses) == {200: EVENTS}
    assert accepted <= ACCEPTED_SECONDS * others()
    assert Event.objects.count() == EVENTS
    assert set(Event.objects.values_list("attempts", "error")) <= {(0, ""), (1, "")}, "once each"
    assert set(Event.objects.values_list("state", flat=True)) <= {JobState.DONE, JobState.IGNORED}
    assert Subscription.objects.filter(status="active").count() == BUYERS
    assert Invoice.objects.filter(status="paid").count() == BUYERS


def pending() -> int:
    return Event.objects.filter(state=JobState.PENDING).count()


def all_settled() -> bool:
    return Event.objects.count() == EVENTS and not pending()
