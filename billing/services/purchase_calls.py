"""How the worker makes those calls to Stripe that come of buying and of ending (``billing.services.calls``).

Each may run again after it has succeeded, also when Stripe has forgotten the key, and does nothing twice then: what it
makes carries a mark, by which it is found.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from django.conf import settings
from django.db import transaction

from billing.gateway.calls import gateway
from billing.gateway.errors import NotThere, Refused
from billing.gateway.objects import CustomerObject, InvoiceObject, SubscriptionObject
from billing.gateway.orders import CreditOrder, CustomerOrder, InvoicedOrder
from billing.models import Call, Customer, Intent
from billing.services import checkout, syncing
from billing.services.alerts import raise_alert
from billing.services.calls import CantBeMade, Result, makes
from billing.services.customers import ensure_customer, metadata_of, sync_customer
from billing.services.intents import end_intent
from billing.services.quotes import DAYS_UNTIL_DUE
from billing.tax_ids import kind_of
from billing.vocabulary import CallKind, IntentState
from orgs.actors import Actor
from orgs.services.organizations import locked_organization
from orgs.vocabulary import State

OVER = frozenset({"canceled", "incomplete_expired"})
MADE_FOR = "freehold_call"


# --- Ending -----------------------------------------------------------------------------------------------------------


@makes(CallKind.CANCEL)
def cancel(call: Call) -> Result:
    subscription = _of_call(call)
    if subscription.status in OVER:
        raise CantBeMade("The subscription is over already.")
    return {"subscription": gateway().cancel(str(call.key), subscription.id).id}


@makes(CallKind.RESUME)
def resume(call: Call) -> Result:
    subscription = _of_call(call)
    if subscription.status in OVER:
        raise CantBeMade("The subscription is over already; it can't go on.")
    if subscription.cancel_at_period_end or subscription.cancel_at is not None:
        gateway().resume(str(call.key), subscription)
    return {"subscription": subscription.id}


@makes(CallKind.EXPIRE_SESSION)
def expire_session(call: Call) -> Result:
    """One that was paid or has expired meanwhile can't be ended; what it is now is looked at anyway."""
    identifier = str(call.arguments["session"])
    with suppress(Refused):
        gateway().expire_session(identifier)
    syncing.sync_session(identifier)
    return {"session": identifier}


@makes(CallKind.CANCEL_NOW)
def cancel_now(call: Call) -> Result:
    """End it at once. ``give_back`` says what of its payments goes back: ``all``, ``nothing``, or the ``rest`` of the
    period after the moment ``at``."""
    subscription = _of_call(call)
    ended = gateway().cancel_now(str(call.key), subscription.id, prorate=False)
    _void_open(call, subscription)
    returned, refused = _give_back(call, subscription)
    for invoice in gateway().invoices(subscription=subscription.id):
        syncing.sync_invoice(invoice.id)
    _tell_of_credit(call, subscription)
    if refused is not None:
        raise refused
    return {"subscription": ended.id, "given_back": returned}


def _void_open(call: Call, subscription: SubscriptionObject) -> None:
    """Before anything is given back: what is paid at this very moment is given back then, with the rest."""
    for invoice in gateway().invoices(subscription=subscription.id, status="open"):
        try:
            gateway().void(f"{call.key}-void-{invoice.id}", invoice.id)
        except Refused:
            if gateway().invoice(invoice.id).status == "open":
                raise


def _of_call(call: Call) -> SubscriptionObject:
    try:
        return gateway().subscription(str(call.arguments["subscription"]))
    except NotThere as error:
        raise CantBeMade("Stripe has no such subscription.") from error


def _give_back(call: Call, subscription: SubscriptionObject) -> tuple[int, Refused | None]:
    """By credit notes, so that the tax goes back too; how much, as Stripe writes it, and what Stripe refused, which
    keeps no other invoice from being given back."""
    returned, refused = 0, None
    for invoice in gateway().invoices(subscription=subscription.id):
        amount = _owed(call, invoice)
        if amount > 0:
            try:
                gateway().create_credit_note(f"{call.key}-{invoice.id}", _credit(call, invoice, amount))
            except Refused as error:
                refused = error
            else:
                returned += amount
    return returned, refused


def _owed(call: Call, invoice: InvoiceObject) -> int:
    """All that was paid, or the part of it for days that were not begun. Nothing is given back twice."""
    paid = invoice.amount_paid + _paid_by_credit(invoice)
    if invoice.status != "paid" or paid <= 0 or call.arguments["give_back"] == "nothing":
        return 0
    wanted = paid if call.arguments["give_back"] == "all" else min(paid, _unused(invoice, call))
    return _left(call, invoice, wanted)


def _paid_by_credit(invoice: InvoiceObject) -> int:
    """What was paid before, or too much, and waited for this invoice at Stripe."""
    ending = invoice.raw.get("ending_balance")
    return 0 if ending is None else max(0, int(ending) - invoice.starting_balance)


def _unused(invoice: InvoiceObject, call: Call) -> int:
    """Line by line, of each the days after the plan was ended, with the tax and the discount in proportion."""
    unused, at = 0, datetime.fromisoformat(call.arguments["at"])
    for line in invoice.lines:
        whole = (line.period_end - line.period_start).total_seconds()
        rest = (line.period_end - max(at, line.period_start)).total_seconds()
        if whole > 0 and rest > 0:
            unused += int((line.amount - line.discount) * min(rest, whole) / whole)
    net = invoice.subtotal - invoice.discount
    return unused * invoice.total // net if net > 0 else 0


def _left(call: Call, invoice: InvoiceObject, wanted: int) -> int:
    notes = [note for note in gateway().credit_notes(invoice.id) if note.status == "issued"]
    if any(note.metadata.get(MADE_FOR) == _mark(call) for note in notes):
        return 0
    return max(0, min(wanted, invoice.total - sum(note.total for note in notes)))


def _mark(call: Call) -> str:
    """On what is given back: of an invoice that is done once, whichever call it is that ends the subscription so."""
    return f"{CallKind.CANCEL_NOW.value} {call.arguments['subscription']} {call.arguments['give_back']}"


def _credit(call: Call, invoice: InvoiceObject, amount: int) -> CreditOrder:
    """Back to the card it came from; what came by wire is sent by hand, and staff sees it in the ledger. What was paid
    out of credit is credit again: more than was paid in money can't be refunded."""
    by_card = any(payment.charge or payment.payment_intent for payment in invoice.payments)
    sent = min(amount, max(0, invoice.amount_paid - _sent_before(invoice)))
    refund, out_of_band = (sent, 0) if by_card else (0, sent)
    return CreditOrder(
        invoice=invoice.id,
        amount=amount,
        reason="order_change",
        refund=refund,
        to_balance=amount - sent,
        out_of_band=out_of_band,
        metadata={MADE_FOR: _mark(call)},
    )


def _sent_before(invoice: InvoiceObject) -> int:
    notes = [note for note in gateway().credit_notes(invoice.id) if note.status == "issued"]
    return sum(note.total - note.pre_payment - note.to_balance for note in notes)


def _tell_of_credit(call: Call, subscription: SubscriptionObject) -> None:
    """Who is closed buys nothing more with it: people have to send it."""
    customer = sync_customer(subscription.customer) if call.organization.state == State.CLOSED else None
    if customer is not None and customer.balance < 0:
        text = f"{call.organization.name} was closed, and has credit at Stripe, which it paid for: {customer}."
        raise_alert(f"closed-with-credit:{customer.stripe_id}", text, call.organization)


# --- By invoice -------------------------------------------------------------------------------------------------------


@makes(CallKind.OPEN_INVOICED)
def open_invoiced(call: Call) -> Result:
    """Make the subscription that was ordered, unless an earlier attempt has, and send its first invoice."""
    intent = Intent.objects.select_related("plan", "organization", "customer").get(pk=call.arguments["intent"])
    if intent.state == IntentState.COMPLETED:
        return {"subscription": intent.subscription}
    made = _made_before(intent)
    if intent.state != IntentState.OPEN or intent.organization.state == State.CLOSED:
        raise _taken_back(made)
    if made is None:
        customer = _customer_for(intent, call)
        made = gateway().create_subscription(f"{call.key}-{customer.stripe_id}", _order(intent, customer))
    if made.status not in OVER:
        _send_first(call, made)
    syncing.sync_subscription(made.id)
    _complete(intent, made)
    return {"subscription": made.id}


def _made_before(intent: Intent) -> SubscriptionObject | None:
    """What an attempt has made of which we heard nothing: it carries the mark of the order."""
    for customer in Customer.objects.filter(organization=intent.organization).order_by("pk"):
        with suppress(NotThere):
            for found in gateway().subscriptions(customer=customer.stripe_id):
                if found.metadata.get(checkout.INTENT) == str(intent.key):
                    return found
    return None


def _taken_back(made: SubscriptionObject | None) -> Exception:
    if made is None or made.status in OVER:
        return CantBeMade("The order was taken back.")
    return Refused(f"The order was taken back, and Stripe has its subscription {made.id}: cancel it there.")


def _customer_for(intent: Intent, call: Call) -> Customer:
    """With the name and the address to which invoices are made out."""
    customer = ensure_customer(actor=Actor.worker(), organization=intent.organization)
    wanted = CustomerOrder(
        name=intent.billing_name,
        email=intent.billing_email,
        metadata=metadata_of(intent.organization),
        address=intent.billing_address,
    )
    known = gateway().update_customer(f"{call.key}-of-{customer.stripe_id}", customer.stripe_id, wanted)
    _add_tax_id(intent, call, known)
    return customer


def _add_tax_id(intent: Intent, call: Call, known: CustomerObject) -> None:
    """Before the first invoice, for the tax of that depends on it."""
    kind = kind_of(intent.billing_address.get("country", ""))
    if kind and intent.tax_id and (kind, intent.tax_id) not in {(one.kind, one.value) for one in known.tax_ids}:
        gateway().add_tax_id(f"{call.key}-tax-of-{known.id}", known.id, kind, intent.tax_id)


def _order(intent: Intent, customer: Customer) -> InvoicedOrder:
    fields = (("Purchase order", intent.purchase_order),) if intent.purchase_order else ()
    return InvoicedOrder(
        customer=customer.stripe_id,
        lines=checkout.lines_of(intent),
        days_until_due=DAYS_UNTIL_DUE,
        metadata=checkout.metadata_of(intent),
        fields=fields,
        description=f"Quote {intent.number}",
        automatic_tax=settings.FREEHOLD_STRIPE.automatic_tax,
    )


def _send_first(call: Call, made: SubscriptionObject) -> None:
    """Stripe would wait an hour with it; the buyer does not have to."""
    if not made.latest_invoice:
        return
    invoice = gateway().invoice(made.latest_invoice)
    if invoice.status == "draft":
        invoice = gateway().finalize(f"{call.key}-finalize", invoice.id)
    if invoice.status == "open":
        gateway().send_invoice(f"{call.key}-send", invoice.id)


@transaction.atomic
def _complete(intent: Intent, made: SubscriptionObject) -> None:
    locked_organization(intent.organization)
    intent = Intent.objects.select_related("organization").get(pk=intent.pk)
    if intent.state == IntentState.OPEN:
        intent.subscription = made.id
        intent.save(update_fields=["subscription"])
        end_intent(Actor.worker(), intent, IntentState.COMPLETED, "")
