"""What runs by itself: the way of events, the workers, and time."""

from __future__ import annotations

import random
from datetime import timedelta

from billing.models import Reconciliation
from billing.services import (
    balancing,
    endings,
    inbox,
    ladder,
    outbox,
    plan_changes,
    purchases,
    quantity_sweep,
    reconciling,
)
from orgs.actors import Actor
from tests.billing.storm.place import Hands

SELDOM = timedelta(days=20)
LONG = 1e6
"""Seconds that a worker may take, so that it does all that is due."""


class Machines:
    def __init__(self, hands: Hands, dice: random.Random) -> None:
        self.hands, self.dice, self.worker = hands, dice, Actor.worker()

    def deliver(self) -> None:
        self.hands.deliverer.pump()

    def settle(self) -> None:
        inbox.settle(seconds=LONG)

    def call(self) -> None:
        outbox.make_calls(seconds=LONG)

    def work(self) -> None:
        """As it is on most days: what happens is told at once, and followed."""
        self.hands.deliverer.pump()
        while inbox.settle(seconds=LONG) + outbox.make_calls(seconds=LONG):
            pass

    def sweep(self) -> None:
        ladder.sweep()

    def reconcile(self) -> None:
        reconciling.reconcile(kind=reconciling.LATELY)

    def reconcile_everything(self) -> None:
        reconciling.reconcile(kind=reconciling.EVERYTHING)

    def balance(self) -> None:
        balancing.balance_ledger()

    def change_plans(self) -> None:
        plan_changes.make_due(actor=self.worker)

    def mend(self) -> None:
        quantity_sweep.sweep_quantities(actor=self.worker)

    def expire(self) -> None:
        purchases.expire_purchases(actor=self.worker)
        endings.end_abandoned(actor=self.worker)

    def seconds(self) -> None:
        self.hands.forward(seconds=self.dice.randrange(5, 60))

    def minutes(self) -> None:
        self.hands.forward(minutes=self.dice.randrange(5, 50))

    def hours(self) -> None:
        self.hands.forward(hours=self.dice.randrange(1, 24))

    def days(self) -> None:
        """What is compared each night is compared every few weeks at least: Stripe forgets its events after thirty."""
        self.hands.forward(days=self.dice.randrange(1, 7))
        whole = Reconciliation.objects.filter(kind=reconciling.EVERYTHING, ended_at__isnull=False)
        if not whole.filter(started_at__gt=self.hands.now - SELDOM).exists():
            self.reconcile_everything()
            self.balance()

    def outage(self) -> None:
        self.hands.weather.outage()

    def outage_ends(self) -> None:
        self.hands.weather.clear()
        self.hands.weather.begin()
