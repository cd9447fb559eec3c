"""Setting up an organization, its overview, its settings, and who may do what in it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import signed_in, viewer_of
from freehold.errors import DomainError, Invalid
from freehold.origin import client_address
from freehold.pages import PRIVATE, private_page
from orgs import hooks, names, roles
from orgs.actors import Actor
from orgs.models import Organization
from orgs.selectors_organizations import (
    NameAnswer,
    figures,
    name_answer,
    people_by_role,
    proofs_of,
    recent_events,
    waiting_recoveries,
)
from orgs.selectors_people import seats_of
from orgs.services import closing
from orgs.services.organizations import (
    can_rename,
    can_require_second_factor,
    create_organization,
    describe_organization,
    free_for,
    parse_name,
    rename_organization,
    require_second_factor,
)
from orgs.views import checklist
from orgs.views.access import Here, organization_page
from orgs.views.forms.organizations import CloseForm, DescriptionForm, NewOrganizationForm, RenameForm
from orgs.views.shell import organization_response, submit
from orgs.vocabulary import Kind, Permission, State

FORM = ("GET", "HEAD", "POST")
LONGEST_TYPED = 300


# --- Setting up -----------------------------------------------------------------------------------------------------


@signed_in
@require_http_methods(FORM)
def new(request: HttpRequest) -> HttpResponse:
    """The form; asked by htmx, only whether the name that is typed can be had."""
    if getattr(request, "htmx", False) and request.method == "GET":
        return _name_fragment(_typed_answer(request))
    actor = Actor.person(viewer_of(request), origin=client_address(request))
    form = NewOrganizationForm(request.POST or None, answer_url=reverse("organization-new"))
    made: list[Organization] = []
    if submit(request, form, lambda data: made.append(_create(actor, data))):
        _say_what_comes(request, made[0])
        return HttpResponseRedirect(_back(request) or reverse("organization-overview", args=[made[0].name]))
    context = {"section": "organizations", "form": form, "kinds": Kind.choices, "answer": None}
    return private_page(request, "orgs/new.html", context, status=422 if form.errors else 200)


def _back(request: HttpRequest) -> str:
    """Where somebody was who needed an organization for it, or nothing; never elsewhere than here."""
    back = request.GET.get("next", "")
    is_ours = back.startswith("/") and back.isprintable() and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return back if is_ours else ""


def _create(actor: Actor, data: dict[str, Any]) -> Organization:
    name = data["name"] or names.derived(data["display_name"])
    if not name:
        raise Invalid(_("Give it a short name: there are no letters from a to z in what it is called."))
    return create_organization(actor=actor, name=name, kind=Kind(data["kind"]), display_name=data["display_name"])


def _say_what_comes(request: HttpRequest, organization: Organization) -> None:
    done = _("%(organization)s is set up. Its short name is %(name)s.")
    messages.success(request, done % {"organization": organization.display_name, "name": organization.name})
    if alike := name_answer(organization.name, besides=organization).alike:
        warning = _("Its name looks like %(alike)s, so somebody will have a look before it becomes active.")
        messages.warning(request, warning % {"alike": ", ".join(alike)})


def _typed_answer(request: HttpRequest, besides: Organization | None = None) -> NameAnswer | str | None:
    """What can be said of a name while it is typed: an answer, or why it is no name, or nothing."""
    typed = request.GET.get("name", "").strip()[:LONGEST_TYPED]
    suggested = names.derived(request.GET.get("display_name", "")[:LONGEST_TYPED])
    if not (typed or suggested):
        return None
    try:
        name = free_for(Actor.person(viewer_of(request)), parse_name(typed or suggested))
    except DomainError as error:
        return error.message
    return name_answer(name, besides=besides)


def _name_fragment(answer: NameAnswer | str | None) -> HttpResponse:
    refused = answer if isinstance(answer, str) else ""
    context = {"answer": None if refused else answer, "refused": refused}
    return HttpResponse(render_to_string("orgs/_name_answer.html", context), headers={"Cache-Control": PRIVATE})


# --- Overview and roles ---------------------------------------------------------------------------------------------


@organization_page(Permission.VIEW)
@require_safe
def overview(request: HttpRequest, here: Here) -> HttpResponse:
    organization = here.organization
    context = {
        "checklist": checklist.for_organization(here.membership),
        "figures": figures(organization),
        "seats": seats_of(organization),
        "facts": [fact for ask in hooks.overview_facts for fact in ask(organization)],
        "proofs": proofs_of(organization),
        "events": recent_events(organization) if here.may(Permission.VIEW_AUDIT) else [],
        "recoveries": waiting_recoveries(organization),
        "may_oppose": here.may(Permission.MANAGE_PEOPLE, second_factor_asked=False),
        "may_view_audit": here.may(Permission.VIEW_AUDIT),
    }
    template = "manage/organization/overview.html"
    return organization_response(request, here, template, context, current="organization-overview")


@organization_page(Permission.VIEW)
@require_safe
def roles_page(request: HttpRequest, here: Here) -> HttpResponse:
    holders = people_by_role(here.organization)
    context = {"rows": roles.table(), "holders": [(role, holders[role]) for role in holders], "mine": here.membership}
    template = "manage/organization/roles.html"
    return organization_response(request, here, template, context, current="organization-roles")


# --- Settings -------------------------------------------------------------------------------------------------------


@organization_page(Permission.MANAGE_PEOPLE)
@require_http_methods(FORM)
def settings(request: HttpRequest, here: Here) -> HttpResponse:
    initial = DescriptionForm.as_it_is(here.organization)
    form = DescriptionForm(request.POST or None, initial=initial)

    def describe(data: dict[str, Any]) -> None:
        describe_organization(actor=here.actor, organization=here.organization, **data)

    if submit(request, form, describe, _("The profile is saved.")):
        return redirect("organization-settings", here.organization.name)
    context = {
        "form": form,
        "lacking": figures(here.organization).without_second_factor,
        "speaks": here.organization.state == State.ACTIVE,
    }
    return _settings_page(request, here, "settings", context, is_refused=bool(form.errors))


@organization_page(Permission.MANAGE_PEOPLE, fresh_only=True)
@require_http_methods(FORM)
def second_factor(request: HttpRequest, here: Here) -> HttpResponse:
    """Ask two-step verification of the members, or no more: ``required`` is ``yes`` or ``no``."""
    required = not here.organization.requires_second_factor
    if request.method == "POST" and _set_second_factor(request, here):
        return redirect("organization-settings", here.organization.name)
    verdict = can_require_second_factor(here.actor, required=required)
    lacking = here.organization.memberships.filter(user__second_factor=False).select_related("user")
    context = {"required": required, "refusal": verdict.reason, "lacking": lacking.order_by("user__email")}
    return _settings_page(request, here, "second_factor", context)


def _set_second_factor(request: HttpRequest, here: Here) -> bool:
    wanted = request.POST.get("required") == "yes"
    try:
        require_second_factor(actor=here.actor, organization=here.organization, required=wanted)
    except DomainError as error:
        messages.error(request, error.message)
        return False
    on, off = _("Members need two-step verification from now on."), _("Members may go without two-step verification.")
    messages.success(request, on if wanted else off)
    return True


@organization_page(Permission.MANAGE_PEOPLE, fresh_only=True)
@require_http_methods(FORM)
def rename(request: HttpRequest, here: Here) -> HttpResponse:
    """The form; asked by htmx, only whether the name that is typed can be had."""
    if getattr(request, "htmx", False) and request.method == "GET":
        return _name_fragment(_typed_answer(request, here.organization))
    answer_url = reverse("organization-settings-rename", args=[here.organization.name])
    form = RenameForm(request.POST or None, answer_url=answer_url)
    renamed: list[Organization] = []

    def act(data: dict[str, Any]) -> None:
        renamed.append(rename_organization(actor=here.actor, organization=here.organization, **data))

    if submit(request, form, act):
        done = _("The organization is called %(name)s now. The old name leads here for ever.")
        messages.success(request, done % {"name": renamed[0].name})
        return redirect("organization-settings", renamed[0].name)
    former = here.organization.names.exclude(name=here.organization.name).order_by("since")
    context = {"form": form, "refusal": can_rename(here.organization, here.actor).reason, "former": former}
    return _settings_page(request, here, "rename", context, is_refused=bool(form.errors))


@organization_page(Permission.MANAGE_PEOPLE, fresh_only=True)
@require_http_methods(FORM)
def close(request: HttpRequest, here: Here) -> HttpResponse:
    form = CloseForm(request.POST or None)

    def act(data: dict[str, Any]) -> None:
        closing.close_organization(actor=here.actor, organization=here.organization, **data)

    if submit(request, form, act, _("%(name)s is closed.") % {"name": here.organization.display_name}):
        return redirect("dashboard")
    verdict = closing.can_close(here.organization, here.actor)
    context = {"form": form, "refusal": verdict.reason, "figures": figures(here.organization)}
    return _settings_page(request, here, "close", context, is_refused=bool(form.errors))


def _settings_page(
    request: HttpRequest, here: Here, page: str, context: dict[str, Any], *, is_refused: bool = False
) -> HttpResponse:
    template, status = f"manage/organization/{page}.html", 422 if is_refused else 200
    return organization_response(request, here, template, context, current="organization-settings", status=status)
