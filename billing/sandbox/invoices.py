"""Invoices from draft to their end. What they are of is the business of whoever drafts them."""

from __future__ import annotations

from collections.abc import Callable

from billing.sandbox import payments, tax
from billing.sandbox.clock import DAY, HOUR
from billing.sandbox.coupons import coupon_of
from billing.sandbox.customers import credit
from billing.sandbox.errors import StripeFault
from billing.sandbox.expanding import included
from billing.sandbox.jobs import job
from billing.sandbox.lists import listed
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox, changed, public
from billing.sandbox.totals import reckon

Heard = Callable[[Sandbox, Object], None]
PAID: list[Heard] = []
"""Who wants to know when an invoice is paid; also :data:`FAILED`, when an attempt to pay it fails."""
FAILED: list[Heard] = []

DRAFT_FOR = HOUR


# --- Drafts -----------------------------------------------------------------------------------------------------------


def draft(
    sandbox: Sandbox, customer: Object, lines: list[Object], *, reason: str, sub: Object | None = None, **fields: object
) -> Object:
    """An invoice, not entered yet: a preview ends here. ``fields`` go into it as they are."""
    now = sandbox.now(customer["id"])
    currency = lines[0]["currency"] if lines else customer["currency"] or "usd"
    if strange := [line for line in lines if line["currency"] != currency]:
        raise StripeFault(f"You cannot mix {currency} and {strange[0]['currency']} in an invoice.", param="currency")
    identifier = sandbox.new_id("in")
    for line in lines:
        line["invoice"] = identifier
    usual = {
        "auto_advance": True,
        "billing_reason": reason,
        "collection_method": "charge_automatically",
        "created": now,
        "currency": currency,
        "customer": customer["id"],
        "default_tax_rates": [],
        "discounts": [],
        "issuer": {"account": None, "type": "self"},
        "metadata": {},
        "parent": _parent(sub),
        "payment_settings": dict.fromkeys(("default_mandate", "payment_method_options", "payment_method_types")),
        "period_end": now,
        "period_start": now,
    }
    enabled = bool(fields.pop("automatic_tax", False))
    invoice = blank(
        "invoice",
        id=identifier,
        **_COUNTED,
        automatic_tax=_automatic_tax(enabled=enabled),
        lines=listed(lines, f"/v1/invoices/{identifier}/lines"),
        status="draft",
        status_transitions=dict.fromkeys(("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")),
        **{**usual, **fields},
    )
    _name_customer(sandbox, invoice, customer)
    reckon(sandbox, invoice, customer)
    return invoice


_COUNTED = dict.fromkeys(
    (
        "amount_overpaid",
        "amount_paid",
        "amount_shipping",
        "attempt_count",
        "post_payment_credit_notes_amount",
        "pre_payment_credit_notes_amount",
    ),
    0,
)


def _automatic_tax(*, enabled: bool) -> Object:
    liability = {"account": None, "type": "self"} if enabled else None
    return {
        "disabled_reason": None,
        "enabled": enabled,
        "liability": liability,
        "provider": "stripe" if enabled else None,
        "status": None,
    }


def _parent(sub: Object | None) -> Object | None:
    if sub is None:
        return None
    details = {"metadata": dict(sub["metadata"]), "subscription": sub["id"]}
    return {"quote_details": None, "subscription_details": details, "type": "subscription_details"}


def _name_customer(sandbox: Sandbox, invoice: Object, customer: Object) -> None:
    """Whose invoice it is, as it is now."""
    for field in ("address", "email", "name", "phone", "shipping", "tax_exempt"):
        invoice[f"customer_{field}"] = public(customer.get(field))
    found = sandbox.find("tax_id", customer=customer["id"])
    invoice["customer_tax_ids"] = [{"type": one["type"], "value": one["value"]} for one in found]
    invoice["account_country"], invoice["account_name"] = tax.HOME, "Freehold sandbox"
    invoice["test_clock"] = customer.get("test_clock")


def enter(sandbox: Sandbox, invoice: Object, *, finalizes: bool = True) -> Object:
    """The draft becomes real; what waited for an invoice is in it. If nobody is faster it is finalized in an hour."""
    customer = sandbox.get("customer", invoice["customer"])
    if customer["currency"] is None:
        customer["currency"] = invoice["currency"]
    for line in invoice["lines"]["data"]:
        if waiting := line.get("_waiting"):
            sandbox.get("invoiceitem", waiting)["invoice"] = invoice["id"]
    if finalizes and invoice["auto_advance"]:
        invoice["automatically_finalizes_at"] = invoice["created"] + DRAFT_FOR
        sandbox.wake(invoice["created"] + DRAFT_FOR, "finalize", invoice["id"], invoice["customer"])
    sandbox.emit("invoice.created", sandbox.put("invoice", invoice))
    if sub := subscription_of(invoice):
        _use_up(sandbox, sandbox.get("subscription", sub), invoice)
    return invoice


def _use_up(sandbox: Sandbox, sub: Object, invoice: Object) -> None:
    """A discount for one invoice was for this one."""
    once = {
        identifier
        for identifier in invoice["discounts"]
        if coupon_of(sandbox, sandbox.get("discount", identifier))["duration"] == "once"
    }
    sub["discounts"] = [identifier for identifier in sub["discounts"] if identifier not in once]


def subscription_of(invoice: Object) -> str | None:
    details = (invoice["parent"] or {}).get("subscription_details")
    return str(details["subscription"]) if details else None


# --- Finalization -----------------------------------------------------------------------------------------------------


@job("finalize")
def finalize_when_due(sandbox: Sandbox, identifier: str) -> None:
    invoice = sandbox.objects["invoice"].get(identifier)
    if invoice is None or invoice["status"] != "draft" or not invoice["auto_advance"]:
        return
    if finalize(sandbox, invoice):
        collect(sandbox, invoice)
    else:
        sandbox.wake(sandbox.now() + DAY, "finalize", identifier, invoice["customer"])


def finalize(sandbox: Sandbox, invoice: Object) -> bool:
    """Whether it could be done: not as long as it isn't known where to pay tax. Nothing due is paid at once."""
    customer = sandbox.get("customer", invoice["customer"])
    if not customer.get("deleted"):
        _name_customer(sandbox, invoice, customer)
        reckon(sandbox, invoice, customer)
    if invoice["automatic_tax"]["status"] == "requires_location_inputs":
        invoice["last_finalization_error"] = location_fault().as_json()["error"]
        sandbox.emit("invoice.finalization_failed", invoice)
        return False
    now = sandbox.now(invoice["customer"])
    with changed(sandbox, invoice, "invoice.finalized"):
        invoice.update(status="open", effective_at=now, automatically_finalizes_at=None, last_finalization_error=None)
        invoice["status_transitions"]["finalized_at"] = now
        invoice["number"] = _number(customer)
        token = sandbox.new_id("test", 24)
        invoice["hosted_invoice_url"] = f"{sandbox.base}/i/{invoice['id']}/{token}"
        invoice["invoice_pdf"] = f"{sandbox.base}/i/{invoice['id']}/{token}/pdf"
        if invoice["collection_method"] == "send_invoice":
            invoice["due_date"] = invoice["due_date"] or now + (invoice.get("_days_until_due") or 0) * DAY
            sandbox.wake(invoice["due_date"], "overdue", invoice["id"], invoice["customer"])
    _use_balance(sandbox, invoice, customer)
    if invoice["amount_due"] > 0:
        payments.expect(sandbox, invoice)
    else:
        settle(sandbox, invoice, 0)
    return True


def location_fault() -> StripeFault:
    return StripeFault(
        "The customer's location isn't recognized. Set a valid customer address in order to calculate tax.",
        code="customer_tax_location_invalid",
    )


def _number(customer: Object) -> str:
    sequence = customer.get("next_invoice_sequence") or 1
    customer["next_invoice_sequence"] = sequence + 1
    return f"{customer.get('invoice_prefix', 'GONE')}-{sequence:04d}"


def _use_balance(sandbox: Sandbox, invoice: Object, customer: Object) -> None:
    after = min(invoice["total"] + invoice["starting_balance"], 0)
    invoice["ending_balance"] = after
    by = after - invoice["starting_balance"]
    if by and not customer.get("deleted"):
        credit(sandbox, customer, by, invoice["currency"], type="applied_to_invoice", invoice=invoice["id"])


def collect(sandbox: Sandbox, invoice: Object) -> None:
    """After finalization: charge it, or send it."""
    if invoice["status"] != "open":
        return
    if invoice["collection_method"] == "send_invoice":
        sandbox.emit("invoice.sent", invoice)
    elif invoice["auto_advance"]:
        pay(sandbox, invoice)


@job("collect")
def collect_when_due(sandbox: Sandbox, identifier: str) -> None:
    invoice = sandbox.get("invoice", identifier)
    if invoice["auto_advance"] and not invoice["attempted"]:
        collect(sandbox, invoice)


@job("overdue")
def remind(sandbox: Sandbox, identifier: str) -> None:
    invoice = sandbox.get("invoice", identifier)
    if invoice["status"] == "open" and invoice["due_date"] is not None and invoice["due_date"] <= sandbox.now():
        sandbox.emit("invoice.overdue", invoice)
        tell(sandbox, FAILED, invoice)


# --- Its end ----------------------------------------------------------------------------------------------------------


def pay(sandbox: Sandbox, invoice: Object, *, method: Object | None = None, off_session: bool = True) -> str:
    """Try to collect it: ``paid``, ``processing``, ``action`` or ``failed``, which whoever it concerns hears."""
    outcome = payments.attempt(sandbox, invoice, method=method, off_session=off_session)
    if outcome == payments.PAID:
        settle(sandbox, invoice, invoice["amount_remaining"])
    elif outcome == payments.PROCESSING:
        sandbox.emit("invoice.updated", invoice)
    else:
        fail(sandbox, invoice, outcome, off_session=off_session)
    return outcome


def fail(sandbox: Sandbox, invoice: Object, outcome: str, *, off_session: bool = True) -> None:
    """An attempt came to nothing; the next one is set by whoever hears of it."""
    tell(sandbox, FAILED, invoice)
    if outcome == payments.ACTION:
        sandbox.emit("invoice.payment_action_required", invoice)
    if outcome != payments.ACTION or off_session:
        sandbox.emit("invoice.payment_failed", invoice)


def settle(sandbox: Sandbox, invoice: Object, amount: int, *, out_of_band: bool = False) -> None:
    """It is paid with this amount, the rest of it."""
    now = sandbox.now(invoice["customer"])
    with changed(sandbox, invoice, "invoice.updated"):
        invoice.update(status="paid", attempted=True, next_payment_attempt=None, auto_advance=False)
        invoice["amount_paid"] += amount
        invoice["amount_paid_off_stripe"] = amount if out_of_band else invoice["amount_paid_off_stripe"]
        invoice["amount_remaining"] = 0
        invoice["status_transitions"]["paid_at"] = now
    payments.close(sandbox, invoice, amount, out_of_band=out_of_band)
    sandbox.emit("invoice.paid", invoice)
    if not out_of_band:
        sandbox.emit("invoice.payment_succeeded", invoice)
    tell(sandbox, PAID, invoice)


def void(sandbox: Sandbox, invoice: Object) -> Object:
    _demand(invoice, "void", "open", "uncollectible")
    _end(sandbox, invoice, "void", "voided_at", "invoice.voided")
    payments.call_off(sandbox, invoice, "void_invoice")
    _give_back(sandbox, invoice)
    return invoice


def mark_uncollectible(sandbox: Sandbox, invoice: Object) -> Object:
    _demand(invoice, "mark as uncollectible", "open")
    _end(sandbox, invoice, "uncollectible", "marked_uncollectible_at", "invoice.marked_uncollectible")
    return invoice


def _end(sandbox: Sandbox, invoice: Object, status: str, when: str, event: str) -> None:
    with changed(sandbox, invoice, event):
        invoice.update(status=status, auto_advance=False, next_payment_attempt=None)
        invoice["status_transitions"][when] = sandbox.now(invoice["customer"])


def _give_back(sandbox: Sandbox, invoice: Object) -> None:
    """Credit that went into an invoice which is void, or a debt that it asked for."""
    used = (invoice["ending_balance"] or 0) - invoice["starting_balance"]
    customer = sandbox.get("customer", invoice["customer"])
    if used and not customer.get("deleted"):
        told = {"type": "unapplied_from_invoice", "invoice": invoice["id"]}
        credit(sandbox, customer, -used, invoice["currency"], **told)


def _demand(invoice: Object, act: str, *statuses: str) -> None:
    if invoice["status"] not in statuses:
        wanted = " or ".join(statuses)
        raise StripeFault(f"You can only {act} an invoice that is {wanted}; this one is {invoice['status']}.")


def tell(sandbox: Sandbox, who: list[Heard], invoice: Object) -> None:
    for hear in who:
        hear(sandbox, invoice)


@included("invoice", "payments")
def _payments(sandbox: Sandbox, invoice: Object) -> Object:
    found = sandbox.find("invoice_payment", invoice=invoice["id"])
    return listed(list(reversed(found)), "/v1/invoice_payments")


@included("invoice", "confirmation_secret")
def _secret(sandbox: Sandbox, invoice: Object) -> Object | None:
    intent = payments.intent_of(sandbox, invoice)
    return {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None
