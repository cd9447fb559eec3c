"""What reviewers type: filters of the queue, decisions and questions, reasons and notes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from namespaces.cases import CaseKind, Party
from namespaces.models import Case
from namespaces.models.cases import TEXT_LENGTH
from namespaces.pages_cases import KEYS
from namespaces.policy.evaluation import CommunityKey, Key, Stake
from review.answers import Answer, Use
from review.models import NOTE_LENGTH, REASON_LENGTH
from review.queue import Age, Filters, Tab

ANY = [("", _("Any"))]
CRITERIA = [*ANY, *Key.choices, *((key, label) for key, label in CommunityKey.choices if key not in Key.values)]


class QueueForm(forms.Form):
    """The filters. What nobody can have chosen narrows nothing."""

    is_filter = True

    q = forms.CharField(
        label=_("Name or organization"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=[*ANY, *CaseKind.choices], required=False)
    criterion = forms.ChoiceField(label=_("Criterion not met"), choices=CRITERIA, required=False)
    stake = forms.ChoiceField(label=_("Stake"), choices=[*ANY, *Stake.choices], required=False)
    age = forms.ChoiceField(label=_("Has waited"), choices=[*ANY, *Age.choices], required=False)

    def filters(self, tab: Tab) -> Filters:
        self.full_clean()
        typed = self.cleaned_data
        return Filters(
            tab=tab,
            query=typed.get("q", ""),
            **{name: typed.get(name, "") for name in ("kind", "criterion", "stake", "age")},
        )


class DecideForm(forms.Form):
    """What to do with a case, what to write to whom, and on which criteria it rests. The service judges it."""

    prefix = "decide"

    outcome = forms.ChoiceField(
        label=_("Decision"),
        choices=Use.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose whether to approve, to refuse or to ask.")},
    )
    criteria = forms.MultipleChoiceField(label=_("Criteria on which it rests"), required=False)
    party = forms.ChoiceField(label=_("Whom to ask"), choices=[], required=False)
    text = forms.CharField(
        label=_("To the applicant"),
        max_length=TEXT_LENGTH,
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 7}),
    )
    reason = forms.CharField(
        label=_("Why the quarantine may end, for staff"),
        max_length=TEXT_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, case: Case, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._set_choices("criteria", KEYS[case.kind].choices)
        parties = [Party.APPLICANT, Party.HOLDER] if case.kind == CaseKind.DISPUTE else [Party.APPLICANT]
        self._set_choices("party", [(party.value, party.label) for party in parties])
        if case.kind == CaseKind.DISPUTE:
            self.fields["text"].label = _("To both sides, or to the one that you ask")
            self.fields["reason"].label = _("Why it can’t wait for the holder’s answer, for staff")
            self.fields["reason"].help_text = _("Only where harm is done. Else the holder is heard first.")

    def _set_choices(self, name: str, choices: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(choices)

    @property
    def chosen_outcome(self) -> str:
        return str(self["outcome"].value() or "")

    @property
    def chosen_criteria(self) -> set[str]:
        return set(self["criteria"].value() or ())


def prefilled(case: Case, answer: Answer | None) -> DecideForm:
    """An empty form, or one with an answer filled in."""
    if answer is None:
        return DecideForm(case)
    text = answer.filled(namespace=case.name, organization=case.organization.display_name)
    initial = {"outcome": answer.use.value, "criteria": [key.value for key in answer.criteria], "text": text}
    return DecideForm(case, initial=initial)


class ReasonForm(forms.Form):
    """Why: for staff, or for everybody concerned."""

    prefix = "why"

    reason = forms.CharField(
        label=_("Why"), max_length=TEXT_LENGTH, strip=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class FreezeForm(forms.Form):
    """What both sides of a report are told when new projects are stopped for it, or possible again."""

    prefix = "freeze"

    text = forms.CharField(
        label=_("To both sides"),
        max_length=TEXT_LENGTH,
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class ConflictForm(forms.Form):
    prefix = "conflict"

    reason = forms.CharField(label=_("What it is"), max_length=REASON_LENGTH, required=False)


class NoteForm(forms.Form):
    prefix = "note"

    text = forms.CharField(
        label=_("Note for other reviewers"),
        max_length=NOTE_LENGTH,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Write something first.")},
    )
