"""Organizations as staff sees them, and what staff decides about them."""

from __future__ import annotations

from collections.abc import Callable

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import admins_only, staff_only, viewer_of
from freehold.access import act
from freehold.origin import client_address
from freehold.pages import private_page
from orgs.actors import Actor
from orgs.lifecycle import STAFF_ACTIONS, Action
from orgs.models import Organization, Recovery
from orgs.selectors_organizations import (
    figures,
    name_answer,
    organizations_for_staff,
    people_by_role,
    proofs_of,
    recent_events,
    recoveries_for_staff,
    waiting_recoveries,
)
from orgs.services import staff
from orgs.services.recovery import veto_recovery
from orgs.views.forms.organizations import ReasonForm, SeatsForm
from orgs.views.profile import named_in_address
from orgs.views.shell import attempt
from orgs.vocabulary import Kind, State

PER_PAGE = 50
ACTS: dict[Action, Callable[..., Organization]] = {
    Action.ACTIVATE: staff.activate_organization,
    Action.SUSPEND: staff.suspend_organization,
    Action.REINSTATE: staff.reinstate_organization,
}


@staff_only
@require_safe
def organizations(request: HttpRequest) -> HttpResponse:
    """All of them; ``q``, ``state`` and ``kind`` narrow it."""
    query, state, kind = (_typed(request, field) for field in ("q", "state", "kind"))
    found = Paginator(organizations_for_staff(query, state, kind), PER_PAGE).get_page(_typed(request, "page"))
    numbers = found.paginator.get_elided_page_range(found.number, on_each_side=1, on_ends=1)
    context = {
        "page": found,
        "numbers": list(numbers),
        "query": query,
        "state": state,
        "kind": kind,
        "states": State.choices,
        "kinds": Kind.choices,
    }
    return private_page(request, "orgs/review_organizations.html", context)


def _typed(request: HttpRequest, field: str) -> str:
    return request.GET.get(field, "").replace("\x00", "").strip()[:200]


@staff_only
@require_safe
def organization(request: HttpRequest, name: str) -> HttpResponse:
    """Everything about one, and what may be decided now."""
    found = named_in_address(name)
    if found.name != name:
        return redirect("review-organization", found.name)
    holders = people_by_role(found)
    context = {
        "organization": found,
        "figures": figures(found),
        "holders": [(role, people) for role, people in holders.items() if people],
        "proofs": proofs_of(found),
        "events": recent_events(found),
        "former": found.names.exclude(name=found.name).order_by("since"),
        "alike": name_answer(found.name, besides=found).alike,
        "actions": staff.staff_actions(found),
        "recoveries": waiting_recoveries(found),
        "reason_form": ReasonForm(),
        "seats_form": SeatsForm(initial={"seats": found.seats}),
    }
    return private_page(request, "orgs/review_organization.html", context)


@act
@staff_only
def decide(request: HttpRequest, name: str, action: str) -> HttpResponse:
    """Activate, suspend or reinstate it."""
    if action not in {known.value for known in STAFF_ACTIONS}:
        raise Http404
    found, form = named_in_address(name), ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    done = _("Done. Its owners were told.")
    service = ACTS[Action(action)]
    attempt(request, lambda: service(actor=_actor(request), organization=found, reason=reason), done)
    return redirect("review-organization", found.name)


@act
@staff_only
def seats(request: HttpRequest, name: str) -> HttpResponse:
    found, form = named_in_address(name), SeatsForm(request.POST)
    wanted = form.cleaned_data["seats"] if form.is_valid() else 0
    done = _("The number of seats is set.")
    attempt(request, lambda: staff.set_seats(actor=_actor(request), organization=found, seats=wanted), done)
    return redirect("review-organization", found.name)


@act
@admins_only
def sponsor(request: HttpRequest, name: str) -> HttpResponse:
    """Recognize it as a fiscal sponsor, or no more: ``recognized`` is ``yes`` or ``no``."""
    found, wanted = named_in_address(name), request.POST.get("recognized") == "yes"
    done = _("It may vouch for projects now.") if wanted else _("It may vouch for projects no more.")
    attempt(
        request, lambda: staff.recognize_sponsor(actor=_actor(request), organization=found, recognized=wanted), done
    )
    return redirect("review-organization", found.name)


@staff_only
@require_safe
def recoveries(request: HttpRequest) -> HttpResponse:
    """Those that wait, and the last that ended."""
    return private_page(request, "orgs/review_recoveries.html", {"recoveries": recoveries_for_staff()})


@act
@staff_only
def veto(request: HttpRequest, recovery: int) -> HttpResponse:
    found = get_object_or_404(Recovery.objects.select_related("organization", "user"), pk=recovery)
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    done = _("The recovery is stopped. Everybody concerned was told why.")
    attempt(request, lambda: veto_recovery(actor=_actor(request), recovery=found, reason=reason), done)
    return redirect("review-recoveries")


def _actor(request: HttpRequest) -> Actor:
    return Actor.staff(viewer_of(request), origin=client_address(request))
