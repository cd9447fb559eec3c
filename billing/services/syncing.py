"""Making the mirror equal to Stripe: one function for each type of object, and the same for everybody who has a reason
to look, be it the return page, an event, the hourly comparison or somebody of the staff.

Each waits until nobody else looks at the same object, asks, writes and only then lets the next one ask: so what was
asked last stands. What follows from it comes after, in a transaction of its own, and may be done again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from django.db import transaction
from django.utils import timezone

from billing.gateway.calls import gateway
from billing.gateway.errors import NotThere
from billing.gateway.objects import InvoiceObject, SessionObject, SubscriptionObject
from billing.models import Customer, Intent, Invoice, Subscription
from billing.reports.balances import credit_differences
from billing.services import mirror
from billing.services.alerts import raise_alert, withdraw_alert
from billing.services.credit import follow_credit
from billing.services.customers import sync_customer
from billing.services.effects import apply
from billing.services.looks import LOOKS, looks_at, wait_for_turn
from billing.services.purchases import settle_session
from billing.services.settling import SETTLERS, settle_invoice
from orgs.actors import Actor
from orgs.models import Organization

OPEN = ("draft", "open", "uncollectible")
Seen = tuple[InvoiceObject, Organization]


def sync_object(object_type: str, stripe_id: str) -> object | None:
    """What was found; None where it is not ours, or of a type at which nobody looks. Raises ``NotThere`` where neither
    Stripe nor we have it."""
    if (look := LOOKS.get(object_type)) is not None:
        found = look(stripe_id)
        if isinstance(found, Customer) and not found.deleted_at and credit_differences(found.organization):
            follow_credit(found)
        return found
    if (settle := SETTLERS.get(object_type)) is not None:
        return settle(stripe_id) or None
    return None


def sync_organization(*, actor: Actor, organization: Organization) -> int:
    """Everything that Stripe has of it; how many subscriptions these are."""
    found: dict[str, None] = {}
    begun, asked = timezone.now(), []
    for customer in Customer.objects.filter(organization=organization).order_by("pk"):
        with suppress(NotThere):
            sync_customer(customer.stripe_id, actor=actor)
            found |= dict.fromkeys(each.id for each in gateway().subscriptions(customer=customer.stripe_id))
            asked.append(customer.pk)
    found |= dict.fromkeys(Subscription.objects.filter(organization=organization).values_list("stripe_id", flat=True))
    for identifier in found:
        sync_subscription(identifier, actor=actor)
    Customer.objects.filter(pk__in=asked).update(compared_at=begun)
    if not found:
        apply(actor=actor, organization=organization)
    return len(found)


# --- Subscriptions ----------------------------------------------------------------------------------------------------


@looks_at("subscription")
def sync_subscription(stripe_id: str, *, actor: Actor | None = None) -> Subscription | None:
    """The subscription with its customer and its invoices, and what follows: standing, seats, namespaces, the books."""
    actor = actor or Actor.worker()
    row, seen = _look_at_subscription(stripe_id, actor)
    if row is not None:
        apply(actor=actor, organization=row.organization)
        _book(seen)
        row.refresh_from_db()
    return row


@transaction.atomic
def _look_at_subscription(
    stripe_id: str, actor: Actor, invoices: Sequence[str] = ()
) -> tuple[Subscription | None, list[Seen]]:
    """All is asked before anything is written, so that nobody waits for Stripe but who asks the same."""
    wait_for_turn(stripe_id)
    known = Subscription.objects.select_related("customer__organization").filter(stripe_id=stripe_id).first()
    try:
        found = gateway().subscription(stripe_id)
    except NotThere:
        if known is None:
            raise
        _report_vanished(known)
        return None, []
    customer = known.customer if known else customer_of(found.customer, actor)
    if customer is None or not _belongs(found, customer):
        return None, []
    fetched = _invoices_of(found, known, invoices)
    row = mirror.write_subscription(found, customer)
    seen = [_write_invoice(each, customer, row) for each in fetched]
    mirror.write_payments(row)
    _report_problems(row)
    return row, seen


def customer_of(stripe_id: str, actor: Actor) -> Customer | None:
    """Ours, with its organization; None of another application."""
    known = Customer.objects.select_related("organization").filter(stripe_id=stripe_id).first()
    return known or sync_customer(stripe_id, actor=actor)


def _belongs(found: SubscriptionObject, customer: Customer) -> bool:
    """What is said in the dashboard, or by a key that was copied, does not make a subscription somebody else's."""
    if found.customer == customer.stripe_id:
        return True
    told = f"The subscription {found.id} has gone from customer {customer.stripe_id} to {found.customer}."
    raise_alert(f"subscription-customer:{found.id}", told, customer.organization)
    return False


def _report_vanished(row: Subscription) -> None:
    """Stripe keeps what is over: that it has nothing at all is a mistake of somebody's, and no evidence."""
    told = f"Stripe does not know the subscription {row.stripe_id} of {row.organization.name}."
    raise_alert(f"subscription-gone:{row.stripe_id}", told, row.organization)


def _report_problems(row: Subscription) -> None:
    key = f"subscription-problems:{row.stripe_id}"
    others = Subscription.objects.live().filter(organization_id=row.organization_id).exclude(pk=row.pk)
    problems = list(row.problems)
    if row.is_live and others.exists():
        problems.append("The organization has another subscription that is not over.")
    if problems:
        raise_alert(key, f"{row.stripe_id}: {' '.join(problems)}", row.organization)
    else:
        withdraw_alert(key)


# --- Invoices ---------------------------------------------------------------------------------------------------------


@looks_at("invoice")
def sync_invoice(stripe_id: str, *, actor: Actor | None = None) -> Invoice | None:
    """One of a subscription is looked at together with this, since the one says what the other is worth."""
    actor = actor or Actor.worker()
    known = Invoice.objects.select_related("subscription", "organization").filter(stripe_id=stripe_id).first()
    subscription = known.subscription.stripe_id if known and known.subscription else ""
    if known is None:
        subscription = gateway().invoice(stripe_id).subscription
    row, seen = _look_at_invoice(stripe_id, subscription, actor)
    if row is not None:
        apply(actor=actor, organization=row.organization)
        _book(seen)
    return row


def _look_at_invoice(stripe_id: str, subscription: str, actor: Actor) -> tuple[Invoice | None, list[Seen]]:
    if subscription:
        _, seen = _look_at_subscription(subscription, actor, [stripe_id])
    else:
        seen = _look_at_lone_invoice(stripe_id, actor)
    return Invoice.objects.select_related("organization").filter(stripe_id=stripe_id).first(), seen


@transaction.atomic
def _look_at_lone_invoice(stripe_id: str, actor: Actor) -> list[Seen]:
    """Of no subscription: something that was billed by hand."""
    wait_for_turn(stripe_id)
    found = _invoice(stripe_id)
    customer = customer_of(found.customer, actor) if found and found.customer else None
    return [_write_invoice(found, customer, None)] if found and customer else []


def _invoices_of(found: SubscriptionObject, known: Subscription | None, wanted: Iterable[str]) -> list[InvoiceObject]:
    """The latest, those that are not settled at Stripe or here, and those that are asked for: each once. Of a
    subscription that is new to us, all."""
    ids = [*wanted, found.latest_invoice]
    if known is not None:
        ids += known.invoices.filter(status__in=OPEN).values_list("stripe_id", flat=True)
    listed = gateway().invoices(subscription=found.id, status="open" if known else "")
    ids += [each.id for each in listed]
    fetched = (_invoice(identifier) for identifier in dict.fromkeys(filter(None, ids)))
    return [each for each in fetched if each is not None and each.subscription == found.id]


def _invoice(identifier: str) -> InvoiceObject | None:
    """None of one that was deleted: a draft, which is then none here either."""
    try:
        return gateway().invoice(identifier)
    except NotThere:
        for row in Invoice.objects.filter(stripe_id=identifier):
            mirror.forget_invoice(row)
        return None


def _write_invoice(found: InvoiceObject, customer: Customer, subscription: Subscription | None) -> Seen:
    mirror.write_invoice(found, customer, subscription)
    return found, customer.organization


def _book(seen: Iterable[Seen]) -> None:
    for invoice, organization in seen:
        settle_invoice(invoice=invoice, organization=organization)


# --- Checkouts --------------------------------------------------------------------------------------------------------


@looks_at("checkout.session")
def sync_session(stripe_id: str, *, actor: Actor | None = None) -> Intent | None:
    """The purchase that the checkout is of, with the subscription that came of it; None of no purchase of ours."""
    actor = actor or Actor.worker()
    found = gateway().session(stripe_id)
    if not _is_of_ours(found, actor):
        return None
    if found.subscription:
        sync_subscription(found.subscription, actor=actor)
    intent = settle_session(actor=actor, session=found)
    if intent is not None:
        apply(actor=actor, organization=intent.organization)
    return intent


def _is_of_ours(session: SessionObject, actor: Actor) -> bool:
    return bool(session.customer) and customer_of(session.customer, actor) is not None
