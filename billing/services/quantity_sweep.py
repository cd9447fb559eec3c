"""Quantities that are not what was wanted: mended where it costs nothing, given up or reported where it would.

Stripe was told, and then somebody changed it there, or a payment that an increase waited for never came. What is mended
is mended once a day at most, so that nobody's program and ours take turns for ever.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from billing import clock, sums
from billing.models import Call, Wanted
from billing.selectors import buying, quantities
from billing.selectors.quantities import Counts, Sheet
from billing.services import purchase_mails
from billing.services.alerts import raise_alert, withdraw_alert
from billing.services.outbox import enqueue
from billing.services.quantities import CHANGEABLE
from billing.sums import Steps
from billing.vocabulary import CallKind
from freehold.errors import DomainError, NotPermitted
from orgs import audit
from orgs.actors import Actor
from orgs.models import Organization
from orgs.services.organizations import locked_organization

AGAIN_AFTER = timedelta(hours=20)

logger = logging.getLogger(__name__)


def sweep_quantities(*, actor: Actor, ending_within: timedelta | None = None) -> int:
    """Look at everybody who ever changed a quantity, or at those alone whose period ends so soon: who has lowered
    theirs and uses them again is billed for them; how many are being mended."""
    if not actor.is_operator:
        raise NotPermitted("This happens by time, not by people.")
    rows = Wanted.objects.filter(_concerned(ending_within)).order_by("pk").distinct()
    mended = 0
    for pk in list(rows.values_list("organization_id", flat=True)):
        try:
            mended += mend_quantities(actor=actor, organization=Organization(pk=pk))
        except DomainError as refusal:
            logger.warning("The quantities of organization %s were left: %s", pk, refusal)
    return mended


def _concerned(ending_within: timedelta | None) -> Q:
    live = Q(organization__subscriptions__status__in=CHANGEABLE)
    if ending_within is None:
        return live
    now = clock.now()
    return live & Q(organization__subscriptions__period_end__range=(now, now + ending_within))


@transaction.atomic
def mend_quantities(*, actor: Actor, organization: Organization) -> bool:
    """Have Stripe told anew of what costs nothing, and give up what was not paid; whether Stripe is told."""
    organization = locked_organization(organization)
    subscription = buying.live_subscription(organization)
    if subscription is None or subscription.status not in CHANGEABLE or subscription.problems:
        return False
    found = Sheet(organization, subscription)
    if found.call is not None or found.is_unpaid:
        return False
    numbers = quantities.targets(subscription.plan, found.wanted, found.used, found.held)
    steps = sums.steps(found.held, numbers)
    if steps.charged:
        _give_up(actor, found)
    if not steps.free or steps.charged:
        return False
    return _tell_again(found, steps)


def _give_up(actor: Actor, found: Sheet) -> None:
    """An increase that was not paid for is not wanted any more: nobody is charged for it by surprise later."""
    row = Wanted.objects.get(organization=found.organization)
    before, after = Counts(row.seats, row.roots), found.billed
    row.seats, row.roots, row.changed_at = after.seats, after.roots, timezone.now()
    row.save(update_fields=["seats", "roots", "changed_at"])
    audit.record(
        actor,
        "plan.given_up",
        f"plan {found.subscription.plan}",
        organization=found.organization.name,
        before=before._asdict(),
        after=after._asdict(),
    )
    purchase_mails.tell_not_increased(found.organization, before, after)


def _tell_again(found: Sheet, steps: Steps) -> bool:
    """Unless just that was done lately, and did not last."""
    stripe_id = found.subscription.stripe_id
    key = f"quantities:{stripe_id}"
    calls = Call.objects.filter(organization=found.organization, kind=CallKind.SET_QUANTITIES, topic=stripe_id)
    last = calls.filter(ended_at__gt=timezone.now() - AGAIN_AFTER).order_by("pk").last()
    same = {item.value: number for item, number in steps.free.items()}
    if last is not None and last.arguments.get("mends") and last.result.get("free") == same:
        told = f"The quantities of {found.organization.name} at Stripe are {found.billed}, and not {found.wanted}."
        raise_alert(key, told, found.organization)
        return False
    withdraw_alert(key)
    arguments = {"subscription": stripe_id, **found.wanted._asdict(), "mends": True}
    enqueue(kind=CallKind.SET_QUANTITIES, organization=found.organization, topic=stripe_id, arguments=arguments)
    return True
