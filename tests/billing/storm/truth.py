"""What is true of everybody's payments, from the sandbox's own objects: beside this the mirror is measured.

Nothing here reads the mirror. What has been true is kept for as long as our look at it may be old.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from billing.sandbox import invoices
from billing.sandbox.store import Object, Sandbox
from billing.standing import ByHand, Judgement, Known, Subscription, judge
from orgs.vocabulary import Kind, Standing

Facts = tuple[Subscription, ...]
PAID_UP = frozenset({"active", "trialing"})


@dataclass(frozen=True, slots=True)
class Seen:
    """So it was since ``at``."""

    at: datetime
    facts: Facts


def moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def subscriptions_of(sandbox: Sandbox, customers: Iterable[str]) -> Facts:
    found = [sub for one in customers for sub in sandbox.find("subscription", customer=one)]
    return tuple(_facts(sandbox, sub) for sub in sorted(found, key=lambda sub: (sub["created"], sub["id"])))


def _facts(sandbox: Sandbox, sub: Object) -> Subscription:
    bills = invoices_of(sandbox, sub)
    due = [at for bill in bills if (at := _due(sandbox, sub, bill)) is not None]
    return Subscription(
        status=sub["status"],
        unpaid_since=min(due, default=None),
        ended_at=moment(sub["ended_at"]),
        is_promise=_is_promise(sub, bills),
    )


def invoices_of(sandbox: Sandbox, sub: Object) -> list[Object]:
    found = sandbox.find("invoice", customer=sub["customer"])
    return [invoice for invoice in found if invoices.subscription_of(invoice) == sub["id"]]


def _is_promise(sub: Object, bills: list[Object]) -> bool:
    """Ordered, and never paid for: it is good for who begins, and brings nobody back who has lapsed."""
    first = any(bill["billing_reason"] == "subscription_create" for bill in bills)
    return first and sub["status"] != "trialing" and not any(bill["status"] == "paid" for bill in bills)


def _due(sandbox: Sandbox, sub: Object, invoice: Object) -> datetime | None:
    """Since when it is owed: by invoice from its day on, by card from the first attempt on; not while the bank is at
    it, nor for more than there is until it is paid."""
    owed = invoice["status"] == "open" or (invoice["status"] == "uncollectible" and sub["status"] not in PAID_UP)
    if not owed or not invoice["amount_remaining"]:
        return None
    if invoice["collection_method"] == "send_invoice":
        return moment(invoice["due_date"])
    held = sub["pending_update"] is not None and sub["latest_invoice"] == invoice["id"]
    intents = sandbox.find("payment_intent", customer=invoice["customer"])
    under_way = any(one.get("_invoice") == invoice["id"] and one["status"] == "processing" for one in intents)
    if held or under_way or not invoice["attempt_count"]:
        return None
    return moment(invoice["status_transitions"]["finalized_at"])


class Truth:
    """The history of what was true, of each organization. ``owners`` says whose a customer is."""

    def __init__(self, sandbox: Sandbox, now: Callable[[], datetime]) -> None:
        self.sandbox, self.now = sandbox, now
        self.customers: dict[int, dict[str, None]] = defaultdict(dict)
        self.history: dict[int, list[Seen]] = defaultdict(list)
        sandbox.listeners.append(self._hear)

    def _hear(self, event: Object) -> None:
        told = event["data"]["object"]
        customer = told["id"] if told["object"] == "customer" else told.get("customer")
        if customer:
            self.note(str(customer))

    def note(self, customer: str) -> None:
        owner = self.sandbox.objects["customer"].get(customer, {}).get("metadata", {}).get("freehold_organization")
        if owner:
            self.customers[int(owner)][customer] = None
        for number, customers in self.customers.items():
            if customer in customers:
                self.look(number)

    def look(self, organization: int) -> Facts:
        facts, history = self.current(organization), self.history[organization]
        if not history or history[-1].facts != facts:
            history.append(Seen(self.now(), facts))
        return facts

    def current(self, organization: int) -> Facts:
        return subscriptions_of(self.sandbox, self.customers[organization])

    def between(self, organization: int, first: datetime, last: datetime) -> list[Facts]:
        """All that was true at some moment from ``first`` to ``last``."""
        history = self.history[organization]
        ends = [*(seen.at for seen in history[1:]), last]
        found = [seen.facts for seen, end in zip(history, ends, strict=False) if seen.at <= last and end >= first]
        return found or [()]


def judged(facts: Facts, by_hand: Iterable[ByHand], before: Standing, since: datetime, now: datetime) -> Judgement:
    known = Known(kind=Kind.COMPANY, before=before, since=since, subscriptions=facts, by_hand=tuple(by_hand))
    return judge(known, now)
