"""Writing down what Stripe says. Nothing here asks or decides: it makes rows equal to objects.

What Stripe leaves out stays as it was known last, and what nobody can make sense of is said in ``problems``, for staff.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.utils import timezone

from billing.gateway.objects import InvoiceLineObject, InvoiceObject, ItemObject, SubscriptionObject, TaxLine
from billing.models import Customer, Invoice, Plan, Price, Subscription, SubscriptionItem
from billing.money import from_stripe
from billing.selectors.entitlements import included_unpaid
from billing.vocabulary import Item

STATUSES = frozenset(
    {"active", "trialing", "past_due", "unpaid", "paused", "incomplete", "incomplete_expired", "canceled"}
)
_PAID_UP = frozenset({"active", "trialing"})
_BEFORE_THE_FIRST_PAYMENT = frozenset({"incomplete", "incomplete_expired"})
_ORDER = ("Purchase order", "PO")
_FIELD_LENGTH = 60


# --- Subscriptions ----------------------------------------------------------------------------------------------------


def write_subscription(found: SubscriptionObject, customer: Customer) -> Subscription:
    """The row and its items. What depends on the invoices is written by ``write_payments``, after these."""
    row = Subscription.objects.filter(stripe_id=found.id).first() or Subscription(stripe_id=found.id)
    prices = prices_of(found.items)
    row.customer, row.organization_id = customer, customer.organization_id
    row.status, row.livemode, row.started_at = found.status[:40], found.livemode, found.created
    row.currency, row.collection_method = found.currency[:3], found.collection_method[:30]
    row.latest_invoice, row.pending_until = found.latest_invoice, found.pending_until
    row.canceled_at, row.ended_at = found.canceled_at, found.ended_at
    renewed = _write_period(row, found)
    row.ends_at = ends_at(found, row.period_end)
    carried = _write_plan(row, _plan_of(prices.values()) if found.items else row.plan)
    row.problems = problems_of(found, prices)
    row.raw, row.synced_at = dict(found.raw), timezone.now()
    row.save()
    if found.items:
        _write_items(row, found, prices, carried=carried, renewed=renewed)
    return row


def _write_plan(row: Subscription, plan: Plan | None) -> int:
    """One that includes more counts when it is paid. By how many the further namespaces that are paid become more: of
    all that are paid none is lost with another plan that includes fewer of them."""
    before = row.paid_plan or row.plan
    row.plan = plan
    if plan is None or (before is not None and plan.roots_included > before.roots_included):
        row.paid_plan = before
        return 0
    row.paid_plan = plan
    return before.roots_included - plan.roots_included if before else 0


def _write_period(row: Subscription, found: SubscriptionObject) -> bool:
    """From the items, where Stripe has it; whether another period has begun."""
    starts = [item.period_start for item in found.items if item.period_start]
    ends = [item.period_end for item in found.items if item.period_end]
    intervals = {item.interval for item in found.items if item.interval}
    before = row.period_start
    row.period_start = max(starts, default=row.period_start)
    row.period_end = max(ends, default=row.period_end)
    row.interval = next(iter(intervals)) if len(intervals) == 1 else row.interval
    return before is not None and row.period_start is not None and row.period_start > before


def ends_at(found: SubscriptionObject, period_end: datetime | None) -> datetime | None:
    """Stripe has two fields for it, of which either may be set."""
    if found.cancel_at is not None:
        return found.cancel_at
    return period_end if found.cancel_at_period_end else None


def prices_of(items: Iterable[ItemObject]) -> dict[str, Price]:
    """By the item's id, of those of which we know the price: by its id at Stripe, else by the name that we gave it."""
    listed = list(items)
    by_id = {row.stripe_id: row for row in _prices(stripe_id__in=[item.price for item in listed])}
    by_key = {row.lookup_key: row for row in _prices(lookup_key__in=[i.lookup_key for i in listed if i.lookup_key])}
    found = {item.id: by_id.get(item.price) or by_key.get(item.lookup_key) for item in listed}
    return {item: price for item, price in found.items() if price is not None}


def _prices(**wanted: Any) -> Iterable[Price]:
    return Price.objects.select_related("plan").filter(**wanted)


def _plan_of(prices: Iterable[Price]) -> Plan | None:
    plans = {price.plan_id: price.plan for price in prices}
    return next(iter(plans.values())) if len(plans) == 1 else None


def problems_of(found: SubscriptionObject, prices: Mapping[str, Price]) -> list[str]:
    """Sentences for staff. What is wrong is said and not mended: whoever did it in the dashboard meant something."""
    known = [prices[item.id] for item in found.items if item.id in prices]
    unknown = [item.price for item in found.items if item.id not in prices]
    counted = Counter(price.item for price in known)
    found_problems = [f"Nobody here knows the price {price}." for price in unknown]
    found_problems += [f"There are {times} items of the kind “{item}”." for item, times in counted.items() if times > 1]
    if len({price.plan_id for price in known}) > 1:
        found_problems.append("Its items belong to several plans.")
    if len({item.interval for item in found.items if item.interval}) > 1:
        found_problems.append("Its items are paid in several intervals.")
    if not found.items:
        found_problems.append("Stripe names no items.")
    if found.status not in STATUSES:
        found_problems.append(f"Nobody here knows the status “{found.status}”.")
    return found_problems


def _write_items(
    row: Subscription, found: SubscriptionObject, prices: Mapping[str, Price], *, carried: int, renewed: bool
) -> None:
    """``paid_quantity`` is what was paid before, until the period is over; a higher number waits for its payment."""
    before = {item.stripe_id: item for item in row.items.select_related("price__plan")}
    for item in found.items:
        mine = before.pop(item.id, None) or SubscriptionItem(subscription=row, stripe_id=item.id)
        mine.price = prices.get(item.id)
        mine.item = mine.price.item if mine.price else ""
        mine.quantity = item.quantity or 0
        mine.pending_quantity = found.pending_items.get(item.id)
        is_root = mine.item == Item.ROOT
        mine.paid_quantity += carried if is_root else 0
        most = mine.quantity + (included_unpaid(row) if is_root else 0)
        mine.paid_quantity = min(mine.paid_quantity, most) if renewed else mine.paid_quantity
        mine.save()
    for gone in before.values():
        gone.delete()


# --- Invoices ---------------------------------------------------------------------------------------------------------


def write_invoice(found: InvoiceObject, customer: Customer, subscription: Subscription | None) -> Invoice:
    row = Invoice.objects.filter(stripe_id=found.id).first() or Invoice(stripe_id=found.id)
    row.customer, row.organization_id, row.subscription = customer, customer.organization_id, subscription
    row.number, row.status, row.currency = found.number[:60], found.status[:30], found.currency
    row.collection_method, row.billing_reason = found.collection_method[:30], found.billing_reason[:60]
    for name in ("subtotal", "discount", "tax", "total", "amount_due", "amount_paid", "amount_remaining"):
        setattr(row, name, from_stripe(getattr(found, name), found.currency).amount)
    row.created, row.due_at, row.finalized_at, row.paid_at = (
        found.created,
        found.due_date,
        found.finalized_at,
        found.paid_at,
    )
    row.period_start, row.period_end = found.period_start, found.period_end
    row.attempts, row.next_attempt_at = found.attempt_count, found.next_payment_attempt
    row.hosted_url, row.pdf_url = found.hosted_url, found.pdf_url
    row.purchase_order = _purchase_order(found.raw)
    row.last_error = found.last_error[:500]
    row.lines = [_line(line, found.currency) for line in found.lines]
    row.taxes = [_tax(line, found.currency) for line in found.taxes]
    row.raw, row.synced_at = dict(found.raw), timezone.now()
    row.save()
    _write_currency(customer, found.currency)
    return row


def _write_currency(customer: Customer, currency: str) -> None:
    """With the first invoice Stripe writes down in which currency the customer pays from then on."""
    if not customer.currency:
        customer.currency = currency
        customer.save(update_fields=["currency"])


def forget_invoice(row: Invoice) -> Invoice:
    """A draft that was deleted at Stripe: it never was an invoice."""
    row.status, row.synced_at = "deleted", timezone.now()
    row.save(update_fields=["status", "synced_at"])
    return row


def _purchase_order(raw: Mapping[str, Any]) -> str:
    fields = raw.get("custom_fields") or []
    return next((str(field.get("value"))[:_FIELD_LENGTH] for field in fields if field.get("name") in _ORDER), "")


def _line(line: InvoiceLineObject, currency: str) -> dict[str, Any]:
    told = asdict(line)
    for name in ("amount", "discount"):
        told[name] = from_stripe(told[name], currency).amount
    return told | {"period_start": line.period_start.isoformat(), "period_end": line.period_end.isoformat()}


def _tax(line: TaxLine, currency: str) -> dict[str, Any]:
    return asdict(line) | {name: from_stripe(getattr(line, name), currency).amount for name in ("taxable", "amount")}


# --- What was paid ----------------------------------------------------------------------------------------------------


def write_payments(row: Subscription) -> Subscription:
    """What follows from its invoices, as they are in the mirror now: since when something is unpaid, and how much is
    paid for and may be used."""
    invoices = list(row.invoices.order_by("created", "pk"))
    due = [at for invoice in invoices if (at := unpaid_since(invoice, row)) is not None]
    row.unpaid_since = min(due, default=None)
    row.save(update_fields=["unpaid_since"])
    if is_paid_for(row, invoices):
        _write_paid(row)
    return row


def _write_paid(row: Subscription) -> None:
    """All that it has now counts. Those namespaces that the plan includes now need not be paid by themselves."""
    more = included_unpaid(row)
    row.paid_plan = row.plan or row.paid_plan
    row.save(update_fields=["paid_plan"])
    for item in row.items.all():
        kept = item.paid_quantity - (more if item.item == Item.ROOT else 0)
        if (paid := max(kept, item.quantity)) != item.paid_quantity:
            item.paid_quantity = paid
            item.save(update_fields=["paid_quantity"])


def is_paid_for(row: Subscription, invoices: Iterable[Invoice]) -> bool:
    """Whether what it has now was paid: once anything was, Stripe itself holds back what is not, by its pending
    updates, where it is paid by card; and what is due and isn't paid is a matter of standing."""
    if row.status in _BEFORE_THE_FIRST_PAYMENT or row.ended_at is not None:
        return False
    known = list(invoices)
    if row.collection_method == "send_invoice" and _awaits_increase(row, known):
        return False
    return row.status == "trialing" or any(invoice.status == "paid" for invoice in known)


def _awaits_increase(row: Subscription, invoices: Iterable[Invoice]) -> bool:
    """By invoice Stripe raises a quantity before that is paid: it counts with its invoice, or with the next one of a
    whole period. Where we don't know what was paid before it, nothing is held back."""
    waits = False
    for one in invoices:
        if one.billing_reason == "subscription_update" and one.total > 0 and one.status != "deleted":
            waits = one.status != "paid"
        elif one.billing_reason == "subscription_cycle" and one.status == "paid":
            waits = False
    return waits and row.items.filter(paid_quantity__gt=0).exists()


def unpaid_since(invoice: Invoice, row: Subscription) -> datetime | None:
    """When the payment of this invoice was due, if it still is: by card when it was first tried, which later attempts
    do not move; by invoice on its day. A debit that is on its way, and an increase that takes effect only when it is
    paid, are not due; nor is what was written off while the subscription goes on."""
    was_forgiven = invoice.status == "uncollectible" and row.status in _PAID_UP
    if invoice.status not in {"open", "uncollectible"} or not invoice.amount_remaining or was_forgiven:
        return None
    if invoice.collection_method == "send_invoice":
        return invoice.due_at or invoice.finalized_at
    awaits_increase = row.pending_until is not None and invoice.stripe_id == row.latest_invoice
    if not invoice.attempts or awaits_increase or _is_on_its_way(invoice.raw):
        return None
    return invoice.finalized_at or invoice.created


def _is_on_its_way(raw: Mapping[str, Any]) -> bool:
    payments = (raw.get("payments") or {}).get("data") or []
    intents = [(payment.get("payment") or {}).get("payment_intent") for payment in payments]
    return any(isinstance(intent, Mapping) and intent.get("status") == "processing" for intent in intents)
