"""What billing says about claims: what a namespace costs, whether one is still to be paid, and who is heard first."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing import tiers
from billing.money import Money
from billing.selectors import buying
from billing.selectors.entitlements import Source, entitlement, in_use
from billing.selectors.quantities import payment_page
from billing.tiers import Terms
from billing.vocabulary import Interval, Item, Tier
from billing.words import spelled
from namespaces import hooks as of_claims
from orgs.models import Organization
from orgs.vocabulary import Kind

PRIORITIES = {Tier.TEAM: 1, Tier.BUSINESS: 2, Tier.ENTERPRISE: 3}
"""How far up in the queue who pays for a tier stands: what was promised about answers, and nothing else."""
COUNTING = frozenset({Source.PAID, Source.BY_HAND})


def enter() -> None:
    """Called once as the app starts, where billing is on."""
    of_claims.payment_due.append(payment_due)
    of_claims.priorities.append(priority)
    of_claims.prices.append(price)
    of_claims.payment_pages.append(payment_page)


def payment_due(organization: Organization) -> bool:
    """Whether all the root namespaces that it may have are in use. By a plan that is over nothing more is to be had."""
    if organization.kind == Kind.COMMUNITY:
        return False
    found = entitlement(organization)
    if found.source is Source.ENDED:
        return True
    return found.roots is not None and in_use(organization).roots >= found.roots


def priority(organization: Organization) -> int:
    found = entitlement(organization)
    return PRIORITIES.get(found.tier, 0) if found.tier and found.source in COUNTING else 0


def price(organization: Organization | None) -> str:
    """What one more root namespace costs, in a sentence."""
    if organization is None or organization.kind == Kind.COMMUNITY:
        return _for_anybody() if organization is None else _("Free, as everything is for a verified community project.")
    found = entitlement(organization)
    if found.source is Source.OFF:
        return ""
    left = None if found.roots is None else found.roots - in_use(organization).roots
    if found.source not in COUNTING:
        return _for_a_new_company()
    if left is None:
        return _("Nothing more: the number of your namespaces is not limited.")
    if left > 0:
        text = ngettext(
            "Nothing more: %(left)d namespace of your plan is still free.",
            "Nothing more: %(left)d namespaces of your plan are still free.",
            left,
        )
        return text % {"left": left}
    return _for_one_more(organization)


def _for_anybody() -> str:
    return _("Free for verified community projects.") + " " + _for_a_new_company()


def _for_a_new_company() -> str:
    terms = _cheapest()
    one = tiers.reckon(terms, seats=1, roots=1, currency=tiers.CURRENCIES[0], interval=Interval.MONTH).total
    if terms.roots_included:
        text = _("For companies from %(price)s a month, with the first namespace included.")
    else:
        text = _("For companies from %(price)s a month.")
    return text % {"price": spelled(one)}


def _cheapest() -> Terms:
    currency = tiers.CURRENCIES[0]
    return min((terms for terms in tiers.TIERS if terms.is_sold), key=lambda terms: terms.seat[currency])


def _for_one_more(organization: Organization) -> str:
    """By the prices that it has, which may be older than what is sold now."""
    subscription = buying.live_subscription(organization)
    if subscription is None or subscription.plan is None or not subscription.interval:
        return _("All the namespaces of your plan are in use; one more has to be paid for.")
    try:
        interval = Interval(subscription.interval)
        found = buying.price_of(subscription.plan, Item.ROOT, subscription.currency, interval)
    except (buying.NotSold, ValueError):
        return _("All the namespaces of your plan are in use; one more has to be paid for.")
    each = Money(found.amount, found.currency)
    words = {"price": spelled(each), "plan": tiers.terms_of(Tier(subscription.plan.tier)).label}
    if interval is Interval.YEAR:
        return _("%(price)s a year more, before tax: all the namespaces of your plan %(plan)s are in use.") % words
    return _("%(price)s a month more, before tax: all the namespaces of your plan %(plan)s are in use.") % words
