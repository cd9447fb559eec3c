"""What moves our balance: every charge, refund, dispute and payout is a transaction, and the balance is their sum."""

from __future__ import annotations

from collections import Counter

from stripe.params import (
    BalanceRetrieveParams,
    BalanceTransactionListParams,
    BalanceTransactionRetrieveParams,
    PayoutListParams,
    PayoutRetrieveParams,
)

from billing.sandbox.clock import DAY
from billing.sandbox.errors import StripeFault
from billing.sandbox.fields import rounded
from billing.sandbox.lists import equal_to, page
from billing.sandbox.routing import Request, route
from billing.sandbox.shapes import blank
from billing.sandbox.store import Object, Sandbox, changed

PENDING_DAYS = 2
"""So long after a charge the money can be paid out."""
_CATEGORIES = {"adjustment": "dispute", "payment": "charge", "payment_refund": "refund"}


def fee_on(amount: int, currency: str = "usd") -> int:
    """2.9 % and 30, in minor units of whatever currency."""
    return rounded(amount * 29 + 30_000, 1000, currency=currency) if amount else 0


def post(sandbox: Sandbox, source: Object, kind: str, amount: int, *, fee: int = 0, description: str = "") -> Object:
    """Enter a transaction. ``amount`` is what comes in, or goes out if it is negative."""
    now = sandbox.now(source.get("customer"))
    later = kind in {"charge", "payment"}
    details = {"amount": fee, "application": None, "currency": source["currency"], "type": "stripe_fee"}
    words = "Stripe processing fees" if kind in {"charge", "payment"} else "Dispute fee"
    transaction = blank(
        "balance_transaction",
        id=sandbox.new_id("txn"),
        _payout=None,
        amount=amount,
        available_on=now + PENDING_DAYS * DAY if later else now,
        balance_type="payments",
        created=now,
        currency=source["currency"],
        description=description or source.get("description"),
        fee=fee,
        fee_details=[{**details, "description": words}] if fee else [],
        net=amount - fee,
        reporting_category=_CATEGORIES.get(kind, kind),
        source=source["id"],
        status="pending" if later else "available",
        type=kind,
    )
    return sandbox.put("balance_transaction", transaction)


def _settle(sandbox: Sandbox) -> list[Object]:
    """All of them, each as pending or available as it is by now."""
    found = sandbox.find("balance_transaction")
    latest = max([sandbox.clock.now(), *(clock["frozen_time"] for clock in sandbox.find("test_helpers.test_clock"))])
    for transaction in found:
        if transaction["available_on"] <= latest:
            transaction["status"] = "available"
    return found


@route("GET", "/v1/balance", BalanceRetrieveParams)
def balance(sandbox: Sandbox, request: Request) -> Object:
    """By currency."""
    sums: dict[str, Counter[str]] = {"available": Counter(), "pending": Counter()}
    for transaction in _settle(sandbox):
        sums[transaction["status"]][transaction["currency"]] += transaction["net"]
    currencies = sorted(sums["available"].keys() | sums["pending"].keys()) or ["usd"]
    parts = {
        status: [_part(amounts[currency], currency) for currency in currencies] for status, amounts in sums.items()
    }
    return blank("balance", **parts)


def _part(amount: int, currency: str) -> Object:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


@route("GET", "/v1/balance_transactions", BalanceTransactionListParams)
def index(sandbox: Sandbox, request: Request) -> Object:
    params = request.params
    found = equal_to(request, _settle(sandbox), "type", "currency", "source")
    if payout := params.get("payout"):
        sandbox.get("payout", payout, "payout")
        found = [one for one in found if one["_payout"] == payout]
    return page(request, found)


@route("GET", "/v1/balance_transactions/{id}", BalanceTransactionRetrieveParams)
def retrieve(sandbox: Sandbox, request: Request) -> Object:
    _settle(sandbox)
    return sandbox.get("balance_transaction", request["id"])


# --- Payouts ----------------------------------------------------------------------------------------------------------


def pay_out(sandbox: Sandbox, currency: str, *, everything: bool = True) -> Object:
    """Pay out what is there in this currency, with what is pending or without; raises ``StripeFault`` if it isn't
    more than nothing."""
    among = [
        one
        for one in _settle(sandbox)
        if one["currency"] == currency and one["_payout"] is None and (everything or one["status"] == "available")
    ]
    amount = sum(one["net"] for one in among)
    if amount <= 0:
        raise StripeFault("You have insufficient funds in your balance.", code="balance_insufficient")
    now = sandbox.now()
    payout = blank(
        "payout",
        id=sandbox.new_id("po"),
        amount=amount,
        arrival_date=now + DAY,
        automatic=True,
        created=now,
        currency=currency,
        description="STRIPE PAYOUT",
        destination="ba_sandbox",
        metadata={},
        method="standard",
        reconciliation_status="completed",
        source_type="card",
        status="pending",
        type="bank_account",
    )
    sandbox.put("payout", payout)
    out = post(sandbox, payout, "payout", -amount)
    payout["balance_transaction"] = out["id"]
    for one in (*among, out):
        one["_payout"] = payout["id"]
        one["status"], one["available_on"] = "available", min(one["available_on"], now)
    sandbox.emit("payout.created", payout)
    with changed(sandbox, payout, "payout.paid"):
        payout["status"] = "paid"
    return payout


@route("GET", "/v1/payouts", PayoutListParams)
def list_payouts(sandbox: Sandbox, request: Request) -> Object:
    return page(request, equal_to(request, sandbox.find("payout"), "status", "destination"))


@route("GET", "/v1/payouts/{id}", PayoutRetrieveParams)
def retrieve_payout(sandbox: Sandbox, request: Request) -> Object:
    return sandbox.get("payout", request["id"])
