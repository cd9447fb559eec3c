"""Billing at the review desk: events that came from Stripe, and calls that go there."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import admins_only, staff_only, viewer_of
from billing.models import Call, Customer, Event
from billing.selectors import desk
from billing.services import inbox
from billing.services.desk import can_give_up, can_retry, give_up_call, retry_call
from billing.views.desk_parts import FORM, CallFilter, EventFilter, ReasonForm, actor_of, paged, typed
from freehold.access import act
from freehold.pages import private_page
from orgs.views.shell import attempt, submit


def _as_text(tree: Any) -> str:
    return json.dumps(tree, indent=2, ensure_ascii=False, sort_keys=True)


# --- Events -----------------------------------------------------------------------------------------------------------


@staff_only
@require_safe
def events(request: HttpRequest) -> HttpResponse:
    form = EventFilter(request.GET)
    asked = typed(form)
    context = paged(request, desk.events(asked["state"], asked["type"].strip(), asked["about"].strip()))
    rows = [(event, desk.TONES[event.state]) for event in context["rows"]]
    context |= {"form": form, "is_narrowed": any(asked.values()), "rows": rows}
    return private_page(request, "billing/desk/events.html", context)


@staff_only
@require_safe
def event(request: HttpRequest, event: int) -> HttpResponse:
    """As it came, and what became of it."""
    found = get_object_or_404(Event, pk=event)
    same = Event.objects.filter(object_type=found.object_type, object_id=found.object_id).exclude(pk=found.pk)
    whose = Customer.objects.filter(stripe_id=found.customer).select_related("organization").first()
    context = {
        "event": found,
        "tone": desk.TONES[found.state],
        "organization": whose.organization if whose else None,
        "others": same.order_by("-received_at", "-pk").defer("payload")[: desk.RECENT] if found.object_id else [],
        "payload": _as_text(found.payload),
        "refusal": inbox.can_replay(found).reason,
    }
    return private_page(request, "billing/desk/event.html", context)


@act
@staff_only
def replay(request: HttpRequest, event: int) -> HttpResponseBase:
    found = get_object_or_404(Event.objects.defer("payload"), pk=event)
    done = _("A worker looks at it once more, in a moment.")
    attempt(request, lambda: inbox.replay(actor=actor_of(request), event=found), done)
    return redirect("review-billing-event", found.pk)


# --- Calls ------------------------------------------------------------------------------------------------------------


@staff_only
@require_safe
def calls(request: HttpRequest) -> HttpResponse:
    form = CallFilter(request.GET)
    asked = typed(form)
    context = paged(request, desk.calls(asked["state"], asked["kind"]))
    rows = [(call, desk.TONES[call.state]) for call in context["rows"]]
    context |= {"form": form, "is_narrowed": any(asked.values()), "rows": rows}
    return private_page(request, "billing/desk/calls.html", context)


@staff_only
@require_safe
def call(request: HttpRequest, call: int) -> HttpResponse:
    """What is to be written to Stripe, what came of it, and what can be done about it."""
    found = get_object_or_404(Call.objects.select_related("organization"), pk=call)
    context = {
        "call": found,
        "tone": desk.TONES[found.state],
        "arguments": _as_text(found.arguments),
        "result": _as_text(found.result),
        "may_retry": bool(can_retry(found)),
        "why_not": can_retry(found).reason if found.state == "dead" else "",
        "may_give_up": bool(can_give_up(found)),
        "is_admin": viewer_of(request).is_superuser,
    }
    return private_page(request, "billing/desk/call.html", context)


@act
@admins_only
def retry(request: HttpRequest, call: int) -> HttpResponseBase:
    found = get_object_or_404(Call, pk=call)
    done = _("A worker makes it once more, in a moment.")
    attempt(request, lambda: retry_call(actor=actor_of(request), call=found), done)
    return redirect("review-billing-call", found.pk)


@admins_only
@require_http_methods(FORM)
def give_up(request: HttpRequest, call: int) -> HttpResponse:
    """Asked before it is done: what was wanted is not made then."""
    found = get_object_or_404(Call.objects.select_related("organization"), pk=call)
    if request.method != "POST" and not (verdict := can_give_up(found)):
        messages.info(request, verdict.reason)
        return redirect("review-billing-call", found.pk)
    form = ReasonForm(request.POST if request.method == "POST" else None)

    def stop(data: dict[str, Any]) -> None:
        give_up_call(actor=actor_of(request), call=found, **data)

    if request.method == "POST" and submit(request, form, stop, _("Given up.")):
        return redirect("review-billing-call", found.pk)
    context = {"call": found, "form": form, "arguments": _as_text(found.arguments)}
    return private_page(request, "billing/desk/give_up.html", context, status=422 if form.errors else 200)
