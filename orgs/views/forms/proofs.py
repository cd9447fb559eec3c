"""What is asked for to begin a proof, by kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from orgs.models import Organization
from orgs.proofs.subjects import TYPED_LENGTH
from orgs.vocabulary import ProofKind

_PLAIN = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}


class SubjectForm(forms.Form):
    """One field, ``subject``. The service reads what was typed."""

    def __init__(self, *args: Any, sponsors: Sequence[Organization] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class DomainForm(SubjectForm):
    subject = forms.CharField(
        label=_("Domain"),
        max_length=TYPED_LENGTH,
        help_text=_("Without https:// and without www, such as acme.example."),
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "url"}),
    )


class ForgeForm(SubjectForm):
    subject = forms.CharField(
        label=_("Address of your organization's page"),
        max_length=TYPED_LENGTH,
        help_text=_("Such as https://github.com/acme, or https://git.acme.example/acme for a forge of your own."),
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "url"}),
    )


class MailboxForm(SubjectForm):
    subject = forms.CharField(
        label=_("E-mail address at your domain"),
        max_length=TYPED_LENGTH,
        help_text=_("We mail a code there. A mailbox that several of you read is best, such as admin@acme.example."),
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "email"}),
    )


class PrefixForm(SubjectForm):
    subject = forms.CharField(
        label=_("Prefix"),
        max_length=TYPED_LENGTH,
        help_text=_("What the names of your projects begin with, such as acme."),
        widget=forms.TextInput(attrs=_PLAIN),
    )


class SponsorForm(SubjectForm):
    subject = forms.ChoiceField(
        label=_("Your fiscal sponsor"),
        help_text=_("Its owners get a mail, and answer here."),
    )

    def __init__(self, *args: Any, sponsors: Sequence[Organization] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["subject"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(sponsor.name, sponsor.display_name) for sponsor in sponsors]


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code from our mail"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
    )


FORMS: dict[str, type[SubjectForm]] = {
    ProofKind.DNS: DomainForm,
    ProofKind.HTTPS: DomainForm,
    ProofKind.FORGE: ForgeForm,
    ProofKind.EMAIL_DOMAIN: MailboxForm,
    ProofKind.PROJECTS: PrefixForm,
    ProofKind.VOUCH: SponsorForm,
}
