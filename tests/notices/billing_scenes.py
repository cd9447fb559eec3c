"""What Freehold writes about payments and what depends on them (see ``scenes``)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from billing.models import Customer, Event, Health, Invoice, Plan, Price, Subscription, SubscriptionItem
from billing.services import standing_mails
from billing.services.price_moves import announce_prices
from billing.standing import GRACE, LOCKED, QUARANTINE, Evidence
from billing.vocabulary import Interval, Item, Tier
from namespaces.models import Grant
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import Role, Standing, State
from tests import factories
from tests.notices.scenes import DAY, NOW, acme, scene

HOSTED = "https://pay.example/i/1"


def paying(state: State = State.ACTIVE) -> Organization:
    """Acme, for which Bea pays; its manager is told nothing."""
    made = acme(state=state)
    factories.member(made, "bea", Role.BILLING)
    return made


def subscribed(organization: Organization, method: str = "charge_automatically") -> Subscription:
    customer = Customer.objects.create(organization=organization, stripe_id="cus_1", livemode=False)
    return Subscription.objects.create(
        stripe_id="sub_1", customer=customer, organization=organization, status="past_due", livemode=False,
        currency="usd", collection_method=method, started_at=NOW - 30 * DAY,
    )  # fmt: skip


def owed(organization: Organization, method: str = "charge_automatically", **fields: Any) -> Invoice:
    amounts = dict.fromkeys(("subtotal", "total", "amount_due", "amount_remaining"), 5000)
    known: dict[str, Any] = {"status": "open", **amounts}
    made = subscribed(organization, method)
    return Invoice.objects.create(
        stripe_id="in_1", customer=made.customer, organization=organization, subscription=made, currency="usd",
        collection_method=method, number="F-2026-0042", hosted_url=HOSTED, amount_paid=0, created=NOW,
        period_start=NOW, period_end=NOW, **known | fields,
    )  # fmt: skip


def changed(organization: Organization, to: Standing, evidence: Evidence, until: datetime | None = None) -> None:
    was = Standing.GRACE if to is Standing.GOOD else Standing.GOOD
    health = Health(organization=organization, standing=to, evidence=evidence, since=NOW, until=until)
    standing_mails.tell_of_change(organization, health, was)


@scene("billing_payment_failed.declined")
def declined() -> None:
    organization = paying()
    owed(organization)
    changed(organization, Standing.GRACE, Evidence.PAYMENT_FAILED, NOW + GRACE)


@scene("billing_payment_failed.to_confirm")
def to_confirm() -> None:
    organization = paying()
    owed(organization)
    Event.objects.create(stripe_id="evt_1", type=standing_mails.CONFIRM, object_id="in_1", livemode=False, created=NOW)
    changed(organization, Standing.GRACE, Evidence.PAYMENT_FAILED, NOW + GRACE)


@scene("billing_payment_failed.overdue")
def overdue() -> None:
    organization = paying()
    owed(organization, "send_invoice")
    changed(organization, Standing.GRACE, Evidence.PAYMENT_FAILED, NOW + GRACE)


@scene("billing_ended")
def ended() -> None:
    organization = paying()
    subscribed(organization)
    changed(organization, Standing.GRACE, Evidence.ENDED, NOW + GRACE)


@scene("billing_ended.became_company")
def needs_a_plan() -> None:
    changed(paying(), Standing.GRACE, Evidence.ENDED, NOW + GRACE)


@scene("billing_locked")
def locked() -> None:
    changed(paying(), Standing.LAPSED, Evidence.PAYMENT_FAILED, NOW + LOCKED)


@scene("billing_good")
def good() -> None:
    changed(paying(), Standing.GOOD, Evidence.PAID)


@scene("billing_good.not_begun")
def void() -> None:
    changed(paying(State.APPLIED), Standing.GOOD, Evidence.NEVER_BOUGHT)


def ordered() -> Organization:
    """Names are held for it until it pays for what it ordered."""
    organization = paying(State.APPLIED)
    owed(organization, "send_invoice")
    for name, days in (("acme", 20), ("rocket", 3)):
        factories.grant(name, organization, state=GrantState.HELD)
        Grant.objects.filter(name=name).update(state_changed_at=NOW - days * DAY)
    return organization


@scene("billing_order_unpaid.overdue")
def order_is_overdue() -> None:
    changed(ordered(), Standing.GRACE, Evidence.PAYMENT_FAILED, NOW + GRACE)


@scene("billing_order_unpaid.step")
def order_is_still_overdue() -> None:
    standing_mails.warn_of_step(ordered(), "lock", NOW + 7 * DAY, NOW + 7 * DAY, 7)


@scene("billing_order_unpaid.lapsed")
def order_has_lapsed() -> None:
    changed(ordered(), Standing.LAPSED, Evidence.PAYMENT_FAILED, NOW + LOCKED)


@scene("billing_order_unpaid.over")
def order_is_over() -> None:
    organization = ordered()
    Subscription.objects.update(status="canceled")
    changed(organization, Standing.GRACE, Evidence.ENDED, NOW + GRACE)


@scene("billing_step.lock")
def lock_is_near() -> None:
    organization = paying()
    owed(organization)
    standing_mails.warn_of_step(organization, "lock", NOW + 7 * DAY, NOW + 7 * DAY, 7)


@scene("billing_step.quarantine")
def quarantine_is_near() -> None:
    standing_mails.warn_of_step(paying(), "quarantine", NOW + DAY, NOW + DAY, 1)


@scene("billing_step.release")
def release_is_near() -> None:
    at = NOW + QUARANTINE
    standing_mails.warn_of_step(paying(), "release", at, at, 14)


@scene("billing_quarantined")
def quarantined() -> None:
    organization = paying()
    health = Health(organization=organization, standing=Standing.LAPSED, since=NOW)
    standing_mails.tell_of_quarantine(organization, health, ["acme", "acme-tools"])


@scene("billing_ending")
def ending() -> None:
    standing_mails.warn_of_end(subscribed(paying()), NOW + 7 * DAY, 7)


@scene("billing_ending.not_begun")
def order_is_ending() -> None:
    standing_mails.warn_of_end(subscribed(paying(State.APPLIED)), NOW + 7 * DAY, 7)


@scene("billing_invoice_stuck")
def stuck() -> None:
    organization = paying()
    owed(organization, status="draft", last_error="The customer's address is not complete.")
    standing_mails.tell_of_invoices(organization)


@scene("billing_prices")
def new_prices() -> None:
    """For five people and three namespaces, of which one is included."""
    organization = paying()
    made = subscribed(organization)
    for number, seat, root in ((1, 500, 4000), (2, 600, 4400)):
        plan = Plan.objects.create(tier=Tier.TEAM, number=number, roots_included=1, is_current=number == 2)
        for item, amount, quantity in ((Item.SEAT, seat, 5), (Item.ROOT, root, 2)):
            price = Price.objects.create(
                plan=plan, item=item, currency="usd", interval=Interval.MONTH, amount=amount, lookup_key=f"{plan}{item}"
            )
            if number == 1:
                SubscriptionItem.objects.create(
                    subscription=made, stripe_id=f"si_{item}", item=item, price=price, quantity=quantity,
                    paid_quantity=quantity,
                )  # fmt: skip
    made.plan = Plan.objects.get(number=1)
    made.status, made.interval, made.period_end = "active", Interval.MONTH, NOW + 8 * DAY
    made.save()
    announce_prices(actor=Actor.operator(), organization=organization)
