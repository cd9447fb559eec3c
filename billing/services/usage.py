"""What an organization's projects were served, told to Stripe: whole gigabytes, each once.

The index reports bytes by project and day (``PUT /api/v1/usage/<day>``), also late, and may correct itself. What is
told is the sum since the plan began, less what was told before; what was too much is made up for by what comes.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from billing import clock
from billing.gateway.calls import gateway
from billing.gateway.errors import Refused
from billing.models import Call, Subscription
from billing.services.calls import Result, is_forgotten, makes
from billing.services.outbox import enqueue
from billing.vocabulary import CallKind, Item, JobState
from freehold.errors import NotPermitted
from namespaces.models import Project, Usage
from orgs.actors import Actor
from orgs.models import Organization
from orgs.services.organizations import locked_organization

GIGABYTE = 10**9


def gigabytes_served(organization: Organization, since: datetime) -> int:
    """Whole ones, of the projects that the index says are the organization's, from that day on."""
    projects = Project.objects.filter(owner=organization.name).values("name")
    rows = Usage.objects.filter(day__gte=since.date(), project__in=projects)
    return int(rows.aggregate(total=Sum("bytes"))["total"] or 0) // GIGABYTE


def gigabytes_told(subscription: Subscription) -> int:
    """Those of calls that were given up too: they may have arrived, and nobody pays twice."""
    calls = Call.objects.filter(organization_id=subscription.organization_id, kind=CallKind.REPORT_USAGE)
    told = calls.exclude(state=JobState.IGNORED).filter(arguments__subscription=subscription.stripe_id)
    return sum(int(call.arguments["value"]) for call in told)


def report_served(*, actor: Actor) -> int:
    """For everybody whose plan has a metered part; how many reports are on their way."""
    if not actor.is_operator:
        raise NotPermitted("This happens by time, not by people.")
    metered = Subscription.objects.live().filter(items__item=Item.SERVED).order_by("pk").distinct()
    return sum(_report(pk) for pk in list(metered.values_list("pk", flat=True)))


@transaction.atomic
def _report(pk: int) -> bool:
    subscription = Subscription.objects.select_related("customer", "organization").get(pk=pk)
    locked_organization(subscription.organization)
    due = gigabytes_served(subscription.organization, subscription.started_at) - gigabytes_told(subscription)
    if due <= 0:
        return False
    now = clock.now().replace(microsecond=0)
    enqueue(
        kind=CallKind.REPORT_USAGE,
        organization=subscription.organization,
        topic=f"{subscription.stripe_id} {now.isoformat()}"[:100],
        arguments={
            "subscription": subscription.stripe_id,
            "customer": subscription.customer.stripe_id,
            "value": due,
            "at": now.isoformat(),
        },
    )
    return True


@makes(CallKind.REPORT_USAGE)
def _tell(call: Call) -> Result:
    asked = call.arguments
    customer, value, at = asked["customer"], int(asked["value"]), datetime.fromisoformat(asked["at"])
    if not (is_forgotten(call) and _has_arrived(customer, value, at)):
        gateway().report_usage(str(call.key), customer=customer, value=value, at=at)
    return {"value": asked["value"]}


def _has_arrived(customer: str, value: int, at: datetime) -> bool:
    """By what Stripe has counted for that minute, in which nothing else was reported; raises ``Refused`` otherwise."""
    counted = gateway().usage_counted(customer=customer, at=at)
    if counted not in {0, value}:
        told = _("Stripe has counted %(counted)d for %(at)s, where %(value)d or nothing was to be: set it right there.")
        raise Refused(told % {"counted": counted, "at": at.isoformat(), "value": value})
    return counted == value
