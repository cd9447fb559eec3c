"""What the pages of billing at the review desk have in common: rows by the page, and what is typed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.access import viewer_of
from billing.services.desk import NOTE_LENGTH
from billing.vocabulary import CallKind, IntentState, JobState
from freehold.origin import client_address
from orgs.actors import Actor

PER_PAGE = 50
SEARCH_LENGTH = 200
ANY = ("", _("Any"))
FORM = ("GET", "HEAD", "POST")


def actor_of(request: HttpRequest) -> Actor:
    return Actor.staff(viewer_of(request), origin=client_address(request))


def paged(request: HttpRequest, rows: QuerySet[Any] | list[Model]) -> dict[str, Any]:
    """What a list and its pagination need."""
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    numbers = list(page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1))
    return {"page": page, "rows": list(page.object_list), "numbers": numbers}


def typed(form: forms.Form) -> dict[str, str]:
    """What narrows a list; what nobody can have chosen narrows nothing."""
    form.full_clean()
    return {name: form.cleaned_data.get(name, "") for name in form.fields}


class SearchForm(forms.Form):
    is_filter = True

    q = forms.CharField(
        label=_("Name, address, invoice or an id at Stripe"),
        max_length=SEARCH_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"type": "search"}),
    )


class IntentFilter(forms.Form):
    is_filter = True

    state = forms.ChoiceField(label=_("State"), choices=[ANY, *IntentState.choices], required=False)


class SubscriptionFilter(forms.Form):
    is_filter = True

    show = forms.ChoiceField(
        label=_("Show"),
        choices=[("", _("All")), ("problems", _("Those with problems")), ("over", _("Those that are over"))],
        required=False,
    )


class EventFilter(forms.Form):
    is_filter = True

    state = forms.ChoiceField(label=_("State"), choices=[ANY, *JobState.choices], required=False)
    type = forms.CharField(label=_("Type begins with"), max_length=100, required=False)
    about = forms.CharField(label=_("Id of event, object or customer"), max_length=100, required=False)


class CallFilter(forms.Form):
    is_filter = True

    state = forms.ChoiceField(label=_("State"), choices=[ANY, *JobState.choices], required=False)
    kind = forms.ChoiceField(label=_("Kind"), choices=[ANY, *CallKind.choices], required=False)


class NoteForm(forms.Form):
    note = forms.CharField(
        label=_("What you found"),
        max_length=NOTE_LENGTH,
        help_text=_("For the audit trail."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Why"),
        max_length=NOTE_LENGTH,
        help_text=_("For the audit trail, and beside the call."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
