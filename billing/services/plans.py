"""What is sold, here and at Stripe: the tiers of ``billing.tiers`` as versions of plans, each with its prices.

A price never changes. Other numbers in the tiers are another version, which new customers get; who has bought keeps the
version that was bought, and its prices stay open at Stripe, for a seat more costs as much as the seats before.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from billing import tiers
from billing.gateway.calls import gateway
from billing.gateway.objects import PriceObject
from billing.gateway.orders import PriceOrder, ProductOrder
from billing.models import Plan, Price
from billing.money import Money, from_stripe
from billing.services.customers import site
from billing.services.installation import ensure_installation
from billing.services.locks import Lock, lock
from billing.tiers import TIERS, Terms
from billing.vocabulary import Interval, Item, Tier
from freehold.errors import DomainError, NotPermitted
from orgs import audit
from orgs.actors import Actor

PRODUCTS: Mapping[Item, Promise] = {
    Item.SEAT: _("Freehold %(plan)s: people"),
    Item.ROOT: _("Freehold %(plan)s: further root namespaces"),
    Item.SERVED: _("Freehold %(plan)s: gigabytes served"),
}
"""As the lines of checkouts and invoices say them."""

Wanted = Mapping[tuple[Item, str, Interval], int]


class PricesDiffer(DomainError):
    """At Stripe something else is sold under a name of ours: somebody has to look at it."""

    code = "prices-differ"


def sync_plans(*, actor: Actor) -> list[Plan]:
    """Make what the tiers say the plans that are sold, and have Stripe know them. Those that are sold now.

    Said again, it does what is left to do. Nothing is asked of Stripe while anything here is locked but this itself.
    """
    if not actor.is_operator:
        raise NotPermitted("What is sold is the operator's to say.")
    ensure_installation(actor=actor)
    for terms in TIERS:
        if terms.is_sold:
            _ensure_version(actor, terms)
    plans = list(Plan.objects.filter(is_current=True).prefetch_related("prices").order_by("pk"))
    for plan in plans:
        _ensure_at_stripe(plan)
    return plans


# --- Here -------------------------------------------------------------------------------------------------------------


def wanted_prices(terms: Terms) -> Wanted:
    """By what, in which currency and for how long. What is served costs the same in every plan, if anything."""
    months = {Item.SEAT: terms.seat, Item.ROOT: terms.root}
    counted = {
        (item, currency, interval): tiers.price(amount, currency, interval).amount
        for item, amounts in months.items()
        for currency, amount in amounts.items()
        for interval in Interval
    }
    served = dict(settings.FREEHOLD_STRIPE.served)
    return counted | {
        (Item.SERVED, currency, interval): served[currency]
        for currency in terms.seat
        if currency in served
        for interval in Interval
    }


def lookup_key(plan: Plan, item: Item, currency: str, interval: Interval) -> str:
    return f"freehold-{plan.tier}-v{plan.number}-{item.value}-{currency}-{interval.value}"


@transaction.atomic
def _ensure_version(actor: Actor, terms: Terms) -> None:
    lock(Lock.OBJECT, f"plan {terms.tier}")
    current = Plan.objects.filter(tier=terms.tier, is_current=True).first()
    if current is not None and _is_as_wanted(current, terms):
        return
    last = Plan.objects.filter(tier=terms.tier).order_by("-number").first()
    Plan.objects.filter(tier=terms.tier).update(is_current=False)
    plan = Plan.objects.create(
        tier=terms.tier, number=last.number + 1 if last else 1, roots_included=terms.roots_included
    )
    Price.objects.bulk_create(
        Price(
            plan=plan,
            item=item,
            currency=currency,
            interval=interval,
            amount=amount,
            lookup_key=lookup_key(plan, item, currency, interval),
        )
        for (item, currency, interval), amount in wanted_prices(terms).items()
    )
    before = {"plan": str(current)} if current else None
    audit.record(actor, "plan.offered", f"plan {plan}", before=before, after={"plan": str(plan)})


def _is_as_wanted(plan: Plan, terms: Terms) -> bool:
    has = {(Item(row.item), row.currency, Interval(row.interval)): row.amount for row in plan.prices.all()}
    return plan.roots_included == terms.roots_included and has == wanted_prices(terms)


# --- At Stripe --------------------------------------------------------------------------------------------------------


def _ensure_at_stripe(plan: Plan) -> None:
    """What is there under our names is taken, and what is missing is made, with a key that is the same each time."""
    prices = list(plan.prices.all())
    missing = [price for price in prices if not price.stripe_id]
    if not missing:
        return
    there = {found.lookup_key: found for found in gateway().prices([price.lookup_key for price in prices])}
    known = [(Item(price.item), there.get(price.lookup_key)) for price in prices]
    products = {item: found.product for item, found in known if found is not None}
    for price in missing:
        found = there.get(price.lookup_key) or _make_price(plan, price, _product_of(plan, Item(price.item), products))
        _demand_same(price, found)
        products.setdefault(Item(price.item), found.product)
        price.stripe_id = found.id
        price.save(update_fields=["stripe_id"])
    plan.product = products[Item.SEAT]
    plan.save(update_fields=["product"])


def _product_of(plan: Plan, item: Item, known: dict[Item, str]) -> str:
    """One for each item, for its name is all that a line of an invoice says."""
    if item not in known:
        order = ProductOrder(
            name=PRODUCTS[item] % {"plan": tiers.terms_of(Tier(plan.tier)).label},
            metadata={"freehold_plan": str(plan), "freehold_item": item.value},
        )
        known[item] = gateway().create_product(f"product-{site()}-{plan.tier}-{plan.number}-{item.value}", order).id
    return known[item]


def _make_price(plan: Plan, price: Price, product: str) -> PriceObject:
    order = PriceOrder(
        product=product,
        currency=price.currency,
        unit_amount=Money(price.amount, price.currency).as_stripe(),
        interval=price.interval,
        lookup_key=price.lookup_key,
        nickname=f"{price.get_item_display()}, {price.get_interval_display()}",
        meter=gateway().ensure_meter() if price.item == Item.SERVED else "",
        metadata={"freehold_plan": str(plan), "freehold_item": price.item},
    )
    return gateway().create_price(f"price-{site()}-{price.lookup_key}", order)


def _demand_same(price: Price, found: PriceObject) -> None:
    amount = from_stripe(found.unit_amount or 0, found.currency)
    same = (price.amount, price.currency, price.interval) == (amount.amount, amount.currency, found.interval)
    if not same or not found.active:
        raise PricesDiffer(
            f"Stripe's price {found.id} has the name {price.lookup_key} and is {amount} a {found.interval},"
            f" not {Money(price.amount, price.currency)} a {price.interval}, or can't be bought any more."
            " Take the name from it in Stripe's dashboard, and run sync_plans again."
        )
