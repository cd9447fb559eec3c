"""Credit notes: money off an invoice, with the tax that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from stripe.params import (
    CreditNoteCreateParams,
    CreditNoteLineItemListParams,
    CreditNoteListParams,
    CreditNotePreviewParams,
    CreditNoteRetrieveParams,
    CreditNoteVoidCreditNoteParams,
)

from billing.sandbox import invoices, payments
from billing.sandbox.coupons import share_out
from billing.sandbox.customers import credit
from billing.sandbox.errors import StripeFault, missing
from billing.sandbox.fields import one_of, rounded
from billing.sandbox.lists import equal_to, listed, page
from billing.sandbox.refunds import refund
from billing.sandbox.routing import Request, route
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox, changed
from billing.sandbox.totals import discounted, summed_taxes, tax_of

_WAYS = ("refund_amount", "credit_amount", "out_of_band_amount")


@dataclass
class Part:
    """Of a line of the invoice, or by itself. ``amount`` is before discount and tax."""

    amount: int
    off: int
    taxes: list[Object]
    line: Object | None = None
    description: str = ""
    quantity: int | None = None

    @property
    def total(self) -> int:
        return self.amount - self.off + tax_of(self.taxes, "exclusive")


# --- What is credited -------------------------------------------------------------------------------------------------


def _parts(invoice: Object, params: Object) -> list[Part]:
    one_of(params, "amount", "lines")
    if "lines" in params:
        return [_of_line(invoice, sent, number) for number, sent in enumerate(params["lines"])]
    if "amount" not in params:
        raise missing("amount")
    return _spread(invoice, params["amount"])


def _of_line(invoice: Object, sent: Object, number: int) -> Part:
    if sent["type"] == "custom_line_item":
        quantity = sent.get("quantity", 1)
        unit = sent.get("unit_amount", 0)
        amount = sent["amount"] if "amount" in sent else unit * quantity
        return Part(amount, 0, [], description=sent.get("description", ""), quantity=quantity)
    among = {line["id"]: line for line in invoice["lines"]["data"]}
    at = f"lines[{number}]"
    line = among.get(sent.get("invoice_line_item", ""))
    if line is None:
        raise StripeFault("No such invoice line item.", code="resource_missing", param=f"{at}[invoice_line_item]")
    if "quantity" in sent:
        share = Fraction(sent["quantity"], line["quantity"] or 1)
    else:
        share = Fraction(sent.get("amount", line["amount"]), line["amount"] or 1)
    if not 0 < share <= 1:
        raise StripeFault("More than the invoice line has can't be credited.", param=at)
    return _share(line, share, quantity=sent.get("quantity"))


def _share(line: Object, share: Fraction, *, quantity: int | None = None) -> Part:
    currency = line["currency"]
    amount, off = (
        rounded(line["amount"] * share, currency=currency),
        rounded(discounted(line) * share, currency=currency),
    )
    return Part(amount, off, _taxes(line, share), line, str(line["description"]), quantity)


def _taxes(line: Object, share: Fraction) -> list[Object]:
    scaled = ("amount", "taxable_amount")
    return [
        {**one, **{name: rounded(one[name] * share, currency=line["currency"]) for name in scaled}}
        for one in line["taxes"]
    ]


def _spread(invoice: Object, amount: int) -> list[Part]:
    """A sum with tax, over all that was charged, so that the parts add up to it."""
    charged = [line for line in invoice["lines"]["data"] if line["amount"] > 0]
    totals = [line["amount"] - discounted(line) + tax_of(line["taxes"], "exclusive") for line in charged]
    if not 0 < amount <= sum(totals):
        raise StripeFault(f"The credit note is over more than the invoice: {amount}.", param="amount")
    parts = []
    for line, total, part in zip(charged, totals, share_out(totals, amount, invoice["currency"]), strict=True):
        if part:
            taxes = _taxes(line, Fraction(part, total))
            net = part - tax_of(taxes, "exclusive")
            parts.append(Part(net, 0, taxes, line, str(line["description"])))
    return parts


# --- The note ---------------------------------------------------------------------------------------------------------


def drafted(sandbox: Sandbox, params: Object) -> Object:
    """The note, not entered yet; raises ``StripeFault``."""
    invoice = sandbox.get("invoice", params["invoice"], "invoice")
    if invoice["status"] not in {"open", "paid", "uncollectible"}:
        raise StripeFault(f"A {invoice['status']} invoice can't be credited.", param="invoice")
    parts = _parts(invoice, params)
    total = sum(part.total for part in parts)
    paid = invoice["status"] == "paid"
    left = _left(invoice) if paid else invoice["amount_remaining"]
    if not 0 < total <= left:
        raise StripeFault(f"The credit note is over {total}, and {left} can be credited.", param="amount")
    ways = _ways(params, total, paid=paid)
    return _note(sandbox, invoice, parts, params=params, ways=ways, paid=paid)


def _left(invoice: Object) -> int:
    return (
        int(invoice["total"])
        - int(invoice["post_payment_credit_notes_amount"])
        - int(invoice["pre_payment_credit_notes_amount"])
    )


def _ways(params: Object, total: int, *, paid: bool) -> dict[str, int]:
    """How the money goes back; of an unpaid invoice it just isn't owed any more."""
    ways = {name: params.get(name, 0) for name in _WAYS}
    linked = sum(one.get("amount_refunded", 0) for one in params.get("refunds", ()))
    if paid and sum(ways.values()) + linked != total:
        raise StripeFault(
            f"The sum of credit amount, refund amount and out of band amount must equal the total ({total})."
        )
    if not paid and sum(ways.values()):
        raise StripeFault("Nothing was paid that could be given back.", param="refund_amount")
    return ways


def _note(
    sandbox: Sandbox,
    invoice: Object,
    parts: list[Part],
    *,
    params: Object,
    ways: dict[str, int],
    paid: bool,
) -> Object:
    identifier = sandbox.new_id("cn")
    taxes = summed_taxes([one for part in parts for one in part.taxes])
    subtotal, off = sum(part.amount for part in parts), sum(part.off for part in parts)
    total = sum(part.total for part in parts)
    number = len(sandbox.find("credit_note", invoice=invoice["id"])) + 1
    return blank(
        "credit_note",
        id=identifier,
        _ways=ways,
        amount=total,
        amount_shipping=0,
        created=sandbox.now(invoice["customer"]),
        currency=invoice["currency"],
        customer=invoice["customer"],
        discount_amount=off,
        effective_at=sandbox.now(invoice["customer"]),
        invoice=invoice["id"],
        lines=listed([_line(sandbox, part) for part in parts], f"/v1/credit_notes/{identifier}/lines"),
        memo=params.get("memo") or None,
        metadata=params.get("metadata") or {},
        number=f"{invoice['number']}-CN-{number:02d}",
        out_of_band_amount=ways["out_of_band_amount"] or None,
        pdf=f"{sandbox.base}/credit-note/{identifier}",
        post_payment_amount=total if paid else 0,
        pre_payment_amount=0 if paid else total,
        reason=params.get("reason"),
        status="issued",
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal - tax_of(taxes, "inclusive"),
        total=total,
        total_excluding_tax=total - tax_of(taxes),
        total_taxes=taxes,
        type="post_payment" if paid else "pre_payment",
    )


def _line(sandbox: Sandbox, part: Part) -> Object:
    told: dict[str, Any] = {
        "invoice_line_item": part.line["id"] if part.line else None,
        "type": "invoice_line_item" if part.line else "custom_line_item",
    }
    return blank(
        "credit_note_line_item",
        id=sandbox.new_id("cnli"),
        amount=part.amount,
        description=part.description or None,
        discount_amount=part.off,
        metadata={},
        quantity=part.quantity,
        taxes=part.taxes,
        unit_amount=part.amount // (part.quantity or 1),
        unit_amount_decimal=None,
        **told,
    )


def issue(sandbox: Sandbox, params: Object) -> Object:
    """As ``POST /v1/credit_notes`` does; raises ``StripeFault`` with nothing changed."""
    note = drafted(sandbox, params)
    invoice = sandbox.get("invoice", note["invoice"])
    customer = sandbox.get("customer", invoice["customer"])
    if note["_ways"]["credit_amount"] and customer.get("deleted"):
        raise StripeFault("A deleted customer has no balance.", param="credit_amount")
    charge = _charge_of(sandbox, invoice) if note["_ways"]["refund_amount"] else None
    sandbox.put("credit_note", note)
    for one in params.get("refunds", ()):
        known = sandbox.get("refund", one.get("refund", ""), "refunds[0][refund]")
        _link(note, known["id"], one.get("amount_refunded", known["amount"]))
    if charge is not None:
        amount = note["_ways"]["refund_amount"]
        _link(note, refund(sandbox, charge, amount, reason="requested_by_customer")["id"], amount)
    if given := note["_ways"]["credit_amount"]:
        told = {"type": "credit_note", "credit_note": note["id"], "invoice": invoice["id"]}
        note["customer_balance_transaction"] = credit(sandbox, customer, -given, note["currency"], **told)["id"]
    sandbox.emit("credit_note.created", note)
    _take_off(sandbox, invoice, note)
    return note


def _link(note: Object, name: str, amount: int) -> None:
    note["refunds"].append({"amount_refunded": amount, "payment_record_refund": None, "refund": name, "type": "refund"})


def _charge_of(sandbox: Sandbox, invoice: Object) -> Object:
    intent = payments.intent_of(sandbox, invoice)
    if intent is None or not intent["latest_charge"] or intent["status"] != "succeeded":
        raise StripeFault("The invoice wasn't paid by a charge that could be refunded.", param="refund_amount")
    return sandbox.get("charge", intent["latest_charge"])


def _take_off(sandbox: Sandbox, invoice: Object, note: Object) -> None:
    with changed(sandbox, invoice, "invoice.updated"):
        invoice["post_payment_credit_notes_amount"] += note["post_payment_amount"]
        invoice["pre_payment_credit_notes_amount"] += note["pre_payment_amount"]
        invoice["amount_due"] -= note["pre_payment_amount"]
        invoice["amount_remaining"] -= note["pre_payment_amount"]
    intent = payments.intent_of(sandbox, invoice)
    if note["pre_payment_amount"] and invoice["amount_remaining"] == 0:
        invoices.settle(sandbox, invoice, 0, out_of_band=True)
    elif note["pre_payment_amount"] and intent is not None and intent["status"] != "processing":
        intent["amount"] = invoice["amount_remaining"]


# --- The API ----------------------------------------------------------------------------------------------------------


@route("POST", "/v1/credit_notes", CreditNoteCreateParams)
def create(sandbox: Sandbox, request: Request) -> Object:
    return issue(sandbox, request.params)


@route("GET", "/v1/credit_notes/preview", CreditNotePreviewParams)
def preview(sandbox: Sandbox, request: Request) -> Object:
    return drafted(sandbox, request.params)


@route("GET", "/v1/credit_notes/{id}", CreditNoteRetrieveParams)
def retrieve(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("credit_note", request["id"])


@route("GET", "/v1/credit_notes/{id}/lines", CreditNoteLineItemListParams)
def list_lines(sandbox: Sandbox, request: Request) -> Object:
    return page(request, sandbox.get("credit_note", request["id"])["lines"]["data"], newest_first=False)


@route("GET", "/v1/credit_notes", CreditNoteListParams)
def index(sandbox: Sandbox, request: Request) -> Object:
    return page(request, equal_to(request, sandbox.find("credit_note"), "customer", "invoice"))


@route("POST", "/v1/credit_notes/{id}/void", CreditNoteVoidCreditNoteParams)
def void(sandbox: Sandbox, request: Request) -> Object:
    """Only of an invoice that is still open: it is owed again."""
    note = sandbox.get("credit_note", request["id"])
    invoice = sandbox.get("invoice", note["invoice"])
    if note["status"] == "void" or invoice["status"] != "open":
        raise StripeFault("You can only void a credit note of an open invoice.")
    with changed(sandbox, note, "credit_note.voided"):
        note.update(status="void", voided_at=sandbox.now(invoice["customer"]))
    with changed(sandbox, invoice, "invoice.updated"):
        invoice["pre_payment_credit_notes_amount"] -= note["pre_payment_amount"]
        invoice["amount_due"] += note["pre_payment_amount"]
        invoice["amount_remaining"] += note["pre_payment_amount"]
    return note
