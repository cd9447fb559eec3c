"""Refunds of charges."""

from __future__ import annotations

from stripe.params import RefundCreateParams, RefundListParams, RefundRetrieveParams, RefundUpdateParams

from billing.sandbox import ledger
from billing.sandbox.errors import StripeFault, missing
from billing.sandbox.fields import fill
from billing.sandbox.lists import equal_to, page
from billing.sandbox.routing import Request, route
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox, changed


def refund(sandbox: Sandbox, charge: Object, amount: int | None = None, **fields: object) -> Object:
    """All that is left of the charge, or this much of it; raises ``StripeFault``. Stripe keeps its fee."""
    left = charge["amount"] - charge["amount_refunded"]
    amount = left if amount is None else amount
    _demand_refundable(charge, amount, left)
    card = charge["payment_method_details"]["type"] == "card"
    made = blank(
        "refund",
        id=sandbox.new_id("re" if card else "pyr"),
        amount=amount,
        charge=charge["id"],
        created=sandbox.now(charge["customer"]),
        currency=charge["currency"],
        customer=charge["customer"],
        destination_details=_destination(card=card),
        metadata={},
        payment_intent=charge["payment_intent"],
        payment_method=charge["payment_method"],
        status="succeeded" if card else "pending",
    )
    made.update(fields)
    sandbox.put("refund", made)
    kind = "refund" if card else "payment_refund"
    words = f"REFUND FOR {charge['description'] or 'CHARGE'}"
    made["balance_transaction"] = ledger.post(sandbox, made, kind, -amount, description=words)["id"]
    sandbox.emit("refund.created", made)
    with changed(sandbox, charge, "charge.refunded"):
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    return made


def _destination(*, card: bool) -> Object:
    if not card:
        return {"type": "us_bank_transfer"}
    told = {"reference": None, "reference_status": "pending", "reference_type": "acquirer_reference_number"}
    return {"card": {**told, "type": "refund"}, "type": "card"}


def _demand_refundable(charge: Object, amount: int, left: int) -> None:
    if charge["status"] != "succeeded":
        raise StripeFault("This charge wasn't paid.", param="charge")
    if charge["disputed"]:
        raise StripeFault("The charge was charged back; its funds are held.", code="charge_disputed", param="charge")
    if not left:
        raise StripeFault(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if not 0 < amount <= left:
        raise StripeFault(f"Refund amount ({amount}) is greater than unrefunded amount ({left}).", param="amount")


def conclude(sandbox: Sandbox, made: Object, *, arrives: bool) -> Object:
    """A refund that was on its way arrived, or came back; the latter may also happen to one that seemed done."""
    charge = sandbox.get("charge", made["charge"])
    if arrives:
        with changed(sandbox, made, "refund.updated"):
            made["status"] = "succeeded"
        return made
    if made["status"] == "failed":
        raise StripeFault("The refund failed already.")
    with changed(sandbox, made, "refund.updated"):
        kind = "refund_failure" if made["id"].startswith("re") else "payment_failure_refund"
        back = ledger.post(sandbox, made, kind, made["amount"], description="REFUND FAILURE")
        made.update(status="failed", failure_reason="lost_or_stolen_card", failure_balance_transaction=back["id"])
        charge["amount_refunded"] -= made["amount"]
        charge["refunded"] = False
    sandbox.emit("refund.failed", made)
    sandbox.emit("charge.refund.updated", made)
    return made


@route("POST", "/v1/refunds", RefundCreateParams)
def create(sandbox: Sandbox, request: Request) -> Object:
    params = request.params
    if not {"charge", "payment_intent"} & params.keys():
        raise missing("charge")
    name = params.get("charge")
    if name is None:
        intent = sandbox.get("payment_intent", params["payment_intent"], "payment_intent")
        name = intent["latest_charge"] or ""
    charge = sandbox.get("charge", name, "charge")
    told = {"reason": params.get("reason"), "metadata": params.get("metadata") or {}}
    return refund(sandbox, charge, params.get("amount"), **told)


@route("GET", "/v1/refunds/{id}", RefundRetrieveParams)
def retrieve(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("refund", request["id"])


@route("POST", "/v1/refunds/{id}", RefundUpdateParams)
def update(sandbox: Sandbox, request: Request) -> Object:
    made = sandbox.get("refund", request["id"])
    with changed(sandbox, made, "refund.updated"):
        fill(made, request.params, ("metadata",))
    return made


@route("GET", "/v1/refunds", RefundListParams)
def index(sandbox: Sandbox, request: Request) -> Object:
    return page(request, equal_to(request, sandbox.find("refund"), "charge", "payment_intent"))
