"""Changes of a subscription that runs, and what is to be paid for them."""

from __future__ import annotations

from billing.sandbox import coupons, invoices, lines, payments, proration
from billing.sandbox import payment_methods as methods
from billing.sandbox.clock import HOUR
from billing.sandbox.cycle import usage_lines
from billing.sandbox.errors import StripeFault
from billing.sandbox.jobs import job
from billing.sandbox.proration import Plan
from billing.sandbox.store import Object, Sandbox, changed
from billing.sandbox.subscriptions import (
    end,
    ends,
    items_of,
    of_subscription,
    redeemed,
    set_cancel,
    starts,
    take_simple,
    watch,
)

HELD_FOR = 23 * HOUR
_CHANGES_PERIOD = frozenset({"items", "billing_cycle_anchor", "trial_end"})
_WITH_PENDING = frozenset(
    {
        "items",
        "proration_behavior",
        "proration_date",
        "payment_behavior",
        "billing_cycle_anchor",
        "trial_end",
        "off_session",
    }
)
"""What can be asked for with an update that waits until it is paid."""


def change(sandbox: Sandbox, sub: Object, params: Object) -> Object:
    """As ``POST /v1/subscriptions/{id}`` does; raises ``StripeFault`` with nothing changed."""
    behavior = params.get("payment_behavior", "allow_incomplete")
    if behavior == "pending_if_incomplete" and (strange := sorted(params.keys() - _WITH_PENDING)):
        raise StripeFault(f"An update that waits for its payment can't change {strange[0]}.", param=strange[0])
    plan = proration.plan(sandbox, sub, params) if _CHANGES_PERIOD & params.keys() else None
    bill = None if plan is None else bill_now(sandbox, sub, plan, params)
    does = _foreseen(sandbox, sub, bill) if bill else methods.SUCCEED
    if does not in {methods.SUCCEED, methods.DEBIT, methods.DEBIT_FAILS}:
        if behavior == "error_if_incomplete":
            raise methods.refusal(does)
        if behavior == "pending_if_incomplete" and plan is not None and bill is not None:
            return _hold(sandbox, sub, plan, bill)
    with changed(sandbox, sub, "customer.subscription.updated"):
        _write(sandbox, sub, params)
        if plan is not None:
            _apply(sub, plan)
        set_cancel(sub, params, sandbox.now(sub["customer"]))
    if plan is not None:
        _bill(sandbox, sub, plan, bill, off_session=params.get("off_session", behavior == "allow_incomplete"))
    watch(sandbox, sub)
    return sub


def _write(sandbox: Sandbox, sub: Object, params: Object) -> None:
    take_simple(sandbox, sub, params)
    if "discounts" in params:
        sub["discounts"] = redeemed(sandbox, sub, params["discounts"])
        for identifier in sub["discounts"]:
            coupons.count(sandbox, sandbox.get("discount", identifier))
    if "pause_collection" in params:
        _pause(sandbox, sub, params["pause_collection"])
    if isinstance(told := params.get("cancellation_details"), dict):
        sub["cancellation_details"].update({name: value or None for name, value in told.items()})
    if isinstance(until := params.get("trial_end"), int) and sub["status"] == "trialing":
        sub.update(trial_end=until, billing_cycle_anchor=until)


def _pause(sandbox: Sandbox, sub: Object, sent: Object | str) -> None:
    sub["pause_collection"] = {"resumes_at": None, **sent} if isinstance(sent, dict) else None
    if sub["pause_collection"] and (until := sub["pause_collection"]["resumes_at"]):
        sandbox.wake(until, "unpause", sub["id"], sub["customer"])


def _apply(sub: Object, plan: Plan) -> None:
    sub["items"]["data"] = plan.items
    if plan.fresh:
        sub["billing_cycle_anchor"] = starts(sub)
        if sub["status"] == "trialing":
            sub.update(status="active", trial_end=starts(sub))
    elif sub["status"] == "trialing":
        for item in items_of(sub):
            item["current_period_end"] = sub["trial_end"]
    if sub["cancel_at_period_end"]:
        sub["cancel_at"] = ends(sub)


# --- What is due for it -----------------------------------------------------------------------------------------------


def bill_now(sandbox: Sandbox, sub: Object, plan: Plan, params: Object) -> Object | None:
    """The draft of what is paid at once, if anything is: asked for, or because a new period begins."""
    if not plan.fresh and (params.get("proration_behavior") != "always_invoice" or not plan.waiting):
        return None
    pending = lines.waiting_for(sandbox, sub["customer"], sub["id"]) + plan.waiting
    made = [lines.from_waiting(sandbox, item) for item in pending]
    made += proration.fresh_lines(sandbox, sub, plan) if plan.fresh else []
    buyer = sandbox.get("customer", sub["customer"])
    return of_subscription(sandbox, sub, buyer, made, reason="subscription_update")


def _foreseen(sandbox: Sandbox, sub: Object, bill: Object) -> str:
    if not bill["amount_due"] or bill["collection_method"] == "send_invoice":
        return methods.SUCCEED
    method = payments.method_for(sandbox, bill)
    return payments.foresee(sandbox, sub["customer"], method, off_session=False)


def _bill(sandbox: Sandbox, sub: Object, plan: Plan, bill: Object | None, *, off_session: bool) -> None:
    _enter_waiting(sandbox, plan)
    if bill is None:
        return
    with changed(sandbox, sub, "customer.subscription.updated"):
        waits = bill["collection_method"] == "send_invoice"
        sub["latest_invoice"] = invoices.enter(sandbox, bill, finalizes=waits)["id"]
    if not waits and invoices.finalize(sandbox, bill) and bill["status"] == "open":
        invoices.pay(sandbox, bill, off_session=off_session)


def _enter_waiting(sandbox: Sandbox, plan: Plan) -> None:
    for item in plan.waiting:
        sandbox.emit("invoiceitem.created", sandbox.put("invoiceitem", item))


# --- Updates that wait for their payment ------------------------------------------------------------------------------


def _hold(sandbox: Sandbox, sub: Object, plan: Plan, bill: Object) -> Object:
    """Nothing changes before the invoice is paid; after a day it is too late."""
    _drop_held(sandbox, sub, "customer.subscription.updated")
    _enter_waiting(sandbox, plan)
    invoices.enter(sandbox, bill, finalizes=False)
    sub["_held"] = {"invoice": bill["id"], "items": plan.items, "fresh": plan.fresh, "at": plan.at}
    until = sandbox.now(sub["customer"]) + HELD_FOR
    with changed(sandbox, sub, "customer.subscription.updated"):
        sub["latest_invoice"] = bill["id"]
        sub["pending_update"] = dict.fromkeys(("billing_cycle_anchor", "trial_end", "trial_from_plan"))
        sub["pending_update"].update(expires_at=until, subscription_items=plan.items)
    sandbox.wake(until, "drop_held", sub["id"], sub["customer"])
    if invoices.finalize(sandbox, bill):
        invoices.pay(sandbox, bill, off_session=False)
    return sub


def _take_held(sandbox: Sandbox, invoice: Object) -> None:
    name = invoices.subscription_of(invoice)
    sub = sandbox.get("subscription", name) if name else {}
    held = sub.get("_held")
    if not held or held["invoice"] != invoice["id"]:
        return
    with changed(sandbox, sub, "customer.subscription.updated"):
        _apply(sub, Plan(held["items"], held["at"], fresh=held["fresh"]))
        sub["pending_update"] = sub["_held"] = None
    sandbox.emit("customer.subscription.pending_update_applied", sub)
    watch(sandbox, sub)


@job("drop_held")
def drop_held(sandbox: Sandbox, identifier: str) -> None:
    sub = sandbox.get("subscription", identifier)
    if sub.get("_held") and sub["pending_update"]["expires_at"] <= sandbox.now():
        _drop_held(sandbox, sub, "customer.subscription.pending_update_expired")


def _drop_held(sandbox: Sandbox, sub: Object, event: str) -> None:
    if not sub.get("_held"):
        return
    invoice = sandbox.get("invoice", sub["_held"]["invoice"])
    with changed(sandbox, sub, event):
        sub["pending_update"] = sub["_held"] = None
    if invoice["status"] == "open":
        invoices.void(sandbox, invoice)


# --- Cancelling at once -----------------------------------------------------------------------------------------------


def cancel_now(sandbox: Sandbox, sub: Object, params: Object) -> Object:
    """``prorate`` gives back what is unused, as credit of the next invoice or, with ``invoice_now``, at once."""
    plan = Plan(items_of(sub), sandbox.now(sub["customer"]))
    if params.get("prorate") and sub["status"] != "incomplete":
        plan.waiting = proration.unused(sandbox, sub)
    _enter_waiting(sandbox, plan)
    used = usage_lines(sandbox, sub)
    details = {name: value or None for name, value in (params.get("cancellation_details") or {}).items()}
    end(sandbox, sub, "cancellation_requested", details)
    pending = lines.waiting_for(sandbox, sub["customer"], sub["id"])
    made = [lines.from_waiting(sandbox, item) for item in pending] + used
    if params.get("invoice_now") and made:
        buyer = sandbox.get("customer", sub["customer"])
        last = of_subscription(sandbox, sub, buyer, made, reason="subscription_update")
        sub["latest_invoice"] = invoices.enter(sandbox, last, finalizes=False)["id"]
        if invoices.finalize(sandbox, last) and last["status"] == "open":
            invoices.pay(sandbox, last)
    return sub


invoices.PAID.append(_take_held)
