"""What is known of a payment only later: a debit that arrives or doesn't, a bank that asks the buyer."""

from __future__ import annotations

from billing.sandbox import customers, invoices, payments
from billing.sandbox.errors import StripeFault
from billing.sandbox.store import Object, Sandbox


def settle_debit(sandbox: Sandbox, intent: str, *, arrives: bool = True) -> Object:
    """The end of a debit that was processing."""
    found = _in(sandbox, intent, "processing")
    return _conclude(sandbox, found, good=arrives, code="insufficient_funds")


def authenticate(sandbox: Sandbox, intent: str, *, approved: bool = True) -> Object:
    """What the buyer told the bank."""
    found = _in(sandbox, intent, "requires_action")
    return _conclude(sandbox, found, good=approved, code="authentication_required")


def _in(sandbox: Sandbox, intent: str, status: str) -> Object:
    found = sandbox.get("payment_intent", intent)
    if found["status"] != status:
        raise StripeFault(
            f"This PaymentIntent is {found['status']}, not {status}.", code="payment_intent_unexpected_state"
        )
    return found


def _conclude(sandbox: Sandbox, intent: Object, *, good: bool, code: str) -> Object:
    with sandbox.work():
        method = sandbox.get("payment_method", intent["payment_method"])
        invoice = sandbox.get("invoice", intent["_invoice"])
        if good:
            payments.succeed(sandbox, intent, method)
            _settle(sandbox, invoice, intent["amount"])
        else:
            payments.decline(sandbox, intent, method, code)
            invoices.fail(sandbox, invoice, payments.FAILED)
    return intent


def _settle(sandbox: Sandbox, invoice: Object, amount: int) -> None:
    """More than is owed any more, for a credit note came while it was under way, becomes credit."""
    due = min(amount, invoice["amount_remaining"])
    invoices.settle(sandbox, invoice, due)
    customer = sandbox.get("customer", invoice["customer"])
    if amount > due and not customer.get("deleted"):
        invoice["amount_overpaid"] = amount - due
        told = {"type": "invoice_overpaid", "invoice": invoice["id"]}
        customers.credit(sandbox, customer, due - amount, invoice["currency"], **told)
        sandbox.emit("invoice.overpaid", invoice)
