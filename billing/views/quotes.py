"""Buying by invoice: to whom it is made out, the quote as it is printed, and the order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from billing import tiers
from billing.models import Allowance, Intent
from billing.money import Money
from billing.selectors.buying import is_given_up, sum_of, use_of
from billing.services.purchases import can_buy
from billing.services.quotes import DAYS_UNTIL_DUE, accept_with_order, can_accept, request_quote
from billing.tax_ids import UNION
from billing.views.buying import summary
from billing.views.buying_forms import BilledForm, OrderForm, PurchaseOrderForm
from billing.views.countries import COUNTRIES
from billing.vocabulary import Method, Tier
from orgs.services.notices import site_url
from orgs.views.access import Here, organization_page
from orgs.views.shell import organization_response, submit
from orgs.vocabulary import Permission

FORM = ("GET", "HEAD", "POST")
CURRENT = "organization-plan"


@organization_page(Permission.MANAGE_BILLING)
@require_http_methods(FORM)
def new(request: HttpRequest, here: Here) -> HttpResponse:
    """To whom the invoice is made out; what is ordered stands in the address, and leads back when it can't be had."""
    asked = {**OrderForm.start(request.GET, use_of(here.organization)), "method": Method.INVOICE.value}
    back = f"{reverse('organization-plan-buy', args=[here.organization.name])}?{urlencode(asked)}"
    order = OrderForm(asked)
    chosen = summary(here, order) if order.is_valid() else None
    if chosen is None:
        return redirect(back)
    start = {"name": here.organization.display_name, "email": here.membership.user.email}
    form = BilledForm(request.POST or None, initial=start)
    made: list[Intent] = []

    def ask(data: dict[str, Any]) -> None:
        made.append(
            request_quote(actor=here.actor, organization=here.organization, order=order.order(), billed=form.billed())
        )

    if submit(request, form, ask, _("Here is your quote. We also mailed you the link to it.")):
        return redirect("organization-plan-quote", here.organization.name, made[0].number)
    context = {
        "form": form,
        "summary": chosen,
        "back": back,
        "refusal": can_buy(here.organization, here.actor).reason,
        "days": DAYS_UNTIL_DUE,
    }
    status = 422 if form.errors else 200
    return organization_response(request, here, "billing/quote_new.html", context, current=CURRENT, status=status)


@organization_page(Permission.MANAGE_BILLING)
@require_safe
def quote(request: HttpRequest, here: Here, quote: str) -> HttpResponse:
    """As it is printed, and handed on to whoever signs orders."""
    intent = _find(here, quote)
    context = _about(intent) | {"may_order": bool(can_accept(intent, here.actor)), "asked": _asked(intent)}
    return organization_response(request, here, "billing/quote.html", context, current=CURRENT)


@organization_page(Permission.MANAGE_BILLING)
@require_http_methods(FORM)
def order(request: HttpRequest, here: Here, quote: str) -> HttpResponse:
    """The purchase order."""
    intent = _find(here, quote)
    form = PurchaseOrderForm(request.POST if request.method == "POST" else None)

    def accept(data: dict[str, Any]) -> None:
        accept_with_order(actor=here.actor, intent=intent, **data)

    done = _("Ordered. The invoice is on its way to %(email)s.") % {"email": intent.billing_email}
    if request.method == "POST" and submit(request, form, accept, done):
        return redirect("organization-plan-quote", here.organization.name, intent.number)
    context = _about(intent) | {"form": form, "refusal": can_accept(intent, here.actor).reason}
    status = 422 if form.errors else 200
    return organization_response(request, here, "billing/order.html", context, current=CURRENT, status=status)


def _find(here: Here, number: str) -> Intent:
    """One of this organization's."""
    if "\x00" in number:
        raise Http404
    found = Intent.objects.filter(organization=here.organization, method=Method.INVOICE, number=number)
    intent = found.exclude(number="").select_related("plan", "organization", "requested_by").first()
    if intent is None:
        raise Http404
    return intent


def _asked(intent: Intent) -> Allowance | None:
    return intent.allowances.order_by("-pk").first()


def _is_in_union(address: Mapping[str, str]) -> bool:
    return address.get("country", "") in UNION


def _about(intent: Intent) -> dict[str, Any]:
    country = dict(COUNTRIES).get(intent.billing_address.get("country", ""), "")
    return {
        "intent": intent,
        "plan": tiers.terms_of(Tier(intent.plan.tier)),
        "sum": sum_of(intent),
        "country": country,
        "tax": Money(intent.tax, intent.currency) if intent.tax is not None else None,
        "is_reversed": intent.tax == 0 and bool(intent.tax_id) and _is_in_union(intent.billing_address),
        "whole": Money(intent.total + (intent.tax or 0), intent.currency),
        "seller": settings.FREEHOLD_SELLER,
        "address": site_url("organization-plan-quote", intent.organization.name, intent.number),
        "is_given_up": is_given_up(intent),
        "days": DAYS_UNTIL_DUE,
    }
