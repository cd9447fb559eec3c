"""Teams with what they may publish: the list, the page of one, giving and taking the right on a namespace."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from freehold.access import act
from namespaces import pages_manage as reads
from namespaces.models import Grant
from namespaces.services.shares import give_team_right, take_team_right
from namespaces.views.manage import to_namespace
from orgs.actors import lacks_second_factor
from orgs.models import Team
from orgs.selectors_teams import members_of, team_of, teams_of
from orgs.views.access import Here, organization_page
from orgs.views.shell import attempt, organization_response
from orgs.vocabulary import PUBLISHING_ROLES, Permission

CURRENT = "organization-teams"


def _page(request: HttpRequest, here: Here, template: str, context: dict[str, Any]) -> HttpResponse:
    context["may_manage"] = here.may(Permission.MANAGE_TEAMS)
    return organization_response(request, here, template, context, current=CURRENT)


@organization_page(Permission.VIEW)
@require_safe
def teams(request: HttpRequest, here: Here) -> HttpResponse:
    rights = reads.rights_by_team(here.organization)
    rows = [(team, rights.get(team.pk, [])) for team in teams_of(here.organization)]
    return _page(request, here, "manage/teams/list.html", {"rows": rows})


@organization_page(Permission.VIEW)
@require_safe
def team(request: HttpRequest, here: Here, team: int) -> HttpResponse:
    found = team_of(here.organization, team)
    rights = reads.rights_of(found)
    members = [
        {"membership": m, "by_role": m.role in PUBLISHING_ROLES, "lacks_second_factor": lacks_second_factor(m)}
        for m in members_of(found)
    ]
    context = {
        "team": found,
        "members": members,
        "is_inside": any(row["membership"] == here.membership for row in members),
        "rights": rights,
        "others": reads.held_grants(here.organization).exclude(pk__in=[right.grant_id for right in rights]),
    }
    return _page(request, here, "manage/teams/team.html", context)


@act
@organization_page(Permission.MANAGE_TEAMS)
def give(request: HttpRequest, here: Here, team: int) -> HttpResponse:
    """The right on the namespace that was chosen, from the team's page or from the namespace's."""
    found = team_of(here.organization, team)
    grant = reads.held_grant(here.organization, request.POST.get("namespace", ""))
    done = _("%(team)s may publish in %(namespace)s.") % {"team": found.name, "namespace": grant.name}
    attempt(request, lambda: give_team_right(actor=here.actor, grant=grant, team=found), done)
    return _back(request, here, found, grant)


@act
@organization_page(Permission.MANAGE_TEAMS)
def give_on(request: HttpRequest, here: Here, namespace: str) -> HttpResponse:
    """The same from the namespace's page, where the team is what was chosen."""
    grant = reads.held_grant(here.organization, namespace)
    number = request.POST.get("team", "")
    if not (number.isascii() and number.isdigit()):
        raise Http404
    found = team_of(here.organization, int(number[:18]))
    done = _("%(team)s may publish in %(namespace)s.") % {"team": found.name, "namespace": grant.name}
    attempt(request, lambda: give_team_right(actor=here.actor, grant=grant, team=found), done)
    return to_namespace(here, grant)


@act
@organization_page(Permission.MANAGE_TEAMS)
def take(request: HttpRequest, here: Here, team: int, namespace: str) -> HttpResponse:
    found = team_of(here.organization, team)
    right = next((right for right in reads.rights_of(found) if right.grant.name == namespace), None)
    if right is None:
        raise Http404
    done = _("%(team)s may no longer publish in %(namespace)s.") % {"team": found.name, "namespace": namespace}
    attempt(request, lambda: take_team_right(actor=here.actor, grant=right.grant, team=found), done)
    return _back(request, here, found, right.grant)


def _back(request: HttpRequest, here: Here, team: Team, grant: Grant) -> HttpResponse:
    """To the page that the button was on."""
    if request.POST.get("from") == "namespace":
        return to_namespace(here, grant)
    return redirect("organization-team", here.organization.name, team.pk)
