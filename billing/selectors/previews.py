"""What a change would cost, asked of Stripe before anybody agrees to it: the same reckoning, from the same moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from billing import clock
from billing.gateway.calls import gateway
from billing.gateway.objects import InvoiceObject
from billing.gateway.orders import Change, Line, Mode, PreviewOrder
from billing.models import Plan, Price, Subscription
from billing.money import Money, from_stripe
from billing.tax_ids import kind_of
from billing.vocabulary import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What is charged at once, reckoned from the moment ``at``: ``due`` is ``subtotal`` and ``tax``, less a
    ``balance`` that is in the customer's favour."""

    at: datetime
    lines: tuple[ChargeLine, ...]
    subtotal: Money
    tax: Money
    balance: Money
    due: Money

    @property
    def used_balance(self) -> Money:
        """What the balance pays of it, below zero."""
        return self.due - self.subtotal - self.tax - self.credit

    @property
    def credit(self) -> Money:
        """What stays in the customer's favour, where more comes back than is charged."""
        whole = self.subtotal + self.tax
        return -whole if whole.amount < 0 else whole * 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeLine:
    """What one thing comes to, charged less credited. Of a change of quantities it is an ``item``, of a change of plan
    a ``plan``; what nobody here knows has Stripe's ``text``."""

    amount: Money
    item: Item | None = None
    plan: Plan | None = None
    text: str = ""


def this_moment() -> datetime:
    """Stripe counts whole seconds."""
    return clock.now().replace(microsecond=0)


def preview(subscription: Subscription, changes: Sequence[Change], at: datetime) -> Charge:
    """Raises what the gateway raises: without Stripe nobody can say it."""
    order = PreviewOrder(subscription=subscription.stripe_id, changes=tuple(changes), mode=Mode.INCREASE, at=at)
    return _charge(gateway().preview(order), at)


def tax_of_new(lines: Sequence[Line], currency: str, address: Mapping[str, str], tax_id: str) -> Money:
    """The tax of a first period for somebody at this address, who is no customer yet. Raises what the gateway raises:
    ``Refused`` also for a tax id that can be none."""
    kind = kind_of(address.get("country", ""))
    order = PreviewOrder(
        currency=currency,
        lines=tuple(lines),
        address=address,
        tax_id=(kind, tax_id) if kind and tax_id else None,
    )
    return from_stripe(gateway().preview(order).tax, currency)


def _charge(invoice: InvoiceObject, at: datetime) -> Charge:
    def money(amount: int) -> Money:
        return from_stripe(amount, invoice.currency)

    return Charge(
        at=at,
        lines=_lines(invoice),
        subtotal=money(invoice.subtotal),
        tax=money(invoice.tax),
        balance=money(invoice.starting_balance),
        due=money(invoice.amount_due),
    )


def _lines(invoice: InvoiceObject) -> tuple[ChargeLine, ...]:
    """One for each plan, where there are several; else one for each item."""
    wanted = [line.price for line in invoice.lines if line.price]
    prices = {price.stripe_id: price for price in Price.objects.filter(stripe_id__in=wanted).select_related("plan")}
    are_plans = len({price.plan_id for price in prices.values()}) > 1
    sums: dict[tuple[Item | None, Plan | None, str], int] = {}
    for line in invoice.lines:
        price = prices.get(line.price)
        if price is None:
            key: tuple[Item | None, Plan | None, str] = (None, None, line.description)
        else:
            key = (None, price.plan, "") if are_plans else (Item(price.item), None, "")
        sums[key] = sums.get(key, 0) + line.amount - line.discount
    return tuple(
        ChargeLine(item=item, plan=plan, text=text, amount=from_stripe(amount, invoice.currency))
        for (item, plan, text), amount in sums.items()
        if amount
    )
