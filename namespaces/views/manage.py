"""An organization's namespaces: the tree, one of them with who may publish there and why, and making a child."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_safe

from namespaces import names, pages
from namespaces import pages_manage as reads
from namespaces.decision import ROWS, Decision, Publisher, Question
from namespaces.facts import fetch, username
from namespaces.former_names import judge
from namespaces.models import Grant
from namespaces.pages_why import origin_of, stops
from namespaces.services.grants import can_create_child, create_child
from namespaces.services.lifecycle import can_release
from namespaces.states import GrantState
from namespaces.views.public import paged
from orgs import issuers
from orgs.views.access import Here, organization_page
from orgs.views.shell import organization_response, submit
from orgs.vocabulary import Permission

CURRENT = "organization-namespaces"
NO_TOKEN = b""
PUBLISHER_LENGTH = 300
ATTEMPTS_PER_PAGE = 50


def page(request: HttpRequest, here: Here, template: str, context: dict[str, Any]) -> HttpResponse:
    return organization_response(request, here, f"manage/namespaces/{template}", context, current=CURRENT)


def to_namespace(here: Here, grant: Grant) -> HttpResponse:
    return redirect("organization-namespace", here.organization.name, grant.name)


@organization_page(Permission.VIEW)
@require_safe
def namespaces(request: HttpRequest, here: Here) -> HttpResponse:
    context = {
        "tree": reads.tree(here.organization),
        "shared_with": reads.shared_with(here.organization),
        "offers": reads.offers_to(here.organization),
        "may_answer": here.may(Permission.MANAGE_NAMESPACES),
    }
    return page(request, here, "list.html", context)


# --- One of them ----------------------------------------------------------------------------------------------------


class WhyForm(forms.Form):
    """May this publisher upload this name? Asked by a link that can be passed on, so it is a GET."""

    project = forms.CharField(label=lazy("Project"), max_length=names.MAX_LENGTH)
    kind = forms.ChoiceField(
        label=lazy("Publisher"),
        choices=[("user", lazy("A user of the index")), ("organization", lazy("An organization"))],
    )
    publisher = forms.CharField(label=lazy("Its name"), max_length=PUBLISHER_LENGTH)

    def __init__(self, *args: Any, namespace: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.namespace = namespace
        self.fields["project"].help_text = _("Under %(namespace)s; it need not exist.") % {"namespace": namespace}

    def clean_project(self) -> str:
        try:
            name = names.normalize(self.cleaned_data["project"])
        except names.InvalidName as error:
            raise ValidationError(str(error)) from error
        if not names.covers(self.namespace, name):
            raise ValidationError(_("That is not under %(namespace)s.") % {"namespace": self.namespace})
        return name


@dataclass(frozen=True)
class Answer:
    """What the check would say now; ``person`` is the member it is about, with the grounds, where it is one."""

    decision: Decision
    kind: str
    publisher: str
    person: reads.Person | None
    grant: Grant | None
    at: datetime

    @property
    def row(self) -> int:
        """Which row of the table of the check decided."""
        return ROWS[self.decision.reason]

    @property
    def tone(self) -> str:
        return "good" if self.decision.allowed else "bad"


def ask(cleaned: dict[str, str], who: reads.Who) -> Answer:
    """The same facts and the same rules as for an index, and nothing is counted as a refused upload."""
    kind, name = cleaned["kind"], cleaned["publisher"]
    publisher = Publisher(user=name) if kind == "user" else Publisher(organization=_normalized(name))
    question = Question(cleaned["project"], publisher, ask_mirror=True)
    decision = judge([question], fetch(NO_TOKEN, [question]).facts)[0]
    wanted = username(name) if kind == "user" else None
    members = (person for person in who.people if person.membership.user.index_username == wanted)
    grant = Grant.objects.holding().select_related("owner").filter(name=decision.namespace or "").first()
    return Answer(decision, kind, name, next(members, None) if wanted else None, grant, timezone.now())


def _normalized(name: str) -> str:
    return names.normalize(name) if names.is_valid(name) else name


@organization_page(Permission.VIEW)
@require_safe
def namespace(request: HttpRequest, here: Here, namespace: str) -> HttpResponse:
    """One that the organization owns, or that is shared with it; of the latter, what concerns it."""
    grant = reads.held_grant(here.organization, namespace)
    situation = reads.Situation(grant, here.organization)
    who = reads.who_publishes(here.organization, grant)
    context = {
        "grant": grant,
        "situation": situation,
        "who": who,
        "publishers": [(p, issuers.label(p.issuer), issuers.preview(p.issuer, p.claims)) for p in who.publishers],
        "teams": reads.teams_on(here.organization, grant),
        "other_teams": reads.teams_without(here.organization, grant),
        "may_manage_teams": here.may(Permission.MANAGE_TEAMS),
    }
    if situation.is_own:
        context |= _of_own(request, here, situation, who)
    return page(request, here, "namespace.html", context)


def _of_own(request: HttpRequest, here: Here, situation: reads.Situation, who: reads.Who) -> dict[str, Any]:
    """What only the owner's people see."""
    grant = situation.grant
    # Somebody who has asked nothing yet is told of nothing missing.
    asked = request.GET if request.GET.keys() & {"project", "publisher"} else None
    form = WhyForm(asked, namespace=grant.name)
    projects = pages.project_page(grant.name, request.GET.get("page", ""))
    return {
        "branches": [b for b in reads.tree(here.organization) if b.grant.name.startswith(f"{grant.name}-")],
        "offer": reads.open_offer(grant),
        "origin": origin_of(grant),
        "stops": [] if situation.takes_new_projects else stops(grant, here.organization),
        "sees_trail": here.may(Permission.VIEW_AUDIT),
        "blocked": reads.blocked(grant),
        "why_form": form,
        "answer": ask(form.cleaned_data, who) if form.is_bound and form.is_valid() else None,
        "rows": pages.project_rows(projects),
        "projects": projects,
        "numbers": projects.paginator.get_elided_page_range(projects.number),
        "may": _may(here, grant),
    }


def _may(here: Here, grant: Grant) -> dict[str, bool]:
    """What may be done now: the same predicates that refuse the act."""
    owner = here.may(Permission.MANAGE_NAMESPACES)
    return {
        "create_child": bool(can_create_child(grant, here.actor)),
        "share": owner and grant.state == GrantState.ACTIVE,
        "unshare": owner,
        "transfer": owner and grant.is_root and grant.state == GrantState.ACTIVE,
        "release": owner and (bool(can_release(grant, here.actor)) or grant.state == GrantState.ACTIVE),
        "take_back": owner and grant.is_root and grant.state == GrantState.QUARANTINED,
    }


# --- Blocked attempts -----------------------------------------------------------------------------------------------


class AttemptsForm(forms.Form):
    """The filter. What nobody can have chosen narrows nothing."""

    is_filter = True
    q = forms.CharField(label=lazy("Project or publisher"), max_length=names.MAX_LENGTH, required=False)
    reason = forms.ChoiceField(
        label=lazy("Reason"),
        choices=[
            ("", lazy("Any")),
            ("reserved", lazy("Not a holder")),
            ("locked", lazy("Locked")),
            ("lapsed", lazy("Lapsed")),
        ],
        required=False,
    )
    order = forms.ChoiceField(
        label=lazy("Order"),
        choices=[("", lazy("The latest first")), ("often", lazy("The most frequent first"))],
        required=False,
    )
    inside = forms.BooleanField(label=lazy("With the namespaces inside"), required=False)

    def wanted(self) -> reads.AttemptFilter:
        self.full_clean()
        typed = self.cleaned_data
        return reads.AttemptFilter(
            query=typed.get("q", ""),
            reason=typed.get("reason", ""),
            inside=typed.get("inside", False),
            often=typed.get("order") == "often",
        )


@organization_page(Permission.VIEW)
@require_safe
def blocked(request: HttpRequest, here: Here, namespace: str) -> HttpResponse:
    """All uploads that were refused in a namespace of the organization's own."""
    grant = reads.own_grant(here.organization, namespace)
    form = AttemptsForm(request.GET)
    wanted = form.wanted()
    found = Paginator(reads.attempts(grant, wanted), ATTEMPTS_PER_PAGE)
    context = {"grant": grant, "form": form, "wanted": wanted, "counts": reads.blocked(grant)}
    return page(request, here, "blocked.html", context | paged(found.get_page(request.GET.get("page", ""))))


# --- A child --------------------------------------------------------------------------------------------------------


class ChildForm(forms.Form):
    name = forms.CharField(label=lazy("Namespace"), max_length=names.MAX_LENGTH)

    def __init__(self, *args: Any, parent: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name = self.fields["name"]
        name.help_text = _("It begins with %(prefix)s") % {"prefix": f"{parent}-"}
        name.widget.attrs |= {"class": "field__input--mono", "autocapitalize": "none", "spellcheck": "false"}


@organization_page(Permission.MANAGE_TEAMS)
@require_http_methods(["GET", "HEAD", "POST"])
def new_child(request: HttpRequest, here: Here, namespace: str) -> HttpResponse:
    parent = reads.own_grant(here.organization, namespace)
    posted = request.POST if request.method == "POST" else None
    form = ChildForm(posted, parent=parent.name, initial={"name": f"{parent.name}-"})
    made: list[Grant] = []

    def make(cleaned: dict[str, Any]) -> None:
        made.append(create_child(actor=here.actor, parent=parent, name=cleaned["name"]))

    if posted is not None and submit(request, form, make, _("The namespace is made. Now say who may publish there.")):
        return to_namespace(here, made[0])
    context = {"grant": parent, "form": form, "verdict": can_create_child(parent, here.actor)}
    return page(request, here, "child.html", context)
