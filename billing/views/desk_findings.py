"""Billing at the review desk: what comparisons with Stripe found, and what else somebody should look into."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import staff_only
from billing.models import Alert, Drift
from billing.selectors import desk
from billing.services.desk import settle_alert, settle_drift
from billing.views.desk_parts import FORM, NoteForm, actor_of, paged
from freehold.pages import private_page
from orgs.views.shell import submit


@staff_only
@require_safe
def drifts(request: HttpRequest) -> HttpResponse:
    """What is left for staff; ``all``: also what was repaired or settled."""
    everything = "all" in request.GET
    context = paged(request, desk.drifts() if everything else desk.open_drifts())
    context |= {"everything": everything, "runs": desk.last_runs()}
    return private_page(request, "billing/desk/drifts.html", context)


@staff_only
@require_http_methods(FORM)
def drift(request: HttpRequest, drift: int) -> HttpResponse:
    found = get_object_or_404(Drift.objects.select_related("run", "organization"), pk=drift)
    form = NoteForm(request.POST if request.method == "POST" else None)

    def settle(data: dict[str, Any]) -> None:
        settle_drift(actor=actor_of(request), drift=found, **data)

    if request.method == "POST" and submit(request, form, settle, _("Settled.")):
        return redirect("review-billing-drifts")
    context = {"drift": found, "form": form}
    return private_page(request, "billing/desk/drift.html", context, status=422 if form.errors else 200)


@staff_only
@require_safe
def alerts(request: HttpRequest) -> HttpResponse:
    """Those that are open; ``settled``: those that somebody looked into, or that are over."""
    settled = "settled" in request.GET
    context = paged(request, desk.settled_alerts() if settled else desk.open_alerts())
    return private_page(request, "billing/desk/alerts.html", {**context, "settled": settled})


@staff_only
@require_http_methods(FORM)
def alert(request: HttpRequest, alert: int) -> HttpResponse:
    found = get_object_or_404(Alert.objects.select_related("organization"), pk=alert)
    form = NoteForm(request.POST if request.method == "POST" else None)

    def settle(data: dict[str, Any]) -> None:
        settle_alert(actor=actor_of(request), alert=found, **data)

    if request.method == "POST" and submit(request, form, settle, _("Settled.")):
        return redirect("review-billing-alerts")
    context = {"alert": found, "form": form}
    return private_page(request, "billing/desk/alert.html", context, status=422 if form.errors else 200)
