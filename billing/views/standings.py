"""For staff: who owes what since when, and what the end of a quarantine leaves to people."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import staff_only, viewer_of
from billing.models import Health
from billing.selectors.standings import changes_of, down, row_of, taken_by_lapse
from billing.services.ladder import REASON_LENGTH, can_confirm_release, confirm_release
from freehold.origin import client_address
from freehold.pages import private_page
from orgs.actors import Actor
from orgs.models import Organization
from orgs.views.shell import submit

PER_PAGE = 50


class ReleaseForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=REASON_LENGTH,
        help_text=gettext_lazy("For the audit trail: how it was tried to reach them, for example."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


@staff_only
@require_safe
def standings(request: HttpRequest) -> HttpResponse:
    page = Paginator(down(), PER_PAGE).get_page(request.GET.get("page"))
    numbers = list(page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1))
    context = {"page": page, "numbers": numbers, "rows": [row_of(health) for health in page.object_list]}
    return private_page(request, "billing/review_standings.html", context)


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def standing(request: HttpRequest, name: str) -> HttpResponse:
    """How one came to where it is; at the end of the ladder, opening to everybody what it held."""
    organization = get_object_or_404(Organization, name=name.replace("\x00", ""))
    actor = Actor.staff(viewer_of(request), origin=client_address(request))
    form = ReleaseForm(request.POST if request.method == "POST" else None)

    def release(data: dict[str, Any]) -> None:
        confirm_release(actor=actor, organization=organization, **data)

    if request.method == "POST" and submit(request, form, release, _("Everybody can have these names now.")):
        return redirect("review-standings")
    health = Health.objects.filter(organization=organization).select_related("organization").first()
    context = {
        "organization": organization,
        "row": row_of(health) if health else None,
        "changes": changes_of(organization),
        "taken": list(taken_by_lapse(organization)),
        "refusal": can_confirm_release(organization, actor).reason,
        "form": form,
    }
    return private_page(request, "billing/review_standing.html", context, status=422 if form.errors else 200)
