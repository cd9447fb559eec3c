"""What a change in the middle of a period costs, to the second: unused time back, remaining time charged."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from billing.sandbox import lines
from billing.sandbox.catalogue import amount_of
from billing.sandbox.coupons import coupon_of
from billing.sandbox.errors import StripeFault
from billing.sandbox.fields import rounded
from billing.sandbox.periods import period_end
from billing.sandbox.store import Object, Sandbox
from billing.sandbox.subscriptions import (
    demand_same_rhythm,
    ends,
    items_of,
    new_item,
    recurring_price,
    set_price,
    starts,
)


@dataclass
class Plan:
    """A subscription as it is to be. ``waiting`` are the items of the next invoice; ``fresh`` says that a new period
    begins, which is paid for at once."""

    items: list[Object]
    at: int
    fresh: bool = False
    waiting: list[Object] = field(default_factory=list)


def plan(sandbox: Sandbox, sub: Object, params: Object) -> Plan:
    """Changes nothing; raises ``StripeFault``."""
    at = params.get("proration_date") or sandbox.now(sub["customer"])
    if not starts(sub) <= at <= ends(sub):
        raise StripeFault("The proration date is outside of the current period.", param="proration_date")
    before = items_of(sub)
    after = _changed_items(sandbox, sub, params.get("items") or [])
    demand_same_rhythm(after)
    fresh = params.get("billing_cycle_anchor") == "now" or _rhythm(before) != _rhythm(after)
    fresh = fresh or (sub["status"] == "trialing" and params.get("trial_end") == "now")
    made = Plan(after, at, fresh)
    _set_periods(sub, made, sandbox.now(sub["customer"]))
    if params.get("proration_behavior", "create_prorations") != "none" and sub["status"] != "trialing":
        made.waiting = _prorated(sandbox, sub, before, made)
    return made


def _rhythm(items: list[Object]) -> tuple[str, int]:
    recurring = items[0]["price"]["recurring"]
    return recurring["interval"], recurring["interval_count"]


def _set_periods(sub: Object, made: Plan, now: int) -> None:
    start, end = starts(sub), ends(sub)
    if made.fresh:
        start, end = now, period_end(now, made.items[0]["price"]["recurring"], now)
    for item in made.items:
        item["current_period_start"], item["current_period_end"] = start, end


def _changed_items(sandbox: Sandbox, sub: Object, sent: list[Object]) -> list[Object]:
    """Copies. What isn't mentioned stays; without an id it is one more."""
    items = {item["id"]: dict(item) for item in items_of(sub)}
    for number, one in enumerate(sent):
        if "id" not in one:
            made = new_item(sandbox, sub, one, number)
            items[made["id"]] = made
            continue
        if one["id"] not in items:
            raise StripeFault(
                f"No such subscription item: '{one['id']}'", code="resource_missing", param=f"items[{number}][id]"
            )
        if one.get("deleted"):
            del items[one["id"]]
        else:
            _change_item(sandbox, items[one["id"]], one, number)
    if not items:
        raise StripeFault("A subscription must have at least one active item.", param="items")
    return list(items.values())


def _change_item(sandbox: Sandbox, item: Object, one: Object, number: int) -> None:
    if "price" in one:
        set_price(item, recurring_price(sandbox, one["price"], f"items[{number}][price]"))
    if "quantity" in one:
        item["quantity"] = one["quantity"]
    if "metadata" in one:
        item["metadata"] = one["metadata"] or {}


def _prorated(sandbox: Sandbox, sub: Object, before: list[Object], made: Plan) -> list[Object]:
    old, new = {item["id"]: item for item in before}, {item["id"]: item for item in made.items}
    waiting = []
    for name in [*old, *(name for name in new if name not in old)]:
        was, now = old.get(name), new.get(name)
        if not made.fresh and was is not None and now is not None and _terms(was) == _terms(now):
            continue
        if was is not None and "quantity" in was:
            waiting.append(_item(sandbox, sub, was, made.at, -1))
        if now is not None and "quantity" in now and not made.fresh:
            waiting.append(_item(sandbox, sub, now, made.at, 1))
    return waiting


def _terms(item: Object) -> tuple[str, int | None]:
    return item["price"]["id"], item.get("quantity")


def _item(sandbox: Sandbox, sub: Object, item: Object, at: int, sign: int) -> Object:
    start, end = starts(sub), ends(sub)
    price, quantity = item["price"], item["quantity"]
    share = Fraction(end - at, end - start) * _not_discounted(sandbox, sub)
    amount = sign * rounded(Fraction(amount_of(price, quantity)) * share, currency=price["currency"])
    words = "Remaining time on" if sign > 0 else "Unused time on"
    details = {"subscription": sub["id"], "subscription_item": item["id"]}
    return lines.waiting_item(
        sandbox,
        customer=sub["customer"],
        amount=amount,
        currency=price["currency"],
        period=(at, end),
        _behavior=price["tax_behavior"],
        description=f"{words} {quantity} × {lines.name_of(sandbox, price)} after {lines.day(at)}",
        discountable=False,
        parent={"subscription_details": details, "type": "subscription_details"},
        pricing=lines.pricing(price),
        proration=True,
        proration_details={"discount_amounts": []},
        quantity=quantity,
        quantity_decimal=str(quantity),
    )


def _not_discounted(sandbox: Sandbox, sub: Object) -> Fraction:
    """What is paid of the price, by the discounts in percent."""
    left = Fraction(1)
    for identifier in sub["discounts"]:
        percent = coupon_of(sandbox, sandbox.get("discount", identifier))["percent_off"]
        left *= 1 - Fraction(str(percent or 0)) / 100
    return left


def fresh_lines(sandbox: Sandbox, sub: Object, made: Plan) -> list[Object]:
    """The new period, in full."""
    told = []
    for item in made.items:
        if "quantity" in item:
            period = item["current_period_start"], item["current_period_end"]
            told.append(lines.of_item(sandbox, sub, item, item["quantity"], period))
    return told


def unused(sandbox: Sandbox, sub: Object) -> list[Object]:
    """What a cancellation at once gives back."""
    at = sandbox.now(sub["customer"])
    if sub["status"] == "trialing" or at >= ends(sub):
        return []
    return [_item(sandbox, sub, item, at, -1) for item in items_of(sub) if "quantity" in item]
