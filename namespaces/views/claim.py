"""Claiming a namespace: what can be said of it while it is typed, what would happen, and filing the claim."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods

from accounts.models import User
from freehold.access import public
from freehold.origin import client_address
from freehold.pages import PRIVATE, private_page
from namespaces import pages_claim as reads
from namespaces.cases import CaseState
from namespaces.models import Case
from namespaces.models.cases import TEXT_LENGTH
from namespaces.services.claims import can_file, file_claim
from namespaces.views.public import LONGEST_QUERY
from orgs.actors import Actor
from orgs.models import Organization
from orgs.views.shell import submit

PLAIN = {"autocapitalize": "none", "autocorrect": "off", "spellcheck": "false", "autocomplete": "off"}
ANSWERED = {
    "hx-target": "#claim-answer",
    "hx-include": "#look-up",
    "hx-sync": "#look-up:replace",
    "hx-replace-url": "true",
}
"""With ``hx-get``: the answer, as one types. Without JavaScript, the button asks for it."""


class LookUpForm(forms.Form):
    """What is asked about. It gets, so that an answer has an address, to which one comes back from signing in."""

    is_filter = True
    name = forms.CharField(
        label=lazy("Prefix"),
        help_text=lazy("In any spelling: acme, Acme_Tools, acme.labs"),
        max_length=LONGEST_QUERY,
        required=False,
        widget=forms.TextInput(
            attrs={
                "class": "field__input--mono",
                "hx-trigger": "input changed delay:350ms, search",
                **PLAIN,
                **ANSWERED,
            }
        ),
    )
    organization = forms.ChoiceField(
        label=lazy("For which organization?"),
        required=False,
        widget=forms.Select(attrs={"hx-trigger": "change", **ANSWERED}),
    )

    def __init__(self, *args: Any, claimants: list[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["hx-get"] = reverse("claim")
        if len(claimants) < 2:
            del self.fields["organization"]
            return
        field = self.fields["organization"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("Choose one")), *((one.name, one.display_name) for one in claimants)]


class ClaimForm(forms.Form):
    name = forms.CharField(max_length=LONGEST_QUERY, widget=forms.HiddenInput)
    organization = forms.CharField(widget=forms.HiddenInput)
    statement = forms.CharField(
        label=lazy("What should a reviewer know?"),
        max_length=TEXT_LENGTH,
        required=False,
        # The same field stays where it is while the answer around it is replaced, with what was typed into it.
        widget=forms.Textarea(attrs={"rows": 4, "hx-preserve": "true"}),
    )


@public
@require_http_methods(["GET", "HEAD", "POST"])
def claim(request: HttpRequest) -> HttpResponse:
    """The page; asked by htmx, only the answer to what is typed. A claim is filed by POST."""
    actor, is_posted = _actor(request), request.method == "POST"
    claimants = list(reads.claimants(actor)) if actor else []
    asked = request.POST if is_posted else request.GET
    name, organization = _typed(asked), _chosen(asked, claimants)
    initial = {"name": name, "organization": organization.name if organization else ""}
    form = ClaimForm(asked if is_posted else None, initial=initial, auto_id="id_claim_%s")
    if is_posted and (case := _file(request, form, actor, organization)) is not None:
        messages.success(request, _said(case))
        return redirect("case", case.pk)
    context = {"form": form, **_context(actor, claimants, name, organization)}
    if getattr(request, "htmx", False) and not is_posted:
        body = render_to_string("cases/_answer.html", context | {"is_swap": True}, request)
        return HttpResponse(body, headers={"Cache-Control": PRIVATE})
    context["look_up"] = LookUpForm(asked, claimants=claimants)
    return private_page(request, "cases/claim.html", context, status=422 if is_posted else 200)


def _file(request: HttpRequest, form: ClaimForm, actor: Actor | None, organization: Organization | None) -> Case | None:
    """The case, or None with what is wrong in the form. It is filed for whom the form names, and for nobody else."""
    filed: list[Case] = []
    if actor is None or organization is None or organization.name != form.data.get("organization"):
        form.add_error("organization", _("Choose an organization of which you are an owner."))
        return None

    def file(cleaned: dict[str, Any]) -> None:
        name, statement = _typed(request.POST), cleaned["statement"]
        filed.append(file_claim(actor=actor, organization=organization, name=name, statement=statement))

    return filed[0] if submit(request, form, file) else None


def _actor(request: HttpRequest) -> Actor | None:
    if not isinstance(request.user, User):
        return None
    return Actor.person(request.user, origin=client_address(request))


def _typed(asked: QueryDict) -> str:
    """What somebody typed, without the spaces around it. NUL has no place in PostgreSQL's text."""
    return asked.get("name", "").replace("\x00", "").strip()[:LONGEST_QUERY]


def _chosen(asked: QueryDict, claimants: list[Organization]) -> Organization | None:
    """The organization that is named, among those for which the viewer may claim; where there is one only, that."""
    if len(claimants) == 1:
        return claimants[0]
    return next((one for one in claimants if one.name == asked.get("organization")), None)


def _context(
    actor: Actor | None, claimants: list[Organization], name: str, organization: Organization | None
) -> dict[str, Any]:
    """What the answer shows; without a name there is none."""
    found = reads.answer(name, organization) if name else None
    prefix = found.prospect.name if found else ""
    here = f"{reverse('claim')}?{_query(name=name, organization=organization.name if organization else '')}"
    return {
        "name": name,
        "answer": found,
        "prospect": found.prospect if found else None,
        "is_signed_in": actor is not None,
        "claimants": claimants,
        "insecure": reads.waits_for_second_factor(actor) if actor and not claimants else None,
        "section": "claim",
        "is_swap": False,
        "claimant": organization,
        "preview": reads.preview(prefix, organization) if organization and prefix else None,
        "verdict": can_file(organization, prefix) if organization and prefix else None,
        "back": _query(next=here),
    }


def _query(**fields: str) -> str:
    made = QueryDict(mutable=True)
    made.update({field: value for field, value in fields.items() if value})
    return made.urlencode()


def _said(case: Case) -> str:
    if case.state != CaseState.APPROVED:
        return _("Your claim of %(name)s is filed. A person looks at it, and you get a mail.") % {"name": case.name}
    if case.grant is not None and case.grant.state == "held":
        return _("%(name)s is approved, and held for you until it is paid for.") % {"name": case.name}
    return _("%(name)s is yours.") % {"name": case.name}
