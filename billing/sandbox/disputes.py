"""Disputes: a bank takes a charge back, with a fee that stays lost, and gives the money back if we are in the right."""

from __future__ import annotations

from stripe.params import DisputeCloseParams, DisputeListParams, DisputeRetrieveParams, DisputeUpdateParams

from billing.sandbox import ledger
from billing.sandbox.clock import DAY
from billing.sandbox.errors import StripeFault
from billing.sandbox.expanding import included
from billing.sandbox.fields import fill
from billing.sandbox.lists import equal_to, page
from billing.sandbox.routing import Request, route
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox, changed, public

FEE = 1_500
WON, LOST = "won", "lost"
_ENDED = frozenset({WON, LOST})


def dispute(sandbox: Sandbox, charge: Object, *, amount: int | None = None, reason: str = "fraudulent") -> Object:
    """The customer's bank takes the money back; raises ``StripeFault``."""
    if charge["status"] != "succeeded" or charge["disputed"]:
        raise StripeFault("This charge can't be disputed.", param="charge")
    now = sandbox.now(charge["customer"])
    made = blank(
        "dispute",
        id=sandbox.new_id("dp"),
        _customer=charge["customer"],
        amount=charge["amount"] - charge["amount_refunded"] if amount is None else amount,
        charge=charge["id"],
        created=now,
        currency=charge["currency"],
        evidence={},
        evidence_details={
            "due_by": now + 7 * DAY,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        metadata={},
        payment_intent=charge["payment_intent"],
        reason=reason,
        status="needs_response",
    )
    sandbox.put("dispute", made)
    with changed(sandbox, charge, "charge.updated"):
        charge["disputed"] = True
    _move(sandbox, made, -made["amount"], fee=FEE, words="Chargeback withdrawal")
    sandbox.emit("charge.dispute.created", made)
    sandbox.emit("charge.dispute.funds_withdrawn", made)
    return made


def _move(sandbox: Sandbox, made: Object, amount: int, *, fee: int, words: str) -> None:
    moved = {**made, "customer": made["_customer"]}
    entry = ledger.post(sandbox, moved, "adjustment", amount, fee=fee, description=f"{words} for {made['charge']}")
    entry["reporting_category"] = "dispute" if amount < 0 else "dispute_reversal"
    made["balance_transactions"].append(public(entry))


def close(sandbox: Sandbox, made: Object, status: str) -> Object:
    """``won`` or ``lost``."""
    if made["status"] in _ENDED:
        raise StripeFault("This dispute is already closed.")
    made["status"] = status
    if status == WON:
        _move(sandbox, made, made["amount"], fee=0, words="Chargeback reversal")
        sandbox.emit("charge.dispute.funds_reinstated", made)
    sandbox.emit("charge.dispute.closed", made)
    return made


@included("charge", "dispute")
def _of_charge(sandbox: Sandbox, charge: Object) -> Object | None:
    return next(iter(sandbox.find("dispute", charge=charge["id"])), None)


@route("GET", "/v1/disputes/{id}", DisputeRetrieveParams)
def retrieve(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("dispute", request["id"])


@route("GET", "/v1/disputes", DisputeListParams)
def index(sandbox: Sandbox, request: Request) -> Object:
    return page(request, equal_to(request, sandbox.find("dispute"), "charge", "payment_intent"))


@route("POST", "/v1/disputes/{id}", DisputeUpdateParams)
def update(sandbox: Sandbox, request: Request) -> Object:
    made = sandbox.get("dispute", request["id"])
    if made["status"] in _ENDED:
        raise StripeFault("This dispute is already closed.")
    with changed(sandbox, made, "charge.dispute.updated"):
        fill(made, request.params, ("metadata",))
        made["evidence"].update(request.params.get("evidence") or {})
        if made["evidence"] and request.params.get("submit", True):
            made["status"] = "under_review"
            made["evidence_details"].update(has_evidence=True, submission_count=1, submission_method="manual")
    return made


@route("POST", "/v1/disputes/{id}/close", DisputeCloseParams)
def give_in(sandbox: Sandbox, request: Request) -> Object:
    return close(sandbox, sandbox.get("dispute", request["id"]), LOST)
