"""What Stripe would have told us, as rows: the standing depends on these and on the time, and on nothing else."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Mail
from billing.models import Allowance, Customer, Invoice, Plan, Price, Subscription, SubscriptionItem
from billing.vocabulary import Interval, Item, Tier
from namespaces.models import Grant
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import Role, State
from tests import factories

WORKER = Actor.worker()
DAY = timedelta(days=1)
HOSTED = "https://pay.example/i/1"
_numbers = itertools.count(1)


class Clock:
    """The time that everybody sees, stopped. What is in the mirror is compared as often as it moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = timezone.now().replace(microsecond=0)
        self.compares = True
        monkeypatch.setattr(timezone, "now", lambda: self.now)
        # A mail's time comes from the function that was there when the model was made.
        monkeypatch.setitem(Mail._meta.get_field("created_at").__dict__, "_get_default", lambda: self.now)

    def forward(self, days: float) -> datetime:
        return self.go_to(self.now + days * DAY)

    def go_to(self, moment: datetime) -> datetime:
        self.now = moment
        if self.compares:
            Subscription.objects.update(synced_at=moment)
            Customer.objects.update(compared_at=moment)
        return moment


def company(name: str = "acme", state: State = State.ACTIVE) -> Organization:
    """With Olga, who owns it, Bea, who pays for it, and Mia, who is told nothing."""
    made = factories.organization(name, state=state)
    for person, role in (("olga", Role.OWNER), ("bea", Role.BILLING), ("mia", Role.MEMBER)):
        factories.member(made, f"{person}-{name}", role)
    return made


def plan(roots_included: int = 1) -> Plan:
    made, is_new = Plan.objects.get_or_create(tier=Tier.TEAM, number=1, defaults={"roots_included": roots_included})
    if is_new:
        for item, amount in ((Item.SEAT, 500), (Item.ROOT, 4000)):
            Price.objects.create(
                plan=made, item=item, currency="usd", interval=Interval.MONTH, amount=amount, lookup_key=f"team-{item}"
            )
    return made


def subscription(
    organization: Organization, status: str = "active", *, seats: int = 5, roots: int = 1, **fields: Any
) -> Subscription:
    """One that was paid at least once, for so many seats and so many root namespaces in all."""
    customer, _ = Customer.objects.get_or_create(
        organization=organization, is_current=True, defaults={"stripe_id": f"cus_{next(_numbers)}", "livemode": False}
    )
    known = {"livemode": False, "currency": "usd", "interval": "month", "collection_method": "charge_automatically"}
    known |= {"started_at": timezone.now(), "synced_at": timezone.now(), "plan": plan()}
    made = Subscription.objects.create(
        stripe_id=f"sub_{next(_numbers)}", customer=customer, organization=organization, status=status, **known | fields
    )
    for item, quantity in ((Item.SEAT, seats), (Item.ROOT, roots - 1)):
        SubscriptionItem.objects.create(
            subscription=made,
            stripe_id=f"si_{next(_numbers)}",
            item=item,
            quantity=quantity,
            paid_quantity=quantity,
            price=plan().prices.get(item=item, currency="usd", interval=Interval.MONTH),
        )
    return made


def paid_for(made: Subscription, item: Item, quantity: int) -> None:
    made.items.filter(item=item).update(quantity=quantity, paid_quantity=quantity)


def invoice(of: Subscription | None, organization: Organization, status: str = "open", **fields: Any) -> Invoice:
    now = timezone.now()
    known: dict[str, Any] = {"currency": "usd", "collection_method": "charge_automatically"}
    known |= {"number": "F-1", "hosted_url": HOSTED}
    known |= dict.fromkeys(("subtotal", "total", "amount_due", "amount_remaining"), 5000)
    known |= {"amount_paid": 0, "created": now, "period_start": now, "period_end": now}
    return Invoice.objects.create(
        stripe_id=f"in_{next(_numbers)}",
        customer=organization.customers.get(),
        organization=organization,
        subscription=of,
        status=status,
        **known | fields,
    )


def allowance(organization: Organization, *, approved: bool = True, **fields: Any) -> Allowance:
    """What staff grants by hand."""
    asked, approver = factories.user(is_staff=True), factories.user(is_staff=True)
    known = {"reason": "A wire is on its way.", "seats": 3, "roots": 1, "since": timezone.now()}
    if approved:
        known |= {"approved_by": approver, "approved_at": timezone.now()}
    return Allowance.objects.create(organization=organization, requested_by=asked, **known | fields)


def decline(made: Subscription, since: datetime | None = None) -> Invoice:
    """A renewal whose payment did not go through."""
    made.status, made.unpaid_since = "past_due", since or timezone.now()
    made.save(update_fields=["status", "unpaid_since"])
    return invoice(made, made.organization, attempts=1)


def pay(made: Subscription) -> None:
    made.status, made.unpaid_since = "active", None
    made.save(update_fields=["status", "unpaid_since"])
    made.invoices.filter(status="open").update(status="paid", amount_remaining=0)


def states(organization: Organization) -> dict[str, GrantState]:
    found = Grant.objects.filter(owner=organization).order_by("name").values_list("name", "state")
    return {name: GrantState(state) for name, state in found}


def subjects(to: str = "") -> list[str]:
    """Of the mails so far, oldest first; to one person or to all."""
    return list(Mail.objects.filter(to__startswith=to).order_by("pk").values_list("subject", flat=True))


def standing(organization: Organization) -> str:
    organization.refresh_from_db()
    return organization.standing
