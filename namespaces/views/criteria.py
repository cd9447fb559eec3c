"""The policy in words: what is asked, who decides, and what can be done about a decision."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from freehold.access import public
from namespaces.pages_cases import usual_wait
from namespaces.policy.written import on_communities, on_namespaces, on_two_reviewers
from namespaces.views.public import page


@public
@require_safe
def policy(request: HttpRequest) -> HttpResponse:
    """Made from the registry of the criteria and the thresholds in force, so that it can't say anything else."""
    return page(request, "public/policy.html", policy_context())


def policy_context() -> dict[str, Any]:
    return {
        "section": "policy",
        "on_namespaces": on_namespaces(settings.FREEHOLD_POLICY),
        "on_communities": on_communities(settings.FREEHOLD_COMMUNITY_POLICY),
        "on_two_reviewers": on_two_reviewers(settings.FREEHOLD_POLICY),
        "wait": usual_wait(),
        "undo_hours": int(settings.FREEHOLD_UNDO.total_seconds() // 3600),
        "held_days": settings.FREEHOLD_HELD.days,
        "quarantine_days": settings.FREEHOLD_QUARANTINE.days,
        "max_hyphens": settings.FREEHOLD_MAX_HYPHENS,
    }
