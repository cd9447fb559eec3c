"""Reads for what is bought: what is sold now and what it costs, what there is already, and how much is in use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from billing import tiers
from billing.models import Call, Customer, Intent, Invoice, Plan, Price, Subscription
from billing.money import Money, total
from billing.tiers import Line, Sum
from billing.vocabulary import CallKind, IntentState, Interval, Item, JobState, Tier
from namespaces.models import Grant
from namespaces.states import GrantState
from orgs.models import Organization
from orgs.selectors_people import seats_of

OPEN = (IntentState.QUOTED, IntentState.OPEN)
COUNTED = (GrantState.HELD, GrantState.ACTIVE, GrantState.LOCKED)
SOLD = tuple(terms.tier for terms in tiers.TIERS if terms.is_sold)
"""What can be bought without asking anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What an organization has that a plan has to cover, one seat at least."""

    seats: int
    roots: int


class NotSold(ValueError):
    """Nothing is sold on these terms: a tier without prices, or a currency that its prices are not in."""


def use_of(organization: Organization) -> Use:
    """The people in it, and the root namespaces that it holds or that are held for it."""
    roots = Grant.objects.filter(owner=organization, root__isnull=True, state__in=COUNTED).count()
    return Use(seats=max(1, seats_of(organization).taken), roots=roots)


def plans_sold() -> list[Plan]:
    """The current version of each tier that has prices, in the order of the tiers, with their prices."""
    found = Plan.objects.filter(is_current=True, tier__in=SOLD).prefetch_related("prices")
    return sorted(found, key=lambda plan: SOLD.index(Tier(plan.tier)))


def plan_sold(tier: Tier) -> Plan | None:
    return next((plan for plan in plans_sold() if plan.tier == tier), None)


def price_of(plan: Plan, item: Item, currency: str, interval: Interval) -> Price:
    """Raises ``NotSold``."""
    wanted = (item, currency, interval)
    found = (price for price in plan.prices.all() if (price.item, price.currency, price.interval) == wanted)
    if (price := next(found, None)) is None:
        raise NotSold(f"{plan} has no price for {item} in {currency} by the {interval}.")
    return price


def reckon(plan: Plan, *, seats: int, roots: int, currency: str, interval: Interval) -> Sum:
    """What so many cost for an interval, before tax, by the prices of this version; raises ``NotSold``."""
    wanted = {Item.SEAT: seats, Item.ROOT: max(0, roots - plan.roots_included)}
    lines = [
        Line(item=item, quantity=quantity, each=Money(price_of(plan, item, currency, interval).amount, currency))
        for item, quantity in wanted.items()
    ]
    whole = total([line.sum for line in lines], currency)
    return Sum(interval=interval, lines=tuple(line for line in lines if line.quantity), total=whole)


def sum_of(intent: Intent) -> Sum:
    """That of a purchase, by the prices that it was begun with."""
    return reckon(
        intent.plan,
        seats=intent.seats,
        roots=intent.roots,
        currency=intent.currency,
        interval=Interval(intent.interval),
    )


# --- What there is already --------------------------------------------------------------------------------------------


def live_subscription(organization: Organization) -> Subscription | None:
    """The one that is not over, the best of them should there be several."""
    found = Subscription.objects.live().filter(organization=organization).select_related("plan", "customer")
    return next(iter(sorted(found, key=_badness)), None)


def _badness(subscription: Subscription) -> tuple[int, int]:
    order = ("active", "trialing", "past_due", "incomplete", "unpaid", "paused")
    return (order.index(subscription.status) if subscription.status in order else len(order), subscription.pk)


def open_intent(organization: Organization) -> Intent | None:
    """The purchase that is under way: a quote, or something that waits to be paid."""
    found = Intent.objects.filter(organization=organization, state__in=OPEN)
    return found.select_related("plan", "requested_by").first()


def customer_of(organization: Organization) -> Customer | None:
    return Customer.objects.filter(organization=organization, is_current=True).first()


def currency_of(organization: Organization) -> str:
    """In which it is billed, empty before its first invoice."""
    invoices = Invoice.objects.filter(customer__organization=organization, customer__is_current=True)
    return invoices.order_by("-created", "-pk").values_list("currency", flat=True).first() or ""


def unpaid_invoices(organization: Organization) -> list[Invoice]:
    """What can be paid now, what was due first."""
    found = Invoice.objects.filter(organization=organization, status="open", amount_remaining__gt=0)
    return sorted(found, key=lambda invoice: (invoice.due_at or invoice.created, invoice.pk))


def currencies(plans: Iterable[Plan]) -> Sequence[str]:
    """Those in which all of these are sold, in the order in which we offer them."""
    found = [{price.currency for price in plan.prices.all()} for plan in plans]
    return [currency for currency in tiers.CURRENCIES if found and all(currency in known for known in found)]


def is_given_up(intent: Intent) -> bool:
    """An order of which Stripe made nothing, and which no worker tries again."""
    if intent.state != IntentState.OPEN:
        return False
    calls = Call.objects.filter(kind=CallKind.OPEN_INVOICED, organization=intent.organization_id, topic=str(intent.key))
    return set(calls.values_list("state", flat=True)) == {JobState.DEAD}
