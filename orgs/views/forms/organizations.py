"""Forms about an organization itself. What is right and what is free, the services decide."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from orgs.models import Organization
from orgs.services.organizations import DESCRIPTION_LENGTH, DISPLAY_NAME_LENGTH, NAME_LENGTH, WEBSITE_LENGTH
from orgs.services.staff import MOST_SEATS, REASON_LENGTH
from orgs.vocabulary import Kind

AS_NAME = {"autocapitalize": "none", "autocorrect": "off", "spellcheck": "false", "autocomplete": "off"}
ANSWERED = {
    "hx-trigger": "input changed delay:350ms",
    "hx-target": "#name-answer",
    "hx-include": "[name='display_name'], [name='name']",
    "hx-sync": "closest form:replace",
}
"""With ``hx-get``: while one types, whether the name can be had. Without JavaScript, the form says it when sent."""


class NewOrganizationForm(forms.Form):
    display_name = forms.CharField(
        label=_("What is it called?"),
        help_text=_("As people write it: “Acme Rockets”, “The Comet Project”."),
        max_length=DISPLAY_NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "organization", **ANSWERED}),
    )
    name = forms.CharField(
        label=_("Its short name"),
        help_text=_("For addresses and the index: letters, digits and hyphens. Left empty, it follows from the above."),
        max_length=NAME_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"class": "field__input--mono", **AS_NAME, **ANSWERED}),
    )
    kind = forms.ChoiceField(label=_("What is it?"), choices=Kind.choices)

    def __init__(self, *args: object, answer_url: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they came
        for field in ("display_name", "name"):
            self.fields[field].widget.attrs["hx-get"] = answer_url


class DescriptionForm(forms.Form):
    """What the public profile says."""

    display_name = forms.CharField(label=_("Display name"), max_length=DISPLAY_NAME_LENGTH)
    description = forms.CharField(
        label=_("Description"),
        help_text=_("One or two sentences: what it makes, and for whom."),
        max_length=DESCRIPTION_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    website = forms.CharField(
        label=_("Website"),
        help_text=_("It is shown as verified when its domain is one of your verified proofs."),
        max_length=WEBSITE_LENGTH,
        required=False,
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "url"}),
    )

    @staticmethod
    def as_it_is(organization: Organization) -> dict[str, str]:
        return {
            "display_name": organization.display_name,
            "description": organization.description,
            "website": organization.website,
        }


class RenameForm(forms.Form):
    name = forms.CharField(
        label=_("New name"),
        help_text=_("Letters, digits and hyphens."),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"class": "field__input--mono", **AS_NAME, **ANSWERED}),
    )

    def __init__(self, *args: object, answer_url: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they came
        self.fields["name"].widget.attrs["hx-get"] = answer_url


class CloseForm(forms.Form):
    """``name`` is typed to confirm."""

    name = forms.CharField(
        label=_("Type its name to confirm"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"class": "field__input--mono", **AS_NAME}),
    )


class RecoveryForm(forms.Form):
    domain = forms.ChoiceField(
        label=_("Which domain can you publish at?"),
        widget=forms.RadioSelect,
        help_text=_("You publish a new text there."),
    )

    def __init__(self, *args: object, domains: list[str], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they came
        field = self.fields["domain"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(domain, domain) for domain in domains]
        field.initial = domains[0] if domains else None


class ReasonForm(forms.Form):
    """Why staff does something."""

    reason = forms.CharField(
        label=_("Reason"), max_length=REASON_LENGTH, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class SeatsForm(forms.Form):
    seats = forms.IntegerField(
        label=_("Seats"),
        help_text=_("How many memberships it may have. Empty: any number."),
        min_value=1,
        max_value=MOST_SEATS,
        required=False,
    )
