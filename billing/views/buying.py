"""Choosing a plan, paying for it at Stripe, and coming back."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from billing import tiers
from billing.models import Intent
from billing.pages.plan import cheaper, choices, held_for, plan_page, saved
from billing.selectors.buying import currency_of, is_given_up, open_intent, use_of
from billing.services.purchases import begin_purchase, can_buy, terms_of
from billing.services.returning import Return, look_at_return
from billing.views.buying_forms import OrderForm
from billing.views.leading import leads_to_stripe
from billing.vocabulary import Interval, Method
from freehold.errors import Invalid
from orgs.views.access import Here, organization_page
from orgs.views.shell import organization_response, submit
from orgs.vocabulary import Permission

FORM = ("GET", "HEAD", "POST")
CURRENT = "organization-plan"
LONGEST_ID = 200


@leads_to_stripe
@organization_page(Permission.MANAGE_BILLING)
@require_http_methods(FORM)
def buy(request: HttpRequest, here: Here) -> HttpResponse:
    """The form with the sum. ``reckon`` only reckons anew; what is typed may also stand in the address."""
    verdict = can_buy(here.organization, here.actor)
    start = OrderForm.start(request.GET, use_of(here.organization), currency_of(here.organization))
    form = OrderForm(request.POST if request.method == "POST" else start)
    if request.method == "POST" and "reckon" not in request.POST:
        answer = _ordered(request, here, form)
        if answer is not None:
            return answer
    return _page(request, here, form, verdict.reason)


def _ordered(request: HttpRequest, here: Here, form: OrderForm) -> HttpResponse | None:
    """To Stripe, or to the quote; None where something has to be changed first."""
    if form.is_valid() and form.cleaned_data["method"] == Method.INVOICE:
        names = ("tier", "seats", "roots", "interval", "currency")
        asked = urlencode({name: form.cleaned_data[name] for name in names})
        return redirect(f"{reverse('organization-plan-quote-new', args=[here.organization.name])}?{asked}")
    begun: list[Intent] = []

    def begin(data: dict[str, Any]) -> None:
        begun.append(begin_purchase(actor=here.actor, organization=here.organization, order=form.order()))

    return HttpResponseRedirect(begun[0].url) if submit(request, form, begin) else None


def _page(request: HttpRequest, here: Here, form: OrderForm, refusal: str) -> HttpResponse:
    data = form.cleaned_data if form.is_valid() else {}
    currency, interval = str(form["currency"].value()), form["interval"].value()
    interval = Interval(interval) if interval in Interval.values else Interval.MONTH
    intent = open_intent(here.organization)
    context = {
        "form": form,
        "choices": choices(currency, interval) or choices("usd", interval),
        "summary": summary(here, form) if data else None,
        "interval": interval,
        "use": use_of(here.organization),
        "waiting": held_for(here.organization),
        "intent": intent,
        "is_stuck": intent is not None and is_given_up(intent),
        "refusal": refusal,
    }
    is_refused = request.method == "POST" and bool(form.errors) and "reckon" not in request.POST
    status = 422 if is_refused else 200
    return organization_response(request, here, "billing/buy.html", context, current=CURRENT, status=status)


def summary(here: Here, form: OrderForm) -> dict[str, Any] | None:
    """The sum of what is chosen; None, with the error in the form, of what can't be had."""
    try:
        terms = terms_of(form.order(), use_of(here.organization))
    except Invalid as error:
        if error.message not in form.non_field_errors():
            form.add_error(None, error.message)
        return None
    return {
        "terms": terms,
        "label": tiers.terms_of(terms.order.tier).label,
        "sum": terms.sum,
        "saved": saved(terms.sum),
        "cheaper": cheaper(terms.sum, terms.order.tier, seats=terms.order.seats, roots=terms.order.roots),
    }


# --- Coming back ------------------------------------------------------------------------------------------------------


@organization_page(Permission.MANAGE_BILLING)
@require_safe
def returned(request: HttpRequest, here: Here) -> HttpResponse:
    """Where Stripe sends people after they paid. It looks for itself, and waits as long as nothing is known."""
    session = request.GET.get("session", "")[:LONGEST_ID]
    if not session:
        return redirect(CURRENT, here.organization.name)
    found = look_at_return(actor=here.actor, organization=here.organization, session=session)
    here.organization.refresh_from_db()
    context = {
        "found": found,
        "page": plan_page(here.organization),
        "is_waiting": found.said is Return.WAITING,
        "again": f"{request.path}?{urlencode({'session': session})}",
    }
    response = organization_response(request, here, "billing/returned.html", context, current=CURRENT)
    if getattr(request, "htmx", False) and found.said is not Return.WAITING:
        response["HX-Refresh"] = "true"  # the heading of the page is another then, and the organization's badge
    return response


@organization_page(Permission.MANAGE_BILLING)
@require_safe
def cancelled(request: HttpRequest, here: Here) -> HttpResponse:
    """Where Stripe sends people who went back without paying."""
    page = plan_page(here.organization)
    return organization_response(request, here, "billing/cancelled.html", {"page": page}, current=CURRENT)
