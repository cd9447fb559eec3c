"""The people of an organization: who they are, what they are, and how they leave."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from orgs.models import Membership
from orgs.selectors_people import Person, has_single_owner, invitations_of, memberships_like, people, seats_of
from orgs.services.memberships import can_leave, can_remove_member, change_role, leave_organization, remove_member
from orgs.views.access import Here, organization_page
from orgs.views.forms.people import RoleForm
from orgs.views.shell import NavigationItem, attempt, organization_response, submit
from orgs.vocabulary import Permission, Role

CURRENT = "organization-people"
PER_PAGE = 50
WITHOUT = "without"


class FilterForm(forms.Form):
    """Only owners see, and so only they can ask, who has no second factor."""

    q = forms.CharField(label=gettext_lazy("Name or address"), required=False, max_length=200)
    role = forms.ChoiceField(label=gettext_lazy("Role"), required=False)
    two_step = forms.ChoiceField(label=gettext_lazy("Two-step"), required=False)

    def __init__(self, data: Any, *, is_owner: bool) -> None:
        super().__init__(data)
        role, two_step = self.fields["role"], self.fields["two_step"]
        assert isinstance(role, forms.ChoiceField)
        assert isinstance(two_step, forms.ChoiceField)
        role.choices = [("", gettext("Any role")), *Role.choices]
        two_step.choices = [("", gettext("With or without")), (WITHOUT, gettext("Without it"))]
        if not is_owner:
            del self.fields["two_step"]

    def narrowed(self, here: Here) -> QuerySet[Membership]:
        """What makes no sense is shown as an error and does not narrow."""
        self.is_valid()
        return memberships_like(
            here.organization,
            text=self.cleaned_data.get("q", "").replace("\x00", ""),
            role=self.cleaned_data.get("role", ""),
            without_second_factor=self.cleaned_data.get("two_step") == WITHOUT,
        )


@organization_page(Permission.VIEW)
@require_safe
def listing(request: HttpRequest, here: Here) -> HttpResponse:
    is_owner = here.may(Permission.MANAGE_PEOPLE)
    form = FilterForm(request.GET, is_owner=is_owner)
    page = Paginator(form.narrowed(here), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "filter": form,
        "narrowed": any(form.cleaned_data.values()),
        "page": page,
        "numbers": list(page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)),
        "people": people(here.organization, page.object_list),
        "is_owner": is_owner,
        "roles": Role.choices,
        "single_owner": is_owner and has_single_owner(here.organization),
        **frame(here, "organization-people"),
    }
    return organization_response(request, here, "manage/people/people.html", context, current=CURRENT)


def frame(here: Here, current: str) -> dict[str, Any]:
    """What the pages of people share: the seats, and for owners the way from those who are in to those who are not."""
    seats = seats_of(here.organization)
    pages = (
        ("organization-people", gettext("People"), seats.taken),
        ("organization-invitations", gettext("Invited"), invitations_of(here.organization).count()),
    )
    tabs = [
        NavigationItem(f"{label} ({count})", reverse(name, args=[here.organization.name]), name == current)
        for name, label, count in pages
    ]
    return {"seats": seats, "tabs": tabs if here.may(Permission.MANAGE_PEOPLE) else []}


def person_in(here: Here, number: int) -> Person:
    """The member of this organization with this number; 404 for any other."""
    found = memberships_like(here.organization).filter(pk=number)
    rows = people(here.organization, found)
    if not rows:
        raise Http404
    return rows[0]


@organization_page(Permission.MANAGE_PEOPLE, fresh_only=True)
@require_http_methods(["GET", "HEAD", "POST"])
def role(request: HttpRequest, here: Here, membership: int) -> HttpResponseBase:
    """Give somebody another role. The list of people posts here too."""
    person = person_in(here, membership)
    form = RoleForm(request.POST or None, initial={"role": person.membership.role})

    def act(wanted: dict[str, Any]) -> None:
        change_role(actor=here.actor, membership=person.membership, role=wanted["role"])

    if request.method == "POST" and submit(request, form, act):
        done = gettext("%(who)s is now %(role)s.")
        name = str(person.membership.user)
        messages.success(request, done % {"who": name, "role": form.cleaned_data["role"].label.lower()})
        return redirect(CURRENT, here.organization.name)
    context = {"form": form, "person": person}
    return organization_response(request, here, "manage/people/role.html", context, current=CURRENT)


@organization_page(Permission.MANAGE_PEOPLE, fresh_only=True)
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, here: Here, membership: int) -> HttpResponseBase:
    """Asks first, and says what ends."""
    person = person_in(here, membership)
    done = gettext("%(who)s is no longer in %(organization)s.")
    text = done % {"who": person.membership.user, "organization": here.organization.display_name}
    if request.method == "POST":
        if attempt(request, lambda: remove_member(actor=here.actor, membership=person.membership), text):
            return redirect(CURRENT, here.organization.name)
        return redirect("organization-person-remove", here.organization.name, membership)
    verdict = can_remove_member(person.membership, here.actor)
    context = {"person": person, "verdict": verdict, "ends": what_ends(person)}
    return organization_response(request, here, "manage/people/remove.html", context, current=CURRENT)


@organization_page(Permission.VIEW, fresh_only=True)
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, here: Here) -> HttpResponseBase:
    """Whoever is in may leave."""
    organization = here.organization
    if request.method == "POST":
        done = gettext("You have left %(organization)s.") % {"organization": organization.display_name}
        if attempt(request, lambda: leave_organization(actor=here.actor, organization=organization), done):
            return redirect("dashboard")
        return redirect("organization-leave", organization.name)
    person = person_in(here, here.membership.pk)
    context = {"person": person, "verdict": can_leave(here.membership, here.actor), "ends": what_ends(person)}
    return organization_response(request, here, "manage/people/leave.html", context, current=CURRENT)


def what_ends(person: Person) -> dict[str, Any]:
    """What derives from the membership, and goes with it."""
    membership = person.membership
    return {
        "teams": person.teams,
        "tokens": list(membership.tokens.usable().order_by("name")),
        "invitations": membership.invitations_sent.open().count(),
        "publishes": person.would_publish,
    }
