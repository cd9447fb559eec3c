"""Another plan or another interval: more at once, charged to the day; less with the next period.

What takes effect later waits in ``Wanted`` and not as a call, which would keep other calls of the organization waiting.
A worker makes it shortly before the period ends, so that the next one is billed by it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from billing import clock, sums
from billing.gateway.calls import gateway
from billing.gateway.orders import Change, Mode
from billing.models import Call, Plan, Subscription, SubscriptionItem, Wanted
from billing.pages.changing import counts_under
from billing.selectors import buying, quantities
from billing.selectors.quantities import BY_INVOICE, Counts, Sheet
from billing.services import purchase_mails, syncing
from billing.services.calls import CantBeMade, NotYet, Result, makes
from billing.services.outbox import enqueue
from billing.services.quantities import Agreed, demand_agreed, demand_change, write_wanted
from billing.sums import When
from billing.vocabulary import CallKind, Interval, Item, JobState, Tier
from freehold.errors import Invalid, NotPermitted
from orgs import audit
from orgs.actors import Actor, may
from orgs.models import Organization
from orgs.services.organizations import NotNow, locked_organization
from orgs.vocabulary import Permission

LEAD = timedelta(hours=1)
"""So long before the end of the period Stripe is told: the renewal must find it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is chosen, when it takes effect, and the quantities it begins with."""

    plan: Plan
    interval: Interval
    when: When
    counts: Counts


# --- Choosing -------------------------------------------------------------------------------------------------------


def choose(found: Sheet, tier: Tier, interval: Interval) -> Choice:
    """What changing to it would mean. The version sold now, or the own one where only the interval changes. Raises
    ``Invalid`` for what is not sold, ``NotNow`` for what there is already."""
    own = found.subscription.plan
    assert own is not None, "asked before"
    plan = own if own.tier == tier else buying.plan_sold(tier)
    if plan is None:
        raise Invalid(_("This plan can’t be bought here. Choose another, or write to us."))
    if (own.tier, found.subscription.interval) == (tier, interval):
        raise NotNow(_("That is the plan that the organization has already."))
    before = (Tier(own.tier), Interval(found.subscription.interval))
    when = sums.when(before=before, after=(tier, interval))
    return Choice(plan=plan, interval=interval, when=when, counts=counts_under(found, plan))


@transaction.atomic
def change_plan(
    *, actor: Actor, organization: Organization, tier: Tier, interval: Interval, agreed: Agreed | None = None
) -> Wanted:
    """Have another plan, or pay for another interval. What is charged now needs that somebody ``agreed`` to it."""
    organization = locked_organization(organization)
    found = demand_change(actor, organization)
    choice = choose(found, tier, interval)
    if choice.when is When.NOW:
        demand_agreed(agreed)
    row = write_wanted(organization, found.wanted)
    row.plan, row.interval = choice.plan, choice.interval
    row.due_at = None if choice.when is When.NOW else _end_of_period(found.subscription)
    row.save(update_fields=["plan", "interval", "due_at"])
    if agreed is not None and choice.when is When.NOW:
        _enqueue(row, found.subscription, agreed.at)
    _record(actor, organization, "plan.changed", found.subscription, choice)
    return row


def _end_of_period(subscription: Subscription) -> datetime:
    if subscription.period_end is None:
        raise NotNow(_("When the period ends is not known yet. Look again in a minute."))
    return subscription.period_end


@transaction.atomic
def keep_plan(*, actor: Actor, organization: Organization) -> None:
    """Take back a change of the plan that has not taken effect. What staff announced is not to be taken back."""
    organization = locked_organization(organization)
    if not (verdict := may(actor, Permission.MANAGE_BILLING, organization)):
        raise NotPermitted(verdict.reason)
    row = Wanted.objects.filter(organization=organization, plan__isnull=False, due_at__gt=clock.now()).first()
    subscription = buying.live_subscription(organization)
    if row is None or subscription is None or quantities.waiting_call(organization) is not None:
        raise NotNow(_("No change of the plan is waiting that could be taken back."))
    if not actor.is_operator and is_announced(row, subscription):
        raise NotNow(_("These are new prices, and not a choice. You can end the plan, or choose another."))
    _forget_change(row)
    audit.record(
        actor,
        "plan.kept",
        f"plan {subscription.plan}",
        organization=organization.name,
        after={"plan": str(subscription.plan), "interval": subscription.interval},
    )


def is_announced(row: Wanted, subscription: Subscription) -> bool:
    """Whether it is the same plan at newer prices, which nobody chose."""
    same = row.plan is not None and subscription.plan is not None and row.plan.tier == subscription.plan.tier
    return same and row.plan_id != subscription.plan_id and row.interval == subscription.interval


def _forget_change(row: Wanted) -> None:
    row.plan, row.interval, row.due_at = None, "", None
    row.save(update_fields=["plan", "interval", "due_at"])


def _enqueue(row: Wanted, subscription: Subscription, at: datetime | None) -> None:
    arguments: dict[str, object] = {
        "subscription": subscription.stripe_id,
        "plan": row.plan_id,
        "interval": row.interval,
    }
    if at is not None:
        arguments["at"] = at.isoformat()
    elif row.due_at is not None:
        arguments["due"] = row.due_at.isoformat()
    enqueue(kind=CallKind.CHANGE_PLAN, organization=row.organization, topic=subscription.stripe_id, arguments=arguments)


def _record(actor: Actor, organization: Organization, action: str, subscription: Subscription, to: Choice) -> None:
    audit.record(
        actor,
        action,
        f"plan {subscription.plan}",
        organization=organization.name,
        before={"plan": str(subscription.plan), "interval": subscription.interval},
        after={"plan": str(to.plan), "interval": to.interval.value, "when": to.when.value},
    )


# --- When its time has come -----------------------------------------------------------------------------------------


def make_due(*, actor: Actor) -> int:
    """Have Stripe told of what takes effect with the period that begins soon; how many changes."""
    if not actor.is_operator:
        raise NotPermitted("This happens by time, not by people.")
    rows = Wanted.objects.filter(plan__isnull=False, due_at__lte=clock.now() + LEAD).order_by("due_at", "pk")
    return sum(_make_due(pk) for pk in list(rows.values_list("organization_id", flat=True)[:500]))


@transaction.atomic
def _make_due(organization_id: int) -> bool:
    organization = locked_organization(Organization(pk=organization_id))
    row = Wanted.objects.filter(organization=organization, plan__isnull=False).select_related("plan").first()
    subscription = buying.live_subscription(organization)
    if row is None or row.due_at is None or row.due_at > clock.now() + LEAD:
        return False
    if subscription is None or subscription.ends_at is not None or _is_vain(row, subscription):
        _forget_change(row)
        return False
    if quantities.waiting_call(organization) is not None:
        return False
    _enqueue(row, subscription, None)
    return True


def _is_vain(row: Wanted, subscription: Subscription) -> bool:
    """It was wanted of a subscription before this one; or it was refused, as staff was told, and would be again."""
    if row.changed_at < subscription.started_at:
        return True
    calls = Call.objects.filter(organization=row.organization_id, kind=CallKind.CHANGE_PLAN)
    last = calls.filter(created_at__gte=row.changed_at).order_by("pk").last()
    return last is not None and last.state == JobState.DEAD


@makes(CallKind.CHANGE_PLAN)
def _change_plan(call: Call) -> Result:
    """With the numbers of this moment."""
    stripe_id, at = call.arguments["subscription"], call.arguments.get("at")
    syncing.sync_subscription(stripe_id)
    subscription = _of_call(stripe_id)
    plan, interval = Plan.objects.get(pk=call.arguments["plan"]), Interval(call.arguments["interval"])
    counts = _counts_now(subscription, plan)
    if (subscription.plan_id, subscription.interval) != (plan.pk, interval):
        if at and _is_of_before(subscription, datetime.fromisoformat(at)):
            _drop(call, plan, interval)
            raise CantBeMade("The period is over for whose rest the charge was agreed to; nothing is charged.")
        moment = datetime.fromisoformat(at) if at else _if_late(subscription, call)
        mode = _mode(subscription, moment)
        changes = changes_to(subscription, plan, interval, counts)
        key = uuid.uuid5(call.key, f"{mode.value} {changes} {moment}")
        gateway().change_items(str(key), stripe_id, changes, mode, at=moment)
    _settle_wanted(subscription.organization, plan, interval, None if at else counts)
    return {"subscription": stripe_id, "plan": str(plan), "interval": interval.value}


@transaction.atomic
def _drop(call: Call, plan: Plan, interval: Interval) -> None:
    """Who asked for it is not at the page any more, and is to know that it did not come."""
    _settle_wanted(call.organization, plan, interval, None)
    purchase_mails.tell_not_changed(call, plan, interval)


def _is_of_before(subscription: Subscription, at: datetime) -> bool:
    """Whether Stripe could not be told in the period of then: another sum is due by now than was agreed to."""
    return subscription.period_start is not None and at < subscription.period_start


def _if_late(subscription: Subscription, call: Call) -> datetime | None:
    """From when the old price was charged for what was not wanted any more, should the period have ended before Stripe
    could be told: what was charged too much from there on is credited."""
    due = datetime.fromisoformat(call.arguments["due"])
    begun = subscription.period_start
    return begun if begun is not None and begun >= due and clock.now() >= due else None


def _mode(subscription: Subscription, moment: datetime | None) -> Mode:
    if moment is None:
        return Mode.DECREASE
    return Mode.INVOICED if subscription.collection_method == BY_INVOICE else Mode.INCREASE


def _of_call(stripe_id: str) -> Subscription:
    subscription = Subscription.objects.select_related("plan", "organization").filter(stripe_id=stripe_id).first()
    if subscription is None:
        raise NotYet(f"{stripe_id} is not known here yet.")
    if not subscription.is_live:
        raise CantBeMade(f"{stripe_id} is {subscription.status}.")
    return subscription


@transaction.atomic
def _counts_now(subscription: Subscription, plan: Plan) -> Counts:
    """Nobody comes or goes while they are read."""
    locked_organization(subscription.organization)
    found = Sheet(subscription.organization, subscription)
    seats = sums.target(wanted=found.billed.seats, used=found.used.seats, paid=found.paid.seats)
    return counts_under(found, plan)._replace(seats=seats)


def changes_to(subscription: Subscription, plan: Plan, interval: Interval, counts: Counts) -> tuple[Change, ...]:
    """Every item at its price in the new plan. What has none there is taken away."""
    further = sums.further_roots(counts.roots, plan.roots_included)
    numbers: Mapping[Item, int] = {Item.SEAT: counts.seats, Item.ROOT: further}
    known = {Item(one.item): one for one in subscription.items.exclude(item="").order_by("-pk")}
    found = []
    for item, number in numbers.items():
        if item in known or number:
            price = buying.price_of(plan, item, subscription.currency, interval)
            found.append(Change(item=_id(known.get(item)), price=price.stripe_id, quantity=number))
    others = [one for item, one in known.items() if item not in numbers]
    return (*found, *(_metered(one, plan, subscription.currency, interval) for one in others))


def _id(known: SubscriptionItem | None) -> str:
    return known.stripe_id if known else ""


def _metered(known: SubscriptionItem, plan: Plan, currency: str, interval: Interval) -> Change:
    """What is counted by the index has no number of ours."""
    try:
        price = buying.price_of(plan, Item(known.item), currency, interval)
    except buying.NotSold:
        return Change(item=known.stripe_id, remove=True)
    return Change(item=known.stripe_id, price=price.stripe_id)


@transaction.atomic
def _settle_wanted(organization: Organization, plan: Plan, interval: Interval, counts: Counts | None) -> None:
    """Unless something else was chosen in the meantime, nothing waits any more."""
    locked_organization(organization)
    row = Wanted.objects.filter(organization=organization, plan=plan, interval=interval).first()
    if row is None:
        return
    if counts is not None:
        row.seats, row.roots = counts
        row.save(update_fields=["seats", "roots"])
    _forget_change(row)
