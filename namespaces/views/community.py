"""Community status: the criteria as they are met now, applying for it, and becoming a company instead."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_safe

from freehold.access import act
from namespaces import pages_community
from namespaces.cases import CaseAction, CaseState
from namespaces.models import Case
from namespaces.models.cases import TEXT_LENGTH
from namespaces.policy import written
from namespaces.services import applications
from namespaces.services.casework import can
from orgs.views.access import Here, organization_page
from orgs.views.shell import attempt, organization_response, submit
from orgs.vocabulary import Kind, Permission

CURRENT = "organization-community"


class StatementForm(forms.Form):
    statement = forms.CharField(
        label=lazy("What should a reviewer know?"),
        help_text=lazy(
            "Only if something above is not met. Whose project it is, who uses it, what a machine can't see."
        ),
        max_length=TEXT_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )


@organization_page(Permission.VIEW)
@require_safe
def community(request: HttpRequest, here: Here) -> HttpResponse:
    return _shown(request, here, StatementForm())


def _shown(request: HttpRequest, here: Here, form: forms.Form, status: int = 200) -> HttpResponse:
    may_change = here.may(Permission.MANAGE_NAMESPACES)
    found = pages_community.status_of(here.organization)
    context = {
        "status": found,
        "case": found.case,
        "form": form,
        "may_change": may_change,
        "may_apply": may_change and bool(applications.can_apply(here.organization, Kind.COMMUNITY)),
        "may_leave": may_change and bool(applications.can_apply(here.organization, Kind.COMPANY)),
        "may_edit": may_change and found.case is not None and bool(can(CaseAction.EDIT, found.case, here.actor)),
        "criteria": written.on_communities(settings.FREEHOLD_COMMUNITY_POLICY),
    }
    template = "manage/community/community.html"
    return organization_response(request, here, template, context, current=CURRENT, status=status)


@act
@organization_page(Permission.MANAGE_NAMESPACES)
def apply(request: HttpRequest, here: Here) -> HttpResponse:
    """Apply to be a community project."""
    form = StatementForm(request.POST)
    filed: list[Case] = []

    def file(data: dict[str, Any]) -> None:
        filed.append(
            applications.file_application(actor=here.actor, organization=here.organization, statement=data["statement"])
        )

    if not submit(request, form, file):
        return _shown(request, here, form, status=422)
    waiting = _("It is filed. A person looks at what the machine could not tell, and you hear of it by mail.")
    messages.success(request, _said(here, filed[0], waiting))
    return redirect(CURRENT, here.organization.name)


@act
@organization_page(Permission.MANAGE_NAMESPACES)
def look(request: HttpRequest, here: Here) -> HttpResponse:
    """Have the code forges asked anew; an application that waits is evaluated again by what they say."""
    case = applications.open_application(here.organization)
    if case is None or not can(CaseAction.EDIT, case, here.actor):
        done = _("What is below is what can be seen now.")
        attempt(
            request,
            lambda: applications.refresh_evidence(actor=here.actor, organization=here.organization),
            done,
        )
        return redirect(CURRENT, here.organization.name)
    looked: list[Case] = []
    if attempt(request, lambda: looked.append(applications.look_again_at_application(actor=here.actor, case=case))):
        waiting = _("We looked again. What is open below is for a person to look at, or for you to put right.")
        messages.success(request, _said(here, looked[0], waiting))
    return redirect(CURRENT, here.organization.name)


@organization_page(Permission.MANAGE_NAMESPACES)
@require_http_methods(["GET", "HEAD", "POST"])
def company(request: HttpRequest, here: Here) -> HttpResponse:
    """Become a company, once what that means has been read."""
    if request.method == "POST":
        done = _("%(name)s is a company now.") % {"name": here.organization.display_name}
        attempt(
            request,
            lambda: applications.file_application(
                actor=here.actor, organization=here.organization, wanted_kind=Kind.COMPANY
            ),
            done,
        )
        return redirect(CURRENT, here.organization.name)
    context = {"verdict": applications.can_apply(here.organization, Kind.COMPANY)}
    return organization_response(request, here, "manage/community/company.html", context, current=CURRENT)


def _said(here: Here, case: Case, waiting: str) -> str:
    if case.state != CaseState.APPROVED:
        return waiting
    return _("Everything is met: %(name)s is a verified community project.") % {"name": here.organization.display_name}
