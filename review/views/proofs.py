"""Proofs that a person should look at: they count all the same, or did."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import staff_only
from freehold.access import act
from freehold.pages import private_page
from orgs.models import Proof
from orgs.selectors_proofs import proofs_to_look_at, row_of
from orgs.services.proof_checks import dismiss_flag
from orgs.views.shell import attempt
from review.views.queue import actor_of

PER_PAGE = 50


@staff_only
@require_safe
def flagged(request: HttpRequest) -> HttpResponse:
    page = Paginator(proofs_to_look_at(), PER_PAGE).get_page(request.GET.get("page"))
    numbers = list(page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1))
    context = {"page": page, "numbers": numbers, "rows": [row_of(proof) for proof in page.object_list]}
    return private_page(request, "review/proofs.html", context)


@act
@staff_only
def dismiss(request: HttpRequest, proof: int) -> HttpResponseBase:
    """Somebody looked, and nothing is wrong: what is known of it now is what it is compared with from here on."""
    found = get_object_or_404(Proof.objects.select_related("organization"), pk=proof)
    attempt(request, lambda: dismiss_flag(actor=actor_of(request), proof=found), _("The warning is taken away."))
    return redirect("review-proofs")
