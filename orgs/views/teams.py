"""Making, changing and deleting teams, and who is in them. What a team may publish stands in ``namespaces.views``."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods

from freehold.access import act
from orgs.models import Membership, Team
from orgs.selectors_teams import members_of, others_than, team_of
from orgs.services import teams
from orgs.views.access import Here, organization_page
from orgs.views.shell import attempt, organization_response, submit
from orgs.vocabulary import Permission

CURRENT = "organization-teams"


class TeamForm(forms.Form):
    name = forms.CharField(
        label=lazy("Name"), max_length=teams.NAME_LENGTH, help_text=lazy("What the people in it have in common.")
    )
    description = forms.CharField(label=lazy("Description"), max_length=teams.DESCRIPTION_LENGTH, required=False)


class PeopleField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # Django's class takes none at run time
    """People by name and address, each with a box to tick."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Membership) -> str:
        return f"{obj.user.name} ({obj.user.email})" if obj.user.name else obj.user.email


class MembersForm(forms.Form):
    people = PeopleField(
        queryset=Membership.objects.none(),
        label=lazy("People of the organization who are not in the team"),
        error_messages={
            "required": lazy("Choose at least one person."),
            "invalid_choice": lazy("Somebody you chose is no longer in the organization; look again."),
            "invalid_pk_value": lazy("Somebody you chose is no longer in the organization; look again."),
        },
    )

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = self.fields["people"]
        assert isinstance(people, PeopleField)
        people.queryset = others_than(team)


@organization_page(Permission.MANAGE_TEAMS)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, here: Here) -> HttpResponse:
    form = TeamForm(request.POST or None)
    made: list[Team] = []

    def make(cleaned: dict[str, Any]) -> None:
        made.append(teams.create_team(actor=here.actor, organization=here.organization, **cleaned))

    if request.method == "POST" and submit(request, form, make, _("The team is made. Now say who is in it.")):
        return _to(here, made[0])
    return _page(request, here, "manage/teams/new.html", {"form": form})


@organization_page(Permission.MANAGE_TEAMS)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, here: Here, team: int) -> HttpResponse:
    found = team_of(here.organization, team)
    form = TeamForm(request.POST or None, initial={"name": found.name, "description": found.description})

    def change(cleaned: dict[str, Any]) -> None:
        teams.update_team(actor=here.actor, team=found, **cleaned)

    if request.method == "POST" and submit(request, form, change, _("Saved.")):
        return _to(here, found)
    return _page(request, here, "manage/teams/edit.html", {"form": form, "team": found})


@organization_page(Permission.MANAGE_TEAMS, fresh_only=True)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, here: Here, team: int) -> HttpResponse:
    found = team_of(here.organization, team)
    if request.method == "POST":
        attempt(request, lambda: teams.delete_team(actor=here.actor, team=found), _("The team is deleted."))
        return redirect(CURRENT, here.organization.name)
    return _page(request, here, "manage/teams/delete.html", {"team": found, "members": members_of(found)})


@organization_page(Permission.MANAGE_TEAMS)
@require_http_methods(["GET", "HEAD", "POST"])
def add_members(request: HttpRequest, here: Here, team: int) -> HttpResponse:
    found = team_of(here.organization, team)
    form = MembersForm(request.POST if request.method == "POST" else None, team=found)

    def add(cleaned: dict[str, Any]) -> None:
        teams.add_team_members(actor=here.actor, team=found, memberships=cleaned["people"])

    if request.method == "POST" and submit(request, form, add, _("They are in the team.")):
        return _to(here, found)
    return _page(request, here, "manage/teams/add_members.html", {"form": form, "team": found})


@act
@organization_page(Permission.MANAGE_TEAMS)
def remove_member(request: HttpRequest, here: Here, team: int, membership: int) -> HttpResponse:
    found = team_of(here.organization, team)
    inside = members_of(found).filter(pk=membership).first()
    if inside is None:
        raise teams.NotInTeam("There is no such person in the team.")
    attempt(
        request,
        lambda: teams.remove_team_member(actor=here.actor, team=found, membership=inside),
        _("%(email)s is no longer in the team.") % {"email": inside.user.email},
    )
    return _to(here, found)


@act
@organization_page(Permission.VIEW)
def leave(request: HttpRequest, here: Here, team: int) -> HttpResponse:
    """For oneself; nobody need permit it."""
    found = team_of(here.organization, team)
    attempt(request, lambda: teams.leave_team(actor=here.actor, team=found), _("You have left the team."))
    return _to(here, found)


def _to(here: Here, team: Team) -> HttpResponse:
    return redirect("organization-team", here.organization.name, team.pk)


def _page(request: HttpRequest, here: Here, template: str, context: dict[str, Any]) -> HttpResponse:
    return organization_response(request, here, template, context, current=CURRENT)
