"""What an organization's own pages say of its plan (``orgs.hooks``)."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing import tiers
from billing.pages.plan import held_for
from billing.selectors.buying import live_subscription
from billing.selectors.entitlements import Source, entitlement
from billing.selectors.quantities import payment_page
from billing.vocabulary import Tier
from orgs.hooks import Fact, Step
from orgs.models import Organization
from orgs.vocabulary import Kind, State

COUNTING = frozenset({Source.PAID, Source.BY_HAND})


def facts(organization: Organization) -> list[Fact]:
    """Which plan it has. A community project has none, and needs none."""
    if organization.kind != Kind.COMPANY:
        return []
    live = live_subscription(organization)
    if live is None or live.plan is None:
        return []
    label = tiers.terms_of(Tier(live.plan.tier)).label
    text = _("%(plan)s, ending") if live.ends_at else "%(plan)s"
    return [Fact(_("Plan"), text % {"plan": label}, reverse("organization-plan", args=[organization.name]))]


def steps(organization: Organization) -> list[Step]:
    """To choose a plan, which makes a company active; and to pay for what is held for it besides."""
    if organization.kind != Kind.COMPANY or organization.state not in {State.APPLIED, State.ACTIVE}:
        return []
    has_plan = entitlement(organization).source in COUNTING
    if not has_plan and organization.state == State.ACTIVE:
        return []
    url = reverse("organization-plan" if has_plan else "organization-plan-buy", args=[organization.name])
    hint = _("With it the company becomes active, and what is held for it becomes its own.")
    return [Step(_("Choose a plan"), url, hint, done=has_plan), *_of_held(organization)]


def _of_held(organization: Organization) -> list[Step]:
    """Of one that is active and owes nothing: to the others it is said with the plan."""
    held = held_for(organization) if organization.may_hold else []
    if not held:
        return []
    text = ngettext("Pay for one more namespace", "Pay for %(count)d more namespaces", len(held)) % {"count": len(held)}
    hint = _("Held for you until then: %(names)s.") % {"names": ", ".join(grant.name for grant in held)}
    return [Step(text, payment_page(organization, 0), hint)]
