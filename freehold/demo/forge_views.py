"""``/demo/forge/``: a code forge on which every organization is yours, and what it tells programs.

There is no such page in production (``freehold/urls.py``).
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_safe

from freehold.access import act, public
from freehold.demo import forge
from freehold.errors import Invalid
from freehold.pages import private_page
from orgs.proofs import forges, subjects

NAME = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
AGES = ((800, lazy("Two years ago")), (120, lazy("Four months ago")), (5, lazy("Last week")))
STARS = ((120, "120"), (30, "30"), (2, "2"), (0, "0"))


class PlaceForm(forms.Form):
    owner = forms.CharField(
        label=lazy("Organization"),
        max_length=60,
        help_text=lazy("Its name on the forge, best the one that it has here."),
        widget=forms.TextInput(attrs=NAME),
    )
    repository = forms.RegexField(
        regex=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,59}\Z",
        label=lazy("Repository"),
        required=False,
        help_text=lazy("Where its code is. Left empty, it is called as the organization."),
        widget=forms.TextInput(attrs=NAME),
    )
    licence = forms.ChoiceField(
        label=lazy("Licence"),
        choices=[(each, each or lazy("None")) for each in forge.LICENCES],
        initial=forge.LICENCES[0],
        required=False,
    )
    begun = forms.TypedChoiceField(label=lazy("Begun"), choices=AGES, coerce=int, initial=800)
    stars = forms.TypedChoiceField(label=lazy("Stars"), choices=STARS, coerce=int, initial=120)
    line = forms.CharField(
        label=lazy("Line of the file freehold-verification.txt"),
        max_length=200,
        required=False,
        help_text=lazy("As the page of the proof shows it."),
        widget=forms.TextInput(attrs=NAME),
    )

    def clean_owner(self) -> str:
        typed = str(self.cleaned_data["owner"])
        try:
            subject = subjects.forge(f"{forges.DEMO}/{typed}")
        except Invalid as error:
            raise forms.ValidationError(error.message) from error
        if "/" in typed:
            raise forms.ValidationError(_("Enter the name alone."))
        return subject.rpartition("/")[2]

    def place(self) -> forge.Place:
        told = self.cleaned_data
        return forge.Place(
            owner=told["owner"],
            repository=told["repository"] or told["owner"],
            licence=told["licence"],
            stars=told["stars"],
            begun=told["begun"],
        )


@public
@require_http_methods(["GET", "HEAD", "POST"])
def places(request: HttpRequest) -> HttpResponse:
    """Show all organizations, and make one."""
    posted = PlaceForm(request.POST)
    if request.method == "POST" and posted.is_valid():
        return _publish(request, posted)
    form = posted if request.method == "POST" else PlaceForm(initial=request.GET.dict())
    return private_page(request, "demo/forge.html", _context(form), status=422 if form.is_bound else 200)


def _publish(request: HttpRequest, form: PlaceForm) -> HttpResponse:
    try:
        forge.publish(settings.FREEHOLD_DEMO_FORGE, form.place(), form.cleaned_data["line"].strip())
    except forge.Full as error:
        form.add_error(None, str(error))
        return private_page(request, "demo/forge.html", _context(form), status=422)
    messages.success(request, _("It is published on the demo's forge."))
    return redirect("demo-forge")


@act
@public
def remove(request: HttpRequest) -> HttpResponse:
    forge.remove(settings.FREEHOLD_DEMO_FORGE, request.POST.get("owner", ""))
    messages.success(request, _("The organization is removed from the demo's forge."))
    return redirect("demo-forge")


@public
@require_safe
def api(request: HttpRequest, asked: str) -> HttpResponse:
    """What programs are told, as Forgejo tells it."""
    found = forge.answer(forge.read(settings.FREEHOLD_DEMO_FORGE), asked, timezone.now())
    if found is None:
        raise Http404
    if isinstance(found, str):
        return HttpResponse(found, content_type="text/plain; charset=utf-8")
    return JsonResponse(found, safe=False)


def _context(form: forms.Form) -> dict[str, Any]:
    found = forge.read(settings.FREEHOLD_DEMO_FORGE)
    return {"form": form, "rows": [found[owner] for owner in sorted(found)], "address": forges.DEMO}
