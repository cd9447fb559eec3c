"""The course of a subscription: renewals, trials that end, payments that are tried again, and what comes of none."""

from __future__ import annotations

from billing.sandbox import invoices, lines, meters
from billing.sandbox.clock import DAY
from billing.sandbox.coupons import coupon_of
from billing.sandbox.jobs import job
from billing.sandbox.periods import period_end
from billing.sandbox.store import Object, Sandbox, changed
from billing.sandbox.subscriptions import (
    ENDED,
    end,
    ends,
    items_of,
    of_subscription,
    set_status,
    starts,
    watch,
)

RETRIES = (3, 5, 7)
"""Days until the next attempt, after the first, the second and the third."""
CANCEL, UNPAID, PAST_DUE = "cancel", "unpaid", "past_due"


def after_retries(sandbox: Sandbox) -> str:
    """What becomes of a subscription that nobody pays, as set in the dashboard."""
    return str(sandbox.objects.get("_settings", {}).get("dunning", {}).get("after", CANCEL))


def set_after_retries(sandbox: Sandbox, status: str) -> None:
    assert status in {CANCEL, UNPAID, PAST_DUE}
    sandbox.objects.setdefault("_settings", {})["dunning"] = {"id": "dunning", "after": status}


# --- Renewal ----------------------------------------------------------------------------------------------------------


@job("renew")
def renew(sandbox: Sandbox, identifier: str) -> None:
    sub = sandbox.get("subscription", identifier)
    now = sandbox.now()
    if sub["status"] in {*ENDED, "incomplete", "paused"} or ends(sub) > now:
        return
    if sub["cancel_at"] is not None and sub["cancel_at"] <= now:
        finish(sandbox, sub)
        return
    before = starts(sub), ends(sub)
    with changed(sandbox, sub, "customer.subscription.updated"):
        set_period(sub, before[1])
        if sub["status"] == "trialing":
            sub["status"] = "active"
        invoice = renewal(sandbox, sub, before)
        invoice["auto_advance"] = sub["status"] != "unpaid" and not sub["pause_collection"]
        sub["latest_invoice"] = invoices.enter(sandbox, invoice)["id"]
    _put_aside(sandbox, sub, invoice)
    watch(sandbox, sub)


def set_period(sub: Object, start: int) -> None:
    for item in items_of(sub):
        item["current_period_start"] = start
        item["current_period_end"] = period_end(start, item["price"]["recurring"], sub["billing_cycle_anchor"])


def renewal(
    sandbox: Sandbox, sub: Object, before: tuple[int, int], *, extra: list[Object] | None = None, **more: object
) -> Object:
    """The draft for the period that the items now have, with the usage of the one before and with what waited."""
    buyer = sandbox.get("customer", sub["customer"])
    _drop_expired(sandbox, sub, before[1])
    made = [lines.from_waiting(sandbox, one) for one in lines.waiting_for(sandbox, buyer["id"], sub["id"])]
    made += [*(extra or []), *period_lines(sandbox, sub, before)]
    told = {"period_start": before[0], "period_end": before[1], **more}
    return of_subscription(sandbox, sub, buyer, made, reason="subscription_cycle", **told)


def period_lines(sandbox: Sandbox, sub: Object, before: tuple[int, int]) -> list[Object]:
    made = []
    for item in items_of(sub):
        if "quantity" in item:
            period = item["current_period_start"], item["current_period_end"]
            made.append(lines.of_item(sandbox, sub, item, item["quantity"], period))
        else:
            used = meters.used(sandbox, item["price"]["recurring"]["meter"], sub["customer"], *before)
            made.append(lines.of_item(sandbox, sub, item, used, before))
    return made


def _drop_expired(sandbox: Sandbox, sub: Object, at: int) -> None:
    """Discounts for so many months."""
    known = [sandbox.get("discount", identifier) for identifier in sub["discounts"]]
    kept = [one for one in known if one["end"] is None or one["end"] > at]
    sub["discounts"] = [one["id"] for one in kept if coupon_of(sandbox, one)]


def _put_aside(sandbox: Sandbox, sub: Object, invoice: Object) -> None:
    """While collection is paused."""
    behavior = (sub["pause_collection"] or {}).get("behavior")
    if (
        behavior in {"void", "mark_uncollectible"}
        and invoices.finalize(sandbox, invoice)
        and invoice["status"] == "open"
    ):
        {"void": invoices.void, "mark_uncollectible": invoices.mark_uncollectible}[behavior](sandbox, invoice)


@job("cancel")
def cancel_when_due(sandbox: Sandbox, identifier: str) -> None:
    sub = sandbox.get("subscription", identifier)
    if sub["status"] not in ENDED and sub["cancel_at"] is not None and sub["cancel_at"] <= sandbox.now():
        finish(sandbox, sub)


def finish(sandbox: Sandbox, sub: Object) -> None:
    """As was ordered; usage up to now is still paid for."""
    metered = usage_lines(sandbox, sub)
    end(sandbox, sub, "cancellation_requested")
    if metered:
        buyer = sandbox.get("customer", sub["customer"])
        last = of_subscription(sandbox, sub, buyer, metered, reason="subscription_cycle")
        sub["latest_invoice"] = invoices.enter(sandbox, last)["id"]


def usage_lines(sandbox: Sandbox, sub: Object) -> list[Object]:
    """What was used since the period began."""
    since = starts(sub), sandbox.now(sub["customer"])
    return [line for line in period_lines(sandbox, sub, since) if _is_used(sub, line)]


def _is_used(sub: Object, line: Object) -> bool:
    item = line["parent"]["subscription_item_details"]["subscription_item"]
    return bool(line["quantity"]) and any(one["id"] == item and "quantity" not in one for one in items_of(sub))


@job("unpause")
def unpause(sandbox: Sandbox, identifier: str) -> None:
    sub = sandbox.get("subscription", identifier)
    until = (sub["pause_collection"] or {}).get("resumes_at")
    if until is not None and until <= sandbox.now():
        with changed(sandbox, sub, "customer.subscription.updated"):
            sub["pause_collection"] = None


# --- Payments that failed ---------------------------------------------------------------------------------------------


def _plan_retry(sandbox: Sandbox, invoice: Object) -> None:
    """Three more attempts, and then the end that was chosen. A first invoice just waits to be paid."""
    name = invoices.subscription_of(invoice)
    if (
        name is None
        or invoice["collection_method"] == "send_invoice"
        or invoice["billing_reason"] == "subscription_create"
    ):
        return
    sub = sandbox.get("subscription", name)
    if sub["status"] in ENDED or (sub.get("_held") or {}).get("invoice") == invoice["id"]:
        return
    if invoice["attempt_count"] <= len(RETRIES) and invoice["auto_advance"]:
        at = sandbox.now(invoice["customer"]) + RETRIES[invoice["attempt_count"] - 1] * DAY
        invoice["next_payment_attempt"] = at
        sandbox.wake(at, "retry", invoice["id"], invoice["customer"])
        return
    invoice.update(next_payment_attempt=None, auto_advance=False)
    sandbox.wake(sandbox.now(invoice["customer"]), "give_up", name, invoice["customer"])


@job("retry")
def retry(sandbox: Sandbox, identifier: str) -> None:
    invoice = sandbox.get("invoice", identifier)
    due = invoice["next_payment_attempt"]
    if invoice["status"] == "open" and due is not None and due <= sandbox.now():
        invoices.pay(sandbox, invoice)


@job("give_up")
def give_up(sandbox: Sandbox, identifier: str) -> None:
    """After the event of the last attempt."""
    sub = sandbox.get("subscription", identifier)
    if sub["status"] != "past_due":
        return
    chosen = after_retries(sandbox)
    if chosen == CANCEL:
        end(sandbox, sub, "payment_failed")
    elif chosen == UNPAID:
        set_status(sandbox, sub, "unpaid")


invoices.FAILED.append(_plan_retry)
