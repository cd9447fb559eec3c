"""How many seats and root namespaces an organization has: more at once and paid, fewer from the next period on.

What is wanted is a row of ours, written under the organization's lock. Stripe is told by a worker, in absolute numbers
that are reckoned from the database when the call is made: people who came in the meantime count.
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
from billing.models import Call, Subscription, Wanted
from billing.selectors import buying, quantities
from billing.selectors.entitlements import in_use
from billing.selectors.quantities import BY_INVOICE, Counts, Sheet, sheet
from billing.services import syncing
from billing.services.calls import CantBeMade, NotYet, Result, makes
from billing.services.outbox import enqueue
from billing.sums import Steps
from billing.vocabulary import CallKind, Interval, Item
from freehold.errors import Invalid, NotPermitted
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.models import Organization
from orgs.services.organizations import NotNow, locked_organization
from orgs.vocabulary import Permission

AGREED_FOR = timedelta(minutes=30)
"""How long somebody may look at a sum before they agree to it."""
CHANGEABLE = frozenset({"active", "trialing"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """That somebody agreed to be charged what a change costs, reckoned from the moment ``at``."""

    at: datetime


# --- Whether --------------------------------------------------------------------------------------------------------


def can_change(organization: Organization, actor: Actor) -> Verdict:
    """Whether the plan or its quantities can be changed now."""
    if not (verdict := may(actor, Permission.MANAGE_BILLING, organization)):
        return verdict
    found = sheet(organization)
    if found is None:
        return Verdict(False, _("There is no plan yet that could be changed. Choose one first."))
    return _unless_in_between(found)


def _unless_in_between(found: Sheet) -> Verdict:
    """While something is unsettled nobody could say what a change costs."""
    subscription = found.subscription
    if found.call is not None:
        return Verdict(False, _("An earlier change is on its way to Stripe. Look again in a minute."))
    if found.is_unpaid:
        return Verdict(False, _("An earlier change waits for its payment. Pay it, or wait until it expires."))
    if subscription.plan is None or subscription.problems or not subscription.interval:
        return Verdict(False, _("Something about the plan is unclear, and our staff has to look at it first."))
    if subscription.status not in CHANGEABLE or subscription.unpaid_since is not None:
        return Verdict(False, _("An invoice of the plan is open. Pay that first."))
    if subscription.ends_at is not None:
        return Verdict(False, _("The plan ends with this period. Take the cancellation back first."))
    return ALLOWED


def demand_change(actor: Actor, organization: Organization) -> Sheet:
    """For whoever has locked the organization; raises ``NotPermitted`` or ``NotNow``."""
    if not (verdict := may(actor, Permission.MANAGE_BILLING, organization)):
        raise NotPermitted(verdict.reason)
    if not (verdict := can_change(organization, actor)):
        raise NotNow(verdict.reason)
    found = sheet(organization)
    assert found is not None, "can_change has just found it"
    return found


# --- Wanting --------------------------------------------------------------------------------------------------------


@transaction.atomic
def change_quantities(
    *, actor: Actor, organization: Organization, seats: int, roots: int, agreed: Agreed | None = None
) -> Wanted:
    """Have so many of each. More than is paid for needs that somebody ``agreed`` to the charge."""
    organization = locked_organization(organization)
    found = demand_change(actor, organization)
    asked = Counts(seats, max(roots, found.included))
    steps = steps_to(found, asked)
    if not steps:
        raise NotNow(_("That is what the organization has already."))
    if steps.charged:
        demand_agreed(agreed)
    before, row = found.wanted, write_wanted(organization, asked)
    arguments: dict[str, object] = {
        "subscription": found.subscription.stripe_id,
        "seats": asked.seats,
        "roots": asked.roots,
    }
    if agreed is not None:
        arguments["at"] = agreed.at.isoformat()
    enqueue(
        kind=CallKind.SET_QUANTITIES,
        organization=organization,
        topic=found.subscription.stripe_id,
        arguments=arguments,
    )
    audit.record(
        actor,
        "plan.quantities",
        f"plan {found.subscription.plan}",
        organization=organization.name,
        before=before._asdict(),
        after=asked._asdict(),
    )
    return row


def steps_to(found: Sheet, asked: Counts) -> Steps:
    """What it takes to come to these quantities; raises ``Invalid`` for those that are not to be had."""
    _demand_enough(found, asked)
    numbers = quantities.targets(found.subscription.plan, asked, found.used, found.held)
    steps = sums.steps(found.held, numbers)
    if set(steps.free) & set(steps.charged):
        raise NotNow(_("Fewer were wanted from the next period on. Take that back first, which costs nothing."))
    return steps


def _demand_enough(found: Sheet, asked: Counts) -> None:
    if not 1 <= asked.seats <= sums.MOST_SEATS or not 0 <= asked.roots <= sums.MOST_ROOTS:
        text = _("A plan has up to %(seats)d seats and %(roots)d namespaces; for more, ask us for a quote.")
        raise Invalid(text % {"seats": sums.MOST_SEATS, "roots": sums.MOST_ROOTS})
    if asked.seats < found.least.seats:
        text = _("%(used)d people are in the organization, and each needs a seat. Remove somebody first.")
        raise Invalid(text % {"used": found.used.seats})
    if asked.roots < found.least.roots:
        text = _("%(used)d root namespaces are in use. Release one first.")
        raise Invalid(text % {"used": found.used.roots})


def demand_agreed(agreed: Agreed | None) -> None:
    """Raises ``Invalid`` unless somebody saw what it costs a moment ago."""
    now = clock.now()
    if agreed is None or not now - AGREED_FOR <= agreed.at <= now:
        raise Invalid(_("The sum that was shown is not of now any more. Look at it again, and then agree."))


def write_wanted(organization: Organization, asked: Counts) -> Wanted:
    """Under the organization's lock. A change of plan that waits for the end of the period goes on waiting."""
    values = {"seats": asked.seats, "roots": asked.roots, "changed_at": clock.now()}
    row, _created = Wanted.objects.update_or_create(organization=organization, defaults=values)
    return row


# --- Telling Stripe ---------------------------------------------------------------------------------------------------


@makes(CallKind.SET_QUANTITIES)
def _set_quantities(call: Call) -> Result:
    """From what Stripe has at this moment, so that a call that was made already has nothing left to do."""
    stripe_id = call.arguments["subscription"]
    syncing.sync_subscription(stripe_id)
    found = _of_call(stripe_id)
    steps = _steps_now(found)
    at = _agreed_at(call, found.subscription)
    if steps.free:
        told(call, found.subscription, steps.free, Mode.DECREASE)
    if steps.charged and at and not found.is_unpaid:
        mode = Mode.INVOICED if found.subscription.collection_method == BY_INVOICE else Mode.INCREASE
        told(call, found.subscription, steps.charged, mode, at)
    return {"subscription": stripe_id, "free": _named(steps.free), "charged": _named(steps.charged if at else {})}


def _agreed_at(call: Call, subscription: Subscription) -> datetime | None:
    """From when it is charged. Should the period have ended before Stripe could be told, another sum is due than was
    agreed to: then nothing is charged, and the sweep gives it up."""
    at = datetime.fromisoformat(call.arguments["at"]) if call.arguments.get("at") else None
    begun = subscription.period_start
    return None if at is not None and begun is not None and at < begun else at


@transaction.atomic
def _steps_now(found: Sheet) -> Steps:
    """Nobody comes or goes while the numbers are read."""
    locked_organization(found.organization)
    asked = quantities.wanted(found.subscription)
    numbers = quantities.targets(found.subscription.plan, asked, in_use(found.organization), found.held)
    return sums.steps(found.held, numbers)


def _of_call(stripe_id: str) -> Sheet:
    rows = Subscription.objects.select_related("plan", "organization")
    subscription = rows.filter(stripe_id=stripe_id).first()
    if subscription is None:
        raise NotYet(f"{stripe_id} is not known here yet.")
    if not subscription.is_live:
        raise CantBeMade(f"{stripe_id} is {subscription.status}.")
    if subscription.plan is None or subscription.problems:
        raise NotYet(f"{stripe_id} has to be looked at: {'; '.join(subscription.problems) or 'its plan is unclear'}.")
    return Sheet(subscription.organization, subscription)


def told(
    call: Call, subscription: Subscription, numbers: Mapping[Item, int], mode: Mode, at: datetime | None = None
) -> None:
    """One of the writes that a call consists of. The same write has the same key, another one another."""
    changes = changes_to(subscription, numbers)
    key = uuid.uuid5(call.key, f"{mode.value} {sorted(_named(numbers).items())} {at}")
    gateway().change_items(str(key), subscription.stripe_id, changes, mode, at=at)


def changes_to(subscription: Subscription, numbers: Mapping[Item, int]) -> tuple[Change, ...]:
    """The items with their numbers; one that the subscription does not have yet is added at the price of its plan."""
    return tuple(_change(subscription, item, number) for item, number in numbers.items())


def _change(subscription: Subscription, item: Item, number: int) -> Change:
    known = quantities.item_of(subscription, item)
    if known is not None:
        return Change(item=known.stripe_id, quantity=number)
    assert subscription.plan is not None, "asked before"
    price = buying.price_of(subscription.plan, item, subscription.currency, Interval(subscription.interval))
    return Change(price=price.stripe_id, quantity=number)


def _named(numbers: Mapping[Item, int]) -> dict[str, int]:
    return {item.value: number for item, number in numbers.items()}
