"""What the pages of a plan show: what there is, what is due, what comes next, and what of it may be done now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from billing import clock, sums, tiers
from billing.models import Allowance, Health, Intent, Invoice, Plan, Subscription, SubscriptionItem
from billing.money import Money
from billing.selectors.buying import (
    Use,
    currencies,
    is_given_up,
    live_subscription,
    open_intent,
    plans_sold,
    price_of,
    sum_of,
    unpaid_invoices,
    use_of,
)
from billing.selectors.entitlements import Entitlement, entitlement, in_use
from billing.standing import LOCKED, QUARANTINE, Step
from billing.sums import Offer
from billing.tiers import Sum, Terms
from billing.vocabulary import Interval, Item, Tier
from namespaces.models import Grant
from namespaces.states import GrantState
from orgs.models import Organization
from orgs.vocabulary import Standing

LISTED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceRow:
    """An invoice as people read it. ``is_due``: it can be paid, and its day has come."""

    invoice: Invoice
    total: Money
    left: Money
    is_open: bool
    is_due: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A step of the ladder: on which day it comes or came, and what it means."""

    at: datetime
    step: Step
    is_past: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPage:
    """``running`` is the subscription that is not over. ``next_total`` is what the next invoice will be before tax.
    ``roots_taken`` are those that count; ``use`` has those besides that wait to be paid for."""

    terms: Terms | None
    running: Subscription | None
    entitled: Entitlement
    use: Use
    roots_taken: int
    health: Health | None
    ladder: Sequence[Rung]
    next_total: Money | None
    due: Sequence[InvoiceRow]
    invoices: Sequence[InvoiceRow]
    more_invoices: bool
    intent: Intent | None
    intent_sum: Sum | None
    is_stuck: bool
    asked: Allowance | None
    waiting: Sequence[Grant]


def plan_page(organization: Organization) -> PlanPage:
    """Everything about an organization's plan. Nothing of it is asked of Stripe: the mirror answers."""
    running, intent = live_subscription(organization), open_intent(organization)
    health = Health.objects.filter(organization=organization).first()
    listed = invoice_rows(organization, LISTED + 1)
    return PlanPage(
        terms=tiers.terms_of(Tier(running.plan.tier)) if running and running.plan else None,
        running=running,
        entitled=entitlement(organization),
        use=use_of(organization),
        roots_taken=in_use(organization).roots,
        health=health,
        ladder=ladder(organization, health),
        next_total=_next_total(running),
        due=[row_of(invoice) for invoice in unpaid_invoices(organization)],
        invoices=listed[:LISTED],
        more_invoices=len(listed) > LISTED,
        intent=intent,
        intent_sum=sum_of(intent) if intent else None,
        is_stuck=intent is not None and is_given_up(intent),
        asked=_asked(organization),
        waiting=held_for(organization),
    )


def _asked(organization: Organization) -> Allowance | None:
    """To begin before it is paid, which staff has not answered."""
    found = Allowance.objects.filter(organization=organization, approved_by__isnull=True, ended_at__isnull=True)
    return found.order_by("-pk").first()


def held_for(organization: Organization) -> list[Grant]:
    """What is granted and waits for the plan."""
    return list(Grant.objects.filter(owner=organization, state=GrantState.HELD, root__isnull=True).order_by("name"))


def _next_total(running: Subscription | None) -> Money | None:
    if running is None:
        return None
    items: list[SubscriptionItem] = list(running.items.select_related("price"))
    priced = [Money(one.price.amount, one.price.currency) * one.quantity for one in items if one.price is not None]
    return sum(priced, start=Money(0, running.currency)) if priced else None


# --- Invoices ---------------------------------------------------------------------------------------------------------


def invoice_rows(organization: Organization, limit: int | None = None) -> list[InvoiceRow]:
    """Those that are final, the latest first."""
    found = Invoice.objects.filter(organization=organization).exclude(status="draft").order_by("-created", "-pk")
    return [row_of(invoice) for invoice in found[:limit]]


def row_of(invoice: Invoice) -> InvoiceRow:
    due = invoice.due_at or invoice.finalized_at or invoice.created
    is_open = invoice.status == "open" and invoice.amount_remaining > 0
    return InvoiceRow(
        invoice=invoice,
        total=Money(invoice.total, invoice.currency),
        left=Money(invoice.amount_remaining, invoice.currency),
        is_open=is_open,
        is_due=is_open and due <= clock.now(),
    )


# --- The ladder -------------------------------------------------------------------------------------------------------


def ladder(organization: Organization, health: Health | None) -> list[Rung]:
    """What comes when, while something is not paid; nothing for who is in good standing."""
    if health is None or organization.standing == Standing.GOOD:
        return []
    lapses = health.until if organization.standing == Standing.GRACE else health.since
    if lapses is None:
        return []
    steps = ((timedelta(0), Step.LOCK), (LOCKED, Step.QUARANTINE), (LOCKED + QUARANTINE, Step.RELEASE))
    now = clock.now()
    return [Rung(at=lapses + after, step=step, is_past=lapses + after <= now) for after, step in steps]


# --- Choosing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A plan that can be chosen, with what a seat and a further namespace cost for the interval."""

    plan: Plan
    terms: Terms
    seat: Money
    root: Money


def choices(currency: str, interval: Interval) -> list[Choice]:
    """By the prices that are sold at now; nothing where there are none in the currency."""
    plans = plans_sold()
    if currency not in currencies(plans):
        return []
    return [_choice(plan, currency, interval) for plan in plans]


def _choice(plan: Plan, currency: str, interval: Interval) -> Choice:
    seat, root = (Money(price_of(plan, item, currency, interval).amount, currency) for item in (Item.SEAT, Item.ROOT))
    return Choice(plan=plan, terms=tiers.terms_of(Tier(plan.tier)), seat=seat, root=root)


def saved(chosen: Sum) -> Money | None:
    """What twelve single months would cost more; None for a month."""
    if chosen.interval is not Interval.YEAR:
        return None
    paid = tiers.MONTHS_OF_A_YEAR_PAID
    return chosen.total.part(12 - paid, paid)


def cheaper(chosen: Sum, tier: Tier, *, seats: int, roots: int) -> Offer | None:
    """Another plan that has as much and costs less; None if what was chosen costs least."""
    found = sums.offers(seats=seats, roots=roots, currency=chosen.total.currency, interval=chosen.interval)
    best = next(one for one in found if one.is_best)
    is_less = best.sum.total.amount < chosen.total.amount
    return best if is_less and best.terms.tier is not tier else None
