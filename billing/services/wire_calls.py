"""How the worker tells Stripe of a wire: its invoice is paid, and what came too much is the customer's credit."""

from __future__ import annotations

from django.utils.translation import gettext as _

from billing.gateway.calls import gateway
from billing.gateway.errors import NotThere, Refused
from billing.gateway.objects import InvoiceObject
from billing.gateway.orders import BalanceOrder
from billing.models import Call, Wire
from billing.services import syncing
from billing.services.alerts import raise_alert
from billing.services.calls import Result, makes
from billing.services.credit import WIRE, mark_of
from billing.services.customers import sync_customer
from billing.vocabulary import CallKind

PAYABLE = frozenset({"open", "uncollectible"})


@makes(CallKind.MARK_PAID)
def mark_paid(call: Call) -> Result:
    """May be made again under any key: the invoice says whether it is paid, the credit by its mark whether it is
    there."""
    invoice = gateway().invoice(str(call.arguments["invoice"]))
    if invoice.status in PAYABLE:
        invoice = _pay(call, invoice)
    elif any(payment.status == "paid" and payment.payment_intent for payment in invoice.payments):
        text = _("A wire came for the invoice %(invoice)s, which is paid at Stripe too: give one of the two back.")
        raise_alert(f"wire-twice:{invoice.id}", text % {"invoice": invoice.number}, call.organization)
    if invoice.status != "paid":
        text = _("A wire came for the invoice %(invoice)s, which is %(status)s: give the money back, or bill it anew.")
        told = text % {"invoice": invoice.id, "status": invoice.status}
        raise_alert(f"wire-for-nothing:{invoice.id}", told, call.organization)
    _give_the_rest(call, invoice)
    syncing.sync_invoice(invoice.id)
    return {"invoice": invoice.id, "subscription": invoice.subscription}


def _pay(call: Call, invoice: InvoiceObject) -> InvoiceObject:
    """It may have been paid since we looked, such as by a worker who was thought dead."""
    try:
        return gateway().pay_out_of_band(str(call.key), invoice.id)
    except Refused:
        found = gateway().invoice(invoice.id)
        if found.status != "paid":
            raise
        return found


def _give_the_rest(call: Call, invoice: InvoiceObject) -> None:
    """What came too much, so that the next invoice uses it; of a customer who was deleted people have to send it back,
    for there is nothing any more that could use it."""
    over = int(call.arguments.get("over") or 0)
    if not over:
        return
    wire = Wire.objects.select_related("invoice").get(pk=call.arguments["wire"])
    try:
        _give_credit(call, invoice, wire, over)
    except NotThere:
        text = _("Too much came for the invoice %(invoice)s, and its customer was deleted at Stripe: send it back.")
        raise_alert(f"wire-rest:{wire.pk}", text % {"invoice": invoice.number}, call.organization)
    sync_customer(invoice.customer)


def _give_credit(call: Call, invoice: InvoiceObject, wire: Wire, over: int) -> None:
    mark = mark_of(wire)
    if not any(move.metadata.get(WIRE) == mark for move in gateway().credit_moves(invoice.customer)):
        order = BalanceOrder(
            customer=invoice.customer,
            amount=over,
            currency=invoice.currency,
            description=f"Wire {wire.reference}: more than invoice {invoice.number} asked for",
            metadata={WIRE: mark},
        )
        gateway().give_credit(f"{call.key}-rest", order)
