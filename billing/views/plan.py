"""The plan of an organization: what there is, its invoices, its end, and the way to what Stripe keeps."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from billing.pages.plan import PlanPage, invoice_rows, plan_page
from billing.selectors.buying import live_subscription, open_intent
from billing.selectors.quantities import payment_page
from billing.services.endings import can_end, can_take_back, end_plan, is_dead, is_ending, take_back
from billing.services.portal import can_open_portal, portal_address
from billing.services.purchases import can_buy, can_drop, drop_purchase
from billing.views.leading import leads_to_stripe
from freehold.access import act
from orgs.models import Organization
from orgs.views.access import Here, organization_page
from orgs.views.shell import attempt, organization_response
from orgs.vocabulary import Permission

FORM = ("GET", "HEAD", "POST")
CURRENT = "organization-plan"


@leads_to_stripe
@organization_page(Permission.MANAGE_BILLING)
@require_safe
def overview(request: HttpRequest, here: Here) -> HttpResponse:
    """What there is, what is due, and what comes next."""
    page, buying = plan_page(here.organization), can_buy(here.organization, here.actor)
    running = page.running
    context = {
        "page": page,
        "may_buy": bool(buying),
        "why_not": buying.reason,
        "may_end": bool(can_end(running)),
        "may_go_on": bool(can_take_back(running)),
        "is_ending": running is not None and is_ending(running),
        "waiting_url": _page_for_waiting(here.organization, page),
        "has_portal": bool(can_open_portal(here.organization)),
        "may_drop": page.intent is not None and bool(can_drop(page.intent)),
    }
    return organization_response(request, here, "billing/plan.html", context, current=CURRENT)


def _page_for_waiting(organization: Organization, page: PlanPage) -> str:
    """Where what is held is paid for; what is owed is paid first."""
    is_next = page.waiting and page.running is not None and organization.may_hold
    return payment_page(organization, 0) if is_next else ""


@organization_page(Permission.MANAGE_BILLING)
@require_safe
def invoices(request: HttpRequest, here: Here) -> HttpResponse:
    """All of them."""
    context = {"rows": invoice_rows(here.organization)}
    return organization_response(request, here, "billing/invoices.html", context, current=CURRENT)


# --- The end ----------------------------------------------------------------------------------------------------------


@organization_page(Permission.MANAGE_BILLING)
@require_http_methods(FORM)
def end(request: HttpRequest, here: Here) -> HttpResponse:
    """Asks, and lets the plan run out."""
    if request.method == "POST":
        running = live_subscription(here.organization)
        done = _("The plan ends with what is paid. Until then nothing changes, and you can take it back.")
        if running is not None and is_dead(running):
            done = _("The plan ends now. In a minute you can buy another.")
        attempt(request, lambda: end_plan(actor=here.actor, organization=here.organization), done)
        return redirect(CURRENT, here.organization.name)
    running = live_subscription(here.organization)
    context = {
        "running": running,
        "refusal": can_end(running).reason,
        "is_dead": running is not None and is_dead(running),
    }
    return organization_response(request, here, "billing/end.html", context, current=CURRENT)


@act
@organization_page(Permission.MANAGE_BILLING)
def go_on(request: HttpRequest, here: Here) -> HttpResponse:
    done = _("The plan goes on.")
    attempt(request, lambda: take_back(actor=here.actor, organization=here.organization), done)
    return redirect(CURRENT, here.organization.name)


@act
@organization_page(Permission.MANAGE_BILLING)
def drop(request: HttpRequest, here: Here) -> HttpResponse:
    """The purchase that is under way."""
    intent = open_intent(here.organization)
    if intent is not None:
        attempt(request, lambda: drop_purchase(actor=here.actor, intent=intent), _("Dropped. Nothing was charged."))
    return redirect(CURRENT, here.organization.name)


# --- At Stripe --------------------------------------------------------------------------------------------------------


@act
@organization_page(Permission.MANAGE_BILLING)
def portal(request: HttpRequest, here: Here) -> HttpResponse:
    """To the page at Stripe where cards and tax ids are kept, or back with why not."""
    found: list[str] = []
    attempt(request, lambda: found.append(portal_address(actor=here.actor, organization=here.organization)))
    if not found:
        return redirect(CURRENT, here.organization.name)
    return HttpResponseRedirect(found[0])
