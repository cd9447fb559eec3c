"""The first page of whoever is signed in: what is theirs, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.access import signed_in, viewer_of
from freehold.pages import private_page
from orgs import hooks
from orgs.models import Membership
from orgs.selectors_organizations import memberships_of, own_recoveries, recoveries_to_answer
from orgs.selectors_people import invitations_for
from orgs.views import checklist
from orgs.views.checklist import Checklist


@dataclass(frozen=True)
class Row:
    """One of the viewer's organizations, with what to do there."""

    membership: Membership
    checklist: Checklist


@signed_in
@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    user = viewer_of(request)
    memberships = memberships_of(user)
    context = {
        "section": "organizations",
        "person": user,
        "rows": [Row(membership, checklist.for_organization(membership)) for membership in memberships],
        "mine": checklist.for_person(user, memberships),
        "invitations": invitations_for(user),
        "own_recoveries": own_recoveries(user),
        "to_answer": recoveries_to_answer(user),
        "questions": [step for ask in hooks.questions for step in ask(user)],
    }
    return private_page(request, "orgs/dashboard.html", context)
