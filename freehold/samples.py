"""What stands on the page of the components: a form with every kind of field, and rows for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django import forms
from django.core.paginator import Paginator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

STATES = {"applied": _("Applied"), "active": _("Active"), "suspended": _("Suspended")}
STANDINGS = {"good": _("Good"), "grace": _("Grace period"), "lapsed": _("Lapsed")}
ROLES = [("owner", _("Owner")), ("manager", _("Manager")), ("member", _("Member"))]


class SampleForm(forms.Form):
    """One field of each kind. Bound to nothing it shows every error there is."""

    name = forms.CharField(label=_("Display name"), help_text=_("As people write it."), max_length=200)
    website = forms.URLField(label=_("Website"), required=False, assume_scheme="https")
    email = forms.EmailField(label=_("E-mail address"))
    role = forms.ChoiceField(label=_("Role"), choices=ROLES)
    kind = forms.ChoiceField(
        label=_("Kind"),
        help_text=_("It can be changed later."),
        choices=[("company", _("Company")), ("community", _("Community project"))],
        widget=forms.RadioSelect,
    )
    notices = forms.MultipleChoiceField(
        label=_("Mail me about"),
        choices=[("people", _("People")), ("uploads", _("Refused uploads"))],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    about = forms.CharField(label=_("About"), widget=forms.Textarea(attrs={"rows": 3}), required=False)
    people = forms.FileField(label=_("People as CSV"), required=False)
    agreed = forms.BooleanField(label=_("I may speak for it"), help_text=_("We note who said so, and when."))

    def clean(self) -> None:
        if self.errors:
            raise forms.ValidationError(_("Nothing was changed."))


class Item(NamedTuple):
    """A link of a navigation."""

    label: str
    url: str
    current: bool = False


@dataclass(frozen=True)
class Viewer:
    """Somebody who is signed in, as far as a header shows it."""

    name: str
    email: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Holder:
    """An organization, as far as its badge and its heading show it."""

    display_name: str
    state: str = "active"
    standing: str = "good"
    name: str = "acme"

    def get_kind_display(self) -> str:
        return gettext("Company")

    def get_state_display(self) -> str:
        return str(STATES[self.state])

    def get_standing_display(self) -> str:
        return str(STANDINGS[self.standing])


def samples() -> dict[str, Any]:
    """The context of the page of the components."""
    found = Paginator(range(240), 10).get_page(7)
    return {
        "page": found,
        "numbers": list(found.paginator.get_elided_page_range(7, on_each_side=1, on_ends=1)),
        "sample_form": SampleForm(auto_id="sample_%s"),
        "refused_form": SampleForm({"name": "", "email": "ann", "kind": "farm"}, auto_id="refused_%s"),
        "items": [Item(str(label), f"#{value}", value == "manager") for value, label in ROLES],
        "holder": Holder("Acme Rockets"),
        "holders": [
            Holder("Acme Rockets"),
            Holder("Acme Rockets", "applied"),
            Holder("Acme Rockets", "suspended"),
            Holder("Acme Rockets", "active", "grace"),
            Holder("Acme Rockets", "active", "lapsed"),
        ],
        "someone": Viewer("Ada Lovelace", "ada@acme.example"),
        "at": datetime(2026, 3, 4, 9, 30, tzinfo=UTC),
    }
