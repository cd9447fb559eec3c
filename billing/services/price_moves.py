"""New prices for those who have bought already: told of a month ahead at least, and charged from a period's end on."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from billing import clock, sums
from billing.models import Plan, Subscription
from billing.pages.changing import counts_under
from billing.selectors import buying
from billing.selectors.quantities import Sheet, period_sum, wanted_plan
from billing.services.quantities import CHANGEABLE, write_wanted
from billing.services.standing_mails import mail_payers
from billing.tiers import Sum
from billing.vocabulary import Interval, Tier
from billing.words import spelled
from freehold.errors import Invalid, NotPermitted
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict
from orgs.models import Organization
from orgs.services.organizations import NotNow, locked_organization

LEAST_NOTICE = timedelta(days=30)


def behind() -> list[Organization]:
    """Who pays prices that are not sold any more, and was not told of newer ones."""
    older = Subscription.objects.filter(status__in=CHANGEABLE, plan__is_current=False, ends_at__isnull=True)
    rows = older.exclude(organization__wanted__plan__isnull=False).select_related("organization")
    return [row.organization for row in rows.order_by("organization__name")]


def can_announce(organization: Organization, actor: Actor) -> Verdict:
    if not actor.is_operator:
        return Verdict(False, _("New prices are announced by staff."))
    subscription = buying.live_subscription(organization)
    if subscription is None or subscription.plan is None or subscription.status not in CHANGEABLE:
        return Verdict(False, _("%(name)s has no plan that goes on.") % {"name": organization.name})
    if subscription.ends_at is not None:
        return Verdict(False, _("The plan of %(name)s ends anyway.") % {"name": organization.name})
    if subscription.plan.is_current:
        return Verdict(False, _("%(name)s has the prices that are sold now.") % {"name": organization.name})
    if wanted_plan(subscription) is not None:
        return Verdict(False, _("Another change of the plan of %(name)s is under way.") % {"name": organization.name})
    return ALLOWED


@transaction.atomic
def announce_prices(*, actor: Actor, organization: Organization, notice: timedelta = LEAST_NOTICE) -> datetime:
    """Move it to what is sold now under the name of its plan, with the first period that ends after the notice; from
    when on. Who may pay for it is told what it costs now and then."""
    organization = locked_organization(organization)
    if not actor.is_operator:
        raise NotPermitted(_("New prices are announced by staff."))
    if notice < LEAST_NOTICE:
        raise Invalid(_("People are told of new prices %(days)d days ahead at least.") % {"days": LEAST_NOTICE.days})
    if not (verdict := can_announce(organization, actor)):
        raise NotNow(verdict.reason)
    subscription = buying.live_subscription(organization)
    assert subscription is not None, "can_announce has just found it"
    plan, since = _next_version(subscription), _first_day(subscription, notice)
    found = Sheet(organization, subscription)
    row = write_wanted(organization, found.wanted)
    row.plan, row.interval, row.due_at = plan, subscription.interval, since
    row.save(update_fields=["plan", "interval", "due_at"])
    audit.record(
        actor,
        "plan.announced",
        f"plan {subscription.plan}",
        organization=organization.name,
        before={"plan": str(subscription.plan)},
        after={"plan": str(plan), "since": since.isoformat()},
    )
    _tell(found, plan, since)
    return since


def _next_version(subscription: Subscription) -> Plan:
    plan = buying.plan_sold(Tier(subscription.plan.tier)) if subscription.plan else None
    if plan is None:
        raise NotNow(_("Its plan is not sold any more. Talk to them."))
    return plan


def _first_day(subscription: Subscription, notice: timedelta) -> datetime:
    if subscription.period_end is None or not subscription.interval:
        raise NotNow(_("When its period ends is not known."))
    return sums.period_after(subscription.period_end, Interval(subscription.interval), clock.now() + notice)


def _tell(found: Sheet, plan: Plan, since: datetime) -> None:
    subscription = found.subscription
    before = period_sum(subscription.plan, subscription, found.next)
    after = period_sum(plan, subscription, counts_under(found, plan))
    if before is None or after is None:
        raise NotNow(_("The new plan has no prices in its currency."))
    key = f"prices:{found.organization.pk}:{plan.pk}"
    facts = {"plan": plan.get_tier_display(), "since": since, "by_year": subscription.interval == Interval.YEAR}
    mail_payers(found.organization, "billing_prices", key, **facts, before=_text(before), after=_text(after))


def _text(found: Sum) -> str:
    return spelled(found.total)
