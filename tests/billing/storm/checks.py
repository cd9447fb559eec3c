"""What must be true at every moment of the storm, and what at its end."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from django.db.models import Count, Sum

from billing.bookkeeping import Account, Posting
from billing.gateway.calls import gateway
from billing.models import (
    Allowance,
    Call,
    Customer,
    Event,
    Health,
    Invoice,
    LedgerEntry,
    LedgerLine,
    StandingChange,
    Subscription,
    Wire,
)
from billing.money import from_stripe
from billing.reports.balances import differences
from billing.sandbox.store import Object, Sandbox
from billing.selectors.entitlements import entitlement, in_use
from billing.services.standings import FRESH
from billing.standing import LOCKED, ByHand
from billing.vocabulary import JobState
from namespaces.models import Grant
from namespaces.states import GrantState, LockCause
from orgs.models import AuditEvent, Organization
from orgs.vocabulary import Standing, State
from tests.billing.ledger.made import books
from tests.billing.storm.people import People
from tests.billing.storm.truth import Facts, Truth, judged

AN_OUTAGE = ("Unavailable", "Misconfigured")
EXPLAINED = (
    "Declined:",  # the bank said no
    "disputed",  # what the bank took back can't be given back once more
    "begun a day ago",  # nobody knows any more whether it was done: staff looks
)
"""What a call may be given up for."""


class Watch:
    """Looks again and again, and remembers how far it has looked."""

    def __init__(self, truth: Truth, people: People) -> None:
        self.truth, self.people = truth, people
        self.seen = 0
        self.looked = self.changes = 0
        self.opened: set[int] = set()
        self.taken: set[tuple[int, datetime]] = set()

    def look(self, now: datetime) -> None:
        self.looked += 1
        for organization in self.people.organizations:
            self.truth.look(organization.pk)
        self._changes()
        self._namespaces()
        self._beginnings()

    def _changes(self) -> None:
        """Nobody's standing changed but by what was true, as late as we looked."""
        for change in StandingChange.objects.filter(pk__gt=self.seen).order_by("pk"):
            self.seen, self.changes = change.pk, self.changes + 1
            before, after = Standing(change.before), Standing(change.after)
            by_hand = [_by_hand(one) for one in change.facts["by_hand"]]
            facts = self.truth.between(change.organization_id, change.at - FRESH, change.at)
            allowed = {judged(one, by_hand, before, _at(change.facts["since"]), change.at).standing for one in facts}
            assert after in allowed, f"{change} on {change.evidence} at {change.at}: {change.facts}, but {facts}"

    def _namespaces(self) -> None:
        """What is locked for a lapse is a lapsed one's, what is taken has had its time, nothing is open by itself."""
        lapsed = dict(Health.objects.filter(standing=Standing.LAPSED).values_list("organization_id", "since"))
        good = set(Health.objects.filter(standing=Standing.GOOD).values_list("organization_id", flat=True))
        for grant in Grant.objects.filter(owner__in=self.people.organizations).prefetch_related("locks"):
            causes = {lock.cause for lock in grant.locks.all()}
            if grant.state == GrantState.LOCKED and LockCause.STANDING in causes:
                assert grant.owner_id in lapsed, f"{grant} is locked, and {grant.owner} has not lapsed"
            if grant.state == GrantState.QUARANTINED and grant.owner_id in lapsed:
                self._was_due(grant, lapsed[grant.owner_id])
            elif grant.state == GrantState.QUARANTINED and grant.owner_id in good:
                paid = entitlement(grant.owner).roots
                full = paid is not None and in_use(grant.owner).roots >= paid
                assert full, f"{grant} is in quarantine, and {grant.owner} pays for more than it has"
            if grant.state == GrantState.ACTIVE:
                assert grant.owner_id not in lapsed, f"{grant} goes on, and {grant.owner} has lapsed"
            if grant.state == GrantState.RELEASED and grant.pk not in self.opened:
                said = AuditEvent.objects.filter(action="organization.released", organization=grant.owner.name)
                assert said.exclude(actor__startswith="worker").exists(), f"{grant} was opened by a machine"
                self.opened.add(grant.pk)

    def _was_due(self, grant: Grant, since: datetime) -> None:
        """When it was taken. Who pays a part after that may owe the rest since a later day."""
        if (grant.pk, grant.state_changed_at) in self.taken:
            return
        self.taken.add((grant.pk, grant.state_changed_at))
        lapses = StandingChange.objects.filter(
            organization=grant.owner, after=Standing.LAPSED, at__lte=grant.state_changed_at
        )
        since = min([since, *lapses.order_by("-pk").values_list("since", flat=True)[:1]])
        assert since + LOCKED <= grant.state_changed_at, f"{grant} was taken too early"

    def _beginnings(self) -> None:
        """Nobody begins before there was something paid, or somebody of the staff said so."""
        for one in Organization.objects.filter(pk__in=self.truth.customers, state=State.ACTIVE):
            was_good = any(_has_paid(seen.facts) for seen in self.truth.history[one.pk])
            promised = Allowance.objects.filter(organization=one, approved_by__isnull=False).exists()
            assert was_good or promised, f"{one} began, and nothing was paid"


def _by_hand(told: dict[str, str | None]) -> ByHand:
    return ByHand(since=_at(told["since"]), until=_at(told["until"]) if told["until"] else None)


def _at(text: str | None) -> datetime:
    return datetime.fromisoformat(text or "")


def _has_paid(facts: Facts) -> bool:
    return any(one.status not in {"incomplete", "incomplete_expired"} for one in facts)


# --- At the end -------------------------------------------------------------------------------------------------------


def standings_are_true(truth: Truth, people: People) -> None:
    for one in Organization.objects.filter(pk__in=[one.pk for one in people.organizations]):
        health = Health.objects.filter(organization=one).first()
        by_hand = [
            ByHand(since=row.since, until=min(filter(None, (row.until, row.ended_at)), default=None))
            for row in Allowance.objects.filter(organization=one, approved_by__isnull=False)
        ]
        before, since = Standing(one.standing), health.since if health else one.created_at
        found = judged(truth.current(one.pk), by_hand, before, since, truth.now())
        assert found.standing == one.standing, f"{one}: {one.standing}, but {found} of {truth.current(one.pk)}"
        if health is not None:
            told = (health.standing, health.since, health.step)
            assert told == (found.standing, found.since, found.step), f"{one}: {told}, but {found}"


def mirror_is_true(sandbox: Sandbox, truth: Truth) -> None:
    """Everything that is ours at Stripe is here, as it is there; and nothing else."""
    ours = {customer for customers in truth.customers.values() for customer in customers}
    assert ours == set(Customer.objects.values_list("stripe_id", flat=True))
    theirs = {kind: {one["id"]: one for one in sandbox.find(kind) if one["customer"] in ours} for kind in KINDS}
    rows = Subscription.objects.prefetch_related("items").in_bulk(field_name="stripe_id")
    assert rows.keys() == theirs["subscription"].keys()
    for identifier, row in rows.items():
        _compare_subscription(row, theirs["subscription"][identifier])
    bills = Invoice.objects.exclude(status="deleted").in_bulk(field_name="stripe_id")
    assert bills.keys() == theirs["invoice"].keys()
    for identifier, bill in bills.items():
        _compare_invoice(bill, theirs["invoice"][identifier])


KINDS = ("subscription", "invoice")


def _compare_subscription(row: Subscription, theirs: Object) -> None:
    mine = {item.stripe_id: item.quantity for item in row.items.all()}
    assert row.status == theirs["status"], row
    assert mine == {item["id"]: item.get("quantity", 0) for item in theirs["items"]["data"]}, row
    assert (row.ended_at is None) == (theirs["ended_at"] is None), row


def _compare_invoice(row: Invoice, theirs: Object) -> None:
    sums = ("total", "amount_due", "amount_paid", "amount_remaining")
    mine = (row.status, *(getattr(row, name) for name in sums))
    told = (theirs["status"], *(from_stripe(theirs[name], theirs["currency"]).amount for name in sums))
    assert mine == told, f"{row}: {mine}, but {told}"


def ledger_is_true(sandbox: Sandbox) -> None:
    """Balanced, equal to Stripe's balance, and every movement of it is booked, once."""
    for currency in LedgerLine.objects.order_by("currency").values_list("currency", flat=True).distinct():
        books(currency)
    assert differences(gateway().balance()) == []
    _compare_credit(sandbox)
    _compare_claims(sandbox)
    movements = [one for one in sandbox.find("balance_transaction") if one["amount"] or one["fee"]]
    moved = {f"balance_transaction:{one['id']}" for one in movements}
    booked = set(LedgerEntry.objects.filter(source__startswith="balance_transaction:").values_list("source", flat=True))
    assert booked == moved, f"booked for nothing: {booked - moved}, not booked: {_named(movements, moved - booked)}"
    charges = LedgerEntry.objects.filter(kind=Posting.CHARGE)
    twice = charges.values("reference").annotate(times=Count("pk")).filter(times__gt=1)
    assert not twice.exists(), list(twice)
    paid = {one["id"] for one in sandbox.find("charge") if one["status"] == "succeeded"}
    posted = set(charges.values_list("reference", flat=True))
    assert posted == paid, f"posted for nothing: {posted - paid}, not posted: {paid - posted}"


def _compare_credit(sandbox: Sandbox) -> None:
    """What the ledger owes to customers is what they have at Stripe."""
    owed: dict[tuple[int, str], int] = defaultdict(int)
    lines = LedgerLine.objects.filter(account=Account.CUSTOMER_BALANCE)
    for pk, currency, amount in lines.values_list("entry__organization", "currency", "amount"):
        owed[pk, currency] -= amount
    for customer in Customer.objects.all():
        theirs = sandbox.get("customer", customer.stripe_id)
        if not theirs.get("deleted") and theirs["balance"]:
            amount = from_stripe(theirs["balance"], theirs["currency"]).amount
            owed[customer.organization_id, theirs["currency"]] += amount
    assert not any(owed.values()), {key: amount for key, amount in owed.items() if amount}


def _compare_claims(sandbox: Sandbox) -> None:
    """What the ledger has to claim is what Stripe still asks for. Of what came by wire Stripe may not know: it may have
    come for an invoice that was void or paid by then, and stands in the ledger until it is sent back."""
    wired = Wire.objects.values_list("invoice__stripe_id")
    lines = LedgerLine.objects.filter(account=Account.RECEIVABLE).exclude(entry__subject__in=wired)
    owed = {told: amount for told, amount in lines.values_list("entry__subject").annotate(Sum("amount")) if amount}
    asked: dict[str, int] = {}
    for bill in Invoice.objects.filter(status="open", wires=None):
        theirs = sandbox.get("invoice", bill.stripe_id)
        if theirs["amount_remaining"]:
            asked[bill.stripe_id] = from_stripe(theirs["amount_remaining"], theirs["currency"]).amount
    assert owed == asked, f"claimed {dict(owed.items() - asked.items())}, but {dict(asked.items() - owed.items())}"


def _named(movements: list[Object], missing: set[str]) -> list[Object]:
    return [one for one in movements if f"balance_transaction:{one['id']}" in missing]


def nothing_is_stuck() -> None:
    assert not Event.objects.filter(state=JobState.PENDING).exists()
    assert not Call.objects.filter(state=JobState.PENDING).exists()
    assert not Event.objects.filter(state=JobState.DEAD).exists()
    dead = [call for call in Call.objects.filter(state=JobState.DEAD) if not is_explained(call.error)]
    assert not dead, [(call.kind, call.arguments, call.error) for call in dead]


def is_explained(error: str) -> bool:
    return any(words in error for words in EXPLAINED)


def complaints() -> set[str]:
    """What workers said of rows that wait, other than that Stripe does not answer."""
    found = set(Event.objects.exclude(error="").values_list("error", flat=True))
    found |= set(Call.objects.exclude(error="").filter(state=JobState.PENDING).values_list("error", flat=True))
    return {text for text in found if not text.startswith(AN_OUTAGE)}
