"""Forms about who is in an organization: who is invited, and who is what."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from freehold.errors import Invalid
from orgs.invitees import Invitee, addressee_of
from orgs.models import Organization, Team
from orgs.vocabulary import Role

MEANINGS = {
    Role.OWNER: gettext_lazy("may do everything: people, namespaces, billing, and closing the organization"),
    Role.MANAGER: gettext_lazy("publishes in every namespace, and manages teams and trusted publishers"),
    Role.BILLING: gettext_lazy("sees everything, and manages the plan and the invoices"),
    Role.MEMBER: gettext_lazy("sees everything, and publishes where one of their teams may"),
}
"""What a role is good for, in one line each. The whole table is on the page “Who may do what”."""


def described(*roles: Role) -> list[tuple[str, str]]:
    """The roles as choices that say what they mean."""
    return [(role.value, f"{role.label}: {MEANINGS[role]}") for role in roles]


class RoleForm(forms.Form):
    """Which role somebody has from now on."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=lambda: described(*Role), widget=forms.RadioSelect)

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])


class WithTeams(forms.Form):
    """What everybody who is invited by the form gets: a role, and teams where the organization has any."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), widget=forms.RadioSelect, initial=Role.MEMBER.value)
    teams = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Teams"),
        queryset=Team.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        error_messages={"invalid_pk_value": gettext_lazy("There is no such team.")},
    )
    roles: tuple[Role, ...] = tuple(reversed(Role))

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "field-%s"  # as the components have it, by which a page may draw some fields
        role, teams = self.fields["role"], self.fields["teams"]
        assert isinstance(role, forms.ChoiceField)
        assert isinstance(teams, forms.ModelMultipleChoiceField)
        role.choices = described(*self.roles)
        teams.queryset = organization.teams.order_by("name")
        if not organization.teams.exists():
            del self.fields["teams"]

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])

    def teams_chosen(self) -> tuple[Team, ...]:
        return tuple(self.cleaned_data.get("teams") or ())


class InviteForm(WithTeams):
    """One person."""

    who = forms.CharField(
        label=gettext_lazy("E-mail address, or user name on the index"),
        help_text=gettext_lazy("A user name finds them once they have connected it to an account here."),
        max_length=300,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ("who", "role", "teams")

    def clean_who(self) -> dict[str, str]:
        try:
            return addressee_of(self.cleaned_data["who"])
        except Invalid as error:
            raise forms.ValidationError(error.message) from error

    def invitee(self) -> Invitee:
        cleaned = self.cleaned_data
        return Invitee(role=cleaned["role"], teams=self.teams_chosen(), **cleaned["who"])


class InviteManyForm(WithTeams):
    """A list of people, pasted or as a file."""

    paste = forms.CharField(
        label=gettext_lazy("Paste a list"),
        help_text=gettext_lazy(
            "One person a line: an e-mail address or a user name, then a role and teams where they differ from those"
            " below, as in “ann@acme.example, manager, Release”. Lists from a mail or a spreadsheet will do."
        ),
        widget=forms.Textarea(),
        max_length=100_000,
        required=False,
    )
    file = forms.FileField(
        label=gettext_lazy("Or upload a CSV file"),
        help_text=gettext_lazy("With the header email,role,teams or username,role,teams; teams parted by semicolons."),
        widget=forms.FileInput(),
        required=False,
    )
    field_order = ("paste", "file", "role", "teams")
    roles = (Role.MEMBER, Role.BILLING, Role.MANAGER)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        given = [name for name in ("paste", "file") if cleaned.get(name)]
        if not given and not self.errors:
            raise forms.ValidationError(gettext("Paste a list, or choose a file."))
        if len(given) == 2:
            raise forms.ValidationError(gettext("Paste a list or choose a file, not both."))
        return cleaned
