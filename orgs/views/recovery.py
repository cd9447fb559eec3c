"""Recovering an organization: for who asks for it, and for the owner who stops it."""

from __future__ import annotations

from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import signed_in, viewer_of
from freehold.access import act
from freehold.error_pages import too_many_requests
from freehold.errors import DomainError
from freehold.origin import client_address
from freehold.pages import private_page
from orgs.actors import Actor
from orgs.models import Organization, Recovery
from orgs.proofs.observations import Finding, Observation
from orgs.selectors_organizations import recovery_of
from orgs.services.recovery import (
    can_request,
    instructions,
    oppose_recovery,
    prove_recovery,
    recovery_domains,
    request_recovery,
    withdraw_recovery,
)
from orgs.views.access import Here, organization_page
from orgs.views.forms.organizations import RecoveryForm
from orgs.views.profile import named_in_address
from orgs.views.shell import attempt, submit
from orgs.vocabulary import Permission, State

CHECKS = {"recovery_check": "10/5m/user"}


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def recovery(request: HttpRequest, name: str) -> HttpResponse:
    """What it takes, the form that asks for it, and how far it has come."""
    organization = _open_organization(name)
    if organization.name != name and request.method != "POST":
        return redirect("recovery", organization.name, permanent=True)
    actor, mine = _actor(request), recovery_of(organization, viewer_of(request))
    domains = recovery_domains(organization)
    form = RecoveryForm(request.POST or None, domains=domains)

    def ask(data: dict[str, str]) -> None:
        request_recovery(actor=actor, organization=organization, domain=data["domain"])

    if submit(request, form, ask):
        return redirect("recovery", organization.name)
    context = {
        "section": "organizations",
        "organization": organization,
        "recovery": mine,
        "instructions": instructions(mine) if mine else None,
        "days": settings.FREEHOLD_RECOVERY_WAIT.days,
        "form": form,
        "refusal": can_request(organization, actor).reason,
    }
    return private_page(request, "orgs/recovery.html", context, status=422 if form.errors else 200)


@act
@signed_in
def check(request: HttpRequest, name: str) -> HttpResponseBase:
    """Look for the proof now."""
    if not ratelimit.consume(request, app="freehold", action="recovery_check", config=CHECKS):
        return too_many_requests(request)
    organization, mine = _own(request, name)
    try:
        _say_what_was_seen(request, prove_recovery(actor=_actor(request), recovery=mine))
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("recovery", organization.name)


def _say_what_was_seen(request: HttpRequest, seen: Observation) -> None:
    if seen.finding is Finding.FOUND:
        messages.success(request, _("The proof is there. The waiting period has begun, and everybody was told."))
    else:
        messages.warning(request, " ".join([seen.summary, *seen.advice]))


@act
@signed_in
def withdraw(request: HttpRequest, name: str) -> HttpResponseBase:
    organization, mine = _own(request, name)
    done = _("You have taken your request back.")
    attempt(request, lambda: withdraw_recovery(actor=_actor(request), recovery=mine), done)
    return redirect("recovery", organization.name)


@act
@organization_page(Permission.MANAGE_PEOPLE, second_factor_asked=False)
def oppose(request: HttpRequest, here: Here, recovery: int) -> HttpResponseBase:
    """We are here: stop it. No owner is kept from that, so that to require a second factor opens no door."""
    found = get_object_or_404(here.organization.recoveries, pk=recovery)
    done = _("The recovery is stopped. Everybody concerned was told.")
    attempt(request, lambda: oppose_recovery(actor=here.actor, recovery=found), done)
    return redirect("organization-overview", here.organization.name)


def _actor(request: HttpRequest) -> Actor:
    return Actor.person(viewer_of(request), origin=client_address(request))


def _open_organization(name: str) -> Organization:
    organization = named_in_address(name)
    if organization.state == State.CLOSED:
        raise Http404
    return organization


def _own(request: HttpRequest, name: str) -> tuple[Organization, Recovery]:
    """The organization, and the viewer's own open request there."""
    organization = _open_organization(name)
    mine = recovery_of(organization, viewer_of(request))
    if mine is None or not mine.is_open:
        raise Http404
    return organization, mine
