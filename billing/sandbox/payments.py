"""Payments of invoices: an intent for each, a charge for each attempt, and what becomes of both."""

from __future__ import annotations

from stripe.params import (
    ChargeListParams,
    ChargeRetrieveParams,
    InvoicePaymentListParams,
    InvoicePaymentRetrieveParams,
    PaymentIntentListParams,
    PaymentIntentRetrieveParams,
)

from billing.sandbox import ledger
from billing.sandbox import payment_methods as methods
from billing.sandbox.expanding import included
from billing.sandbox.lists import equal_to, listed, page
from billing.sandbox.routing import Request, route
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox, changed, public

PAID, PROCESSING, ACTION, FAILED = "paid", "processing", "action", "failed"


# --- What is expected -------------------------------------------------------------------------------------------------


def expect(sandbox: Sandbox, invoice: Object) -> Object:
    """The intent to collect an open invoice."""
    intent = open_intent(sandbox, invoice["customer"], invoice["amount_remaining"], invoice["currency"])
    intent["_invoice"] = invoice["id"]
    enter_payment(sandbox, invoice, {"payment_intent": intent["id"], "type": "payment_intent"}, is_default=True)
    return intent


def open_intent(sandbox: Sandbox, customer: str, amount: int, currency: str) -> Object:
    identifier = sandbox.new_id("pi")
    intent = blank(
        "payment_intent",
        id=identifier,
        _invoice=None,
        amount=amount,
        amount_capturable=0,
        amount_received=0,
        capture_method="automatic",
        client_secret=f"{identifier}_secret_{sandbox.new_id('s')[2:]}",
        confirmation_method="automatic",
        created=sandbox.now(customer),
        currency=currency,
        customer=customer,
        metadata={},
        payment_method_types=["card", "us_bank_account", "sepa_debit"],
        setup_future_usage="off_session",
        status="requires_payment_method",
    )
    sandbox.emit("payment_intent.created", sandbox.put("payment_intent", intent))
    return intent


def enter_payment(sandbox: Sandbox, invoice: Object, payment: Object, *, is_default: bool) -> Object:
    usual = dict.fromkeys(("charge", "payment_intent", "payment_record"))
    made = blank(
        "invoice_payment",
        id=sandbox.new_id("inpay"),
        amount_requested=invoice["amount_remaining"],
        created=sandbox.now(invoice["customer"]),
        currency=invoice["currency"],
        invoice=invoice["id"],
        is_default=is_default,
        payment={name: value for name, value in {**usual, **payment}.items() if value},
        status="open",
        status_transitions={"canceled_at": None, "paid_at": None},
    )
    return sandbox.put("invoice_payment", made)


def intent_of(sandbox: Sandbox, invoice: Object) -> Object | None:
    among = [one for one in sandbox.find("invoice_payment", invoice=invoice["id"]) if one["is_default"]]
    return sandbox.get("payment_intent", among[-1]["payment"]["payment_intent"]) if among else None


# --- An attempt -------------------------------------------------------------------------------------------------------


def method_for(sandbox: Sandbox, invoice: Object) -> Object | None:
    """The invoice's own, the subscription's, or the customer's."""
    details = (invoice["parent"] or {}).get("subscription_details")
    sub = sandbox.get("subscription", details["subscription"]) if details else {}
    explicit = invoice["default_payment_method"] or sub.get("default_payment_method")
    found = methods.of_customer(sandbox, sandbox.get("customer", invoice["customer"]), explicit=explicit)
    return found if found is not None and found["customer"] == invoice["customer"] else None


def foresee(sandbox: Sandbox, customer: str, method: Object | None, *, off_session: bool) -> str:
    """What the method will do, as the words of ``payment_methods`` or the code of a decline."""
    if method is None:
        return "missing"
    ordered = sandbox.get("customer", customer).get("_failures") or []
    if ordered:
        return str(ordered[0])
    does = str(method["_does"])
    return methods.SUCCEED if does == methods.AUTHENTICATE and method.get("_approved") else does


def fail_next(sandbox: Sandbox, customer: str, times: int = 1, code: str = "generic_decline") -> None:
    """The next so many payments of the customer are declined, whatever the method; ``authenticate`` asks for it."""
    sandbox.get("customer", customer)["_failures"] = [code] * times


def attempt(sandbox: Sandbox, invoice: Object, *, method: Object | None = None, off_session: bool = True) -> str:
    """Charge what remains; the caller draws the conclusions for the invoice."""
    intent = intent_of(sandbox, invoice) or expect(sandbox, invoice)
    method = method or method_for(sandbox, invoice)
    does = foresee(sandbox, invoice["customer"], method, off_session=off_session)
    if does != "missing" and (ordered := sandbox.get("customer", invoice["customer"]).get("_failures")):
        ordered.pop(0)
    invoice["attempted"] = True
    invoice["attempt_count"] += 1
    intent["amount"] = invoice["amount_remaining"]
    return confirm(sandbox, intent, method, does)


def confirm(sandbox: Sandbox, intent: Object, method: Object | None, does: str) -> str:
    """Let the method do this to the intent."""
    if method is None:
        return FAILED
    if does == methods.SUCCEED:
        return succeed(sandbox, intent, method)
    if does in {methods.DEBIT, methods.DEBIT_FAILS}:
        return _begin_debit(sandbox, intent, method)
    if does == methods.AUTHENTICATE:
        with changed(sandbox, intent, "payment_intent.requires_action"):
            url = f"{sandbox.base}/authenticate/{intent['id']}/{intent['client_secret']}"
            redirect = {"return_url": None, "url": url}
            intent.update(status="requires_action", payment_method=method["id"])
            intent["next_action"] = {"redirect_to_url": redirect, "type": "redirect_to_url"}
        return ACTION
    return decline(sandbox, intent, method, does)


def succeed(sandbox: Sandbox, intent: Object, method: Object) -> str:
    """The money is there. A debit that was on its way keeps its charge."""
    pending = [one for one in sandbox.find("charge", payment_intent=intent["id"]) if one["status"] == "pending"]
    charge = pending[0] if pending else _charge(sandbox, intent, method, "succeeded")
    kind = "charge" if method["type"] == "card" else "payment"
    entry = ledger.post(
        sandbox, charge, kind, charge["amount"], fee=ledger.fee_on(charge["amount"], charge["currency"])
    )
    charge.update(balance_transaction=entry["id"], paid=True, status="succeeded", captured=True)
    charge["amount_captured"] = charge["amount"]
    sandbox.emit("charge.succeeded", charge)
    with changed(sandbox, intent, "payment_intent.succeeded"):
        intent.update(status="succeeded", next_action=None, last_payment_error=None, payment_method=method["id"])
        intent.update(amount_received=intent["amount"], latest_charge=charge["id"])
    return PAID


def _begin_debit(sandbox: Sandbox, intent: Object, method: Object) -> str:
    charge = _charge(sandbox, intent, method, "pending")
    sandbox.emit("charge.pending", charge)
    with changed(sandbox, intent, "payment_intent.processing"):
        intent.update(status="processing", payment_method=method["id"], latest_charge=charge["id"])
    return PROCESSING


def decline(sandbox: Sandbox, intent: Object, method: Object, code: str) -> str:
    """The bank says no, at once or, for a debit, in the end."""
    pending = [one for one in sandbox.find("charge", payment_intent=intent["id"]) if one["status"] == "pending"]
    charge = pending[0] if pending else _charge(sandbox, intent, method, "failed")
    fault = methods.declined(code).as_json()["error"]
    outcome = {"network_status": "declined_by_network", "reason": code, "type": "issuer_declined"}
    charge.update(status="failed", failure_code=fault["code"], failure_message=fault["message"], paid=False)
    charge["outcome"] = {**_OUTCOME, **outcome, "seller_message": "The bank refused."}
    sandbox.emit("charge.failed", charge)
    with changed(sandbox, intent, "payment_intent.payment_failed"):
        told = {**fault, "charge": charge["id"], "payment_method": public(method)}
        intent.update(status="requires_payment_method", next_action=None, payment_method=None)
        intent.update(last_payment_error=told, latest_charge=charge["id"])
    return FAILED


_OUTCOME = {
    **dict.fromkeys(("advice_code", "network_advice_code", "network_decline_code", "reason", "rule")),
    "network_status": "approved_by_network",
    "risk_level": "normal",
    "risk_score": 12,
    "seller_message": "Payment complete.",
    "type": "authorized",
}


def _charge(sandbox: Sandbox, intent: Object, method: Object, status: str) -> Object:
    kind = method["type"]
    charge = blank(
        "charge",
        id=sandbox.new_id("ch" if kind == "card" else "py"),
        amount=intent["amount"],
        amount_captured=0,
        amount_refunded=0,
        billing_details=method["billing_details"],
        calculated_statement_descriptor="FREEHOLD",
        created=sandbox.now(intent["customer"]),
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        fraud_details={},
        metadata={},
        outcome=dict(_OUTCOME),
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details={kind: _details(method[kind]), "type": kind},
        receipt_url=f"{sandbox.base}/receipt/{intent['id']}",
        status=status,
    )
    return sandbox.put("charge", charge)


def _details(told: Object) -> Object:
    """Of the method, as a charge has them."""
    return {name: value for name, value in told.items() if name not in _NOT_IN_CHARGES}


_NOT_IN_CHARGES = frozenset(
    {
        "display_brand",
        "generated_from",
        "financial_connections_account",
        "networks",
        "status_details",
        "three_d_secure_usage",
    }
)


# --- The end of what was expected -------------------------------------------------------------------------------------


def close(sandbox: Sandbox, invoice: Object, amount: int, *, out_of_band: bool) -> None:
    """The invoice is paid: by its intent, or in another way that makes the intent needless."""
    if out_of_band:
        call_off(sandbox, invoice, "void_invoice")
        return
    for payment in sandbox.find("invoice_payment", invoice=invoice["id"], status="open"):
        payment.update(status="paid", amount_paid=amount)
        payment["status_transitions"]["paid_at"] = sandbox.now(invoice["customer"])
        sandbox.emit("invoice_payment.paid", payment)


def call_off(sandbox: Sandbox, invoice: Object, reason: str) -> None:
    now = sandbox.now(invoice["customer"])
    for payment in sandbox.find("invoice_payment", invoice=invoice["id"], status="open"):
        payment["status"] = "canceled"
        payment["status_transitions"]["canceled_at"] = now
        intent = sandbox.get("payment_intent", payment["payment"]["payment_intent"])
        with changed(sandbox, intent, "payment_intent.canceled"):
            intent.update(status="canceled", canceled_at=now, cancellation_reason=reason, next_action=None)


# --- The API ----------------------------------------------------------------------------------------------------------


@route("GET", "/v1/payment_intents/{id}", PaymentIntentRetrieveParams)
def retrieve_intent(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("payment_intent", request["id"])


@route("GET", "/v1/payment_intents", PaymentIntentListParams)
def list_intents(sandbox: Sandbox, request: Request) -> Object:
    return page(request, equal_to(request, sandbox.find("payment_intent"), "customer"))


@route("GET", "/v1/charges/{id}", ChargeRetrieveParams)
def retrieve_charge(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("charge", request["id"])


@route("GET", "/v1/charges", ChargeListParams)
def list_charges(sandbox: Sandbox, request: Request) -> Object:
    return page(request, equal_to(request, sandbox.find("charge"), "customer", "payment_intent"))


@route("GET", "/v1/invoice_payments/{id}", InvoicePaymentRetrieveParams)
def retrieve_payment(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("invoice_payment", request["id"])


@route("GET", "/v1/invoice_payments", InvoicePaymentListParams)
def list_payments(sandbox: Sandbox, request: Request) -> Object:
    found = equal_to(request, sandbox.find("invoice_payment"), "invoice", "status")
    wanted = request.params.get("payment", {})
    if intent := wanted.get("payment_intent"):
        found = [one for one in found if one["payment"].get("payment_intent") == intent]
    return page(request, found)


@included("charge", "refunds")
def _refunds(sandbox: Sandbox, charge: Object) -> Object:
    found = sandbox.find("refund", charge=charge["id"])
    return listed(list(reversed(found)), f"/v1/charges/{charge['id']}/refunds")
