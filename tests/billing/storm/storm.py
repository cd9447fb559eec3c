"""The storm itself: an operation after the other, drawn by lot, and a look at everything every now and then."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable

from billing.gateway.errors import GatewayError
from billing.models import Call, Drift, Event, Reconciliation
from billing.sandbox import events
from billing.sandbox.errors import StripeFault
from billing.services import balancing, inbox, ladder, outbox, reconciling
from billing.vocabulary import JobState
from freehold.errors import DomainError
from tests.billing.storm import checks
from tests.billing.storm.dashboard import Dashboard
from tests.billing.storm.machines import LONG, Machines
from tests.billing.storm.people import Nothing, People
from tests.billing.storm.place import BEGIN, Hands
from tests.billing.storm.truth import Truth

ORGANIZATIONS = 36
LOOK_EVERY = 20
TELL_EVERY = 500
PEOPLE = {
    "begin": 8,
    "pay": 10,
    "come_back": 2,
    "drop": 1,
    "ask_for_quote": 3,
    "accept": 4,
    "decide_allowance": 2,
    "wire": 5,
    "change_quantities": 8,
    "change_plan": 3,
    "keep_plan": 1,
    "end": 2,
    "take_back": 3,
    "come": 4,
    "go": 2,
    "hold": 3,
    "open_to_all": 1,
}
DASHBOARD = {
    "break_card": 3,
    "mend_card": 4,
    "fail_next": 3,
    "pay_invoice": 5,
    "end_debit": 4,
    "authenticate": 3,
    "refund": 2,
    "end_refund": 1,
    "credit": 2,
    "give_credit": 1,
    "void_credit": 1,
    "dispute": 1,
    "end_dispute": 1,
    "pay_out": 2,
    "edit_quantity": 3,
    "cancel_later": 1,
    "cancel": 0.5,
    "delete_customer": 0.3,
    "void": 1,
    "write_off": 1,
    "finalize": 2,
    "bill_by_hand": 1,
    "set_dunning": 1,
    "resend": 2,
    "stranger": 0.5,
}
MACHINES = {
    "deliver": 8,
    "settle": 3,
    "call": 5,
    "work": 1.5,
    "sweep": 2,
    "reconcile": 0.7,
    "reconcile_everything": 0.1,
    "balance": 0.3,
    "change_plans": 2,
    "mend": 1,
    "expire": 1,
    "seconds": 8,
    "minutes": 8,
    "hours": 5,
    "days": 6,
    "outage": 1,
    "outage_ends": 2,
}


class Storm:
    def __init__(self, hands: Hands, seed: int, organizations: int = ORGANIZATIONS) -> None:
        self.hands, self.dice = hands, random.Random(f"storm {seed}")
        self.truth = Truth(hands.sandbox, lambda: hands.now)
        self.people = People(hands, self.dice, organizations)
        self.watch = checks.Watch(self.truth, self.people)
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.complaints: set[str] = set()
        self.kinds, self.weights = self._entered(Dashboard(hands, self.dice), Machines(hands, self.dice))

    def _entered(self, dashboard: Dashboard, machines: Machines) -> tuple[list[Callable[[], None]], list[float]]:
        sides = ((self.people, PEOPLE), (dashboard, DASHBOARD), (machines, MACHINES))
        found = [(getattr(side, name), weight) for side, names in sides for name, weight in names.items()]
        return [kind for kind, _ in found], [weight for _, weight in found]

    def rage(self, operations: int) -> None:
        self.hands.weather.begin()
        began = time.process_time()
        for number in range(operations):
            self._next(number)
            if number % TELL_EVERY == TELL_EVERY - 1:
                each = (time.process_time() - began) / TELL_EVERY
                print(f"{number + 1} operations, {each * 1000:.0f} ms each", file=sys.stderr, flush=True)
                began = time.process_time()
            if number % LOOK_EVERY == 0:
                self.watch.look(self.hands.now)
                self.complaints |= checks.complaints()

    def _next(self, number: int) -> None:
        while True:
            act = self.dice.choices(self.kinds, self.weights)[0]
            name = f"{type(act.__self__).__name__.lower()}.{act.__name__}"  # type: ignore[attr-defined]  # bound methods, all of them
            began = time.process_time()
            try:
                act()
            except Nothing:
                continue
            except (DomainError, GatewayError, StripeFault) as error:
                self.refused[f"{name}: {type(error).__name__}"] += 1
            except Exception as error:
                error.add_note(f"operation {number}, {name}, {self.hands.now}")
                raise
            self.done[name] += 1
            self.seconds[name] += time.process_time() - began
            return

    # --- Afterwards ---------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """The trouble is over: all that is on its way arrives, and what was put off is done."""
        self.hands.weather.clear()
        for _ in range(100):
            self.hands.deliverer.pump(everything=True)
            while inbox.settle(seconds=LONG) + outbox.make_calls(seconds=LONG):
                pass
            if not events.waiting(self.hands.sandbox) and not self._waits():
                return
            self.hands.forward(minutes=25)
        raise AssertionError(f"It never settles: {self._waits()}")

    def _waits(self) -> list[tuple[str, str]]:
        waiting = [*Event.objects.filter(state=JobState.PENDING), *Call.objects.filter(state=JobState.PENDING)]
        return [(str(row), row.error) for row in waiting]

    def compare(self) -> Reconciliation:
        """What was lost is found; what follows from it is done."""
        self.hands.forward(minutes=10)
        first = reconciling.reconcile(kind=reconciling.EVERYTHING)
        self.settle()
        balancing.balance_ledger(everything=True)
        ladder.sweep()
        self.settle()
        return first

    def check(self) -> None:
        second = reconciling.reconcile(kind=reconciling.EVERYTHING)
        drifts = [row for row in second.drifts.all() if row.field not in {"seats wanted", "namespaces wanted"}]
        assert not second.error and not drifts, [(str(row), row.ours, row.theirs) for row in drifts]
        self.watch.look(self.hands.now)
        checks.nothing_is_stuck()
        checks.mirror_is_true(self.hands.sandbox, self.truth)
        checks.ledger_is_true(self.hands.sandbox)
        checks.standings_are_true(self.truth, self.people)
        assert not self.complaints, self.complaints

    def figures(self) -> str:
        drifts = Drift.objects.exclude(object_type="balance")
        rows = [
            ("operations", self.done.total()),
            *sorted(self.done.items()),
            ("refused", self.refused.total()),
            *sorted(self.refused.items()),
            ("faults", self.hands.weather.struck.total()),
            *sorted(self.hands.weather.struck.items()),
            ("events at Stripe", len(self.hands.sandbox.objects["event"])),
            ("answers to deliveries", dict(Counter(self.hands.statuses))),
            ("events here", dict(Counter(Event.objects.values_list("state", flat=True)))),
            ("calls", dict(Counter(Call.objects.values_list("state", flat=True)))),
            ("comparisons", Reconciliation.objects.count()),
            ("drift repaired", drifts.filter(repaired=True).count()),
            ("drift left for staff", drifts.filter(repaired=False).count()),
            ("days", (self.hands.now - BEGIN).days),
            ("changes of standing", self.watch.changes),
            ("looks", self.watch.looked),
        ]
        return "\n".join(f"{name:48} {count}" for name, count in rows)

    def times(self) -> str:
        """Seconds of the processor, of what took longest."""
        longest = sorted(self.seconds.items(), key=lambda item: -item[1])[:10]
        return "\n".join(f"{name:48} {spent:.1f} s" for name, spent in longest)
