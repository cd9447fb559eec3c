"""Reporting a namespace that its holder should not have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods

from accounts.access import signed_in, viewer_of
from freehold.origin import client_address
from freehold.pages import private_page
from namespaces import names
from namespaces.cases import Ground
from namespaces.models import Case, Grant
from namespaces.models.cases import TEXT_LENGTH
from namespaces.models.disputes import ADDRESS_LENGTH
from namespaces.selectors_disputes import open_reports
from namespaces.services import disputes
from orgs.actors import Actor
from orgs.models import Organization
from orgs.views.shell import submit
from orgs.vocabulary import ROLE_PERMISSIONS, Permission, State

MEANINGS = {
    Ground.IMPERSONATION: lazy("People take what is published there for somebody else’s."),
    Ground.TRADEMARK: lazy("Somebody else has a registered mark, for software or for what it is about."),
    Ground.DECEPTION: lazy("The namespace was granted for a proof or a statement that was not true."),
    Ground.ABANDONED: lazy("Nothing is published there, and others who need the name are kept out."),
    Ground.ABUSE: lazy("Malware, theft of keys, or the like. Say which projects, and since when."),
}
SPEAKING_ROLES = [role for role, permissions in ROLE_PERMISSIONS.items() if Permission.MANAGE_NAMESPACES in permissions]


class ReportForm(forms.Form):
    ground = forms.ChoiceField(
        label=lazy("What is wrong?"),
        widget=forms.RadioSelect,
        error_messages={"required": lazy("Choose what is wrong.")},
    )
    statement = forms.CharField(
        label=lazy("What you report"),
        help_text=lazy("The holder reads it. Say what is so, since when, and how you know."),
        max_length=TEXT_LENGTH,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    evidence_url = forms.CharField(
        label=lazy("A page that shows it"),
        help_text=lazy(
            "Something that everybody can look at, such as an entry in a register. The holder sees it, too."
        ),
        required=False,
        max_length=ADDRESS_LENGTH,
        widget=forms.URLInput,
    )
    named = forms.ChoiceField(
        label=lazy("Report as"),
        help_text=lazy("The holder is told the organization that you choose here, and never who you are."),
        required=False,
    )

    def __init__(self, *args: Any, organizations: Iterable[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organizations = {one.name: one for one in organizations}
        ground, named = self.fields["ground"], self.fields["named"]
        assert isinstance(ground, forms.ChoiceField)
        assert isinstance(named, forms.ChoiceField)
        ground.choices = [(one.value, f"{one.label}. {MEANINGS[one]}") for one in Ground]
        own = [(one.name, one.display_name) for one in self.organizations.values()]
        named.choices = [("", _("Somebody who is not named")), *own]
        if not own:
            del self.fields["named"]

    def clean_named(self) -> Organization | None:
        return self.organizations.get(self.cleaned_data["named"])


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, name: str) -> HttpResponse:
    """The form, or why it can't be reported now. Another spelling leads to the normalized one."""
    grant = _reserved(name)
    if grant.name != name and request.method != "POST":
        return redirect("namespace-report", grant.name)
    actor = Actor.person(viewer_of(request), origin=client_address(request))
    root = grant.root or grant
    form = ReportForm(request.POST if request.method == "POST" else None, organizations=_spoken_for(actor))
    filed: list[Case] = []

    def file(cleaned: dict[str, Any]) -> None:
        filed.append(disputes.report(actor=actor, grant=grant, **cleaned))

    done = _("Your report is with the reviewers. You get a mail at every step.")
    if form.is_bound and submit(request, form, file, done):
        return redirect("case", filed[0].pk)
    context = {
        "section": "register",
        "grant": grant,
        "title": _("Report"),
        "form": form,
        "verdict": disputes.can_report(root, actor),
        "open_report": open_reports(root).filter(filed_by=actor.user).first(),
        "days": settings.FREEHOLD_HEARING.days,
        "policy_url": reverse("policy"),
    }
    return private_page(request, "disputes/report.html", context, status=422 if form.is_bound else 200)


def _reserved(name: str) -> Grant:
    """The namespace as everybody sees it; what awaits its payment is nobody's business."""
    normalized = names.normalize(name) if names.is_valid(name) else ""
    found = Grant.objects.enforceable().select_related("owner", "root__owner").filter(name=normalized).first()
    if found is None:
        raise Http404
    return found


def _spoken_for(actor: Actor) -> QuerySet[Organization]:
    """The organizations by which the viewer may be called."""
    own = Organization.objects.filter(memberships__user=actor.user, memberships__role__in=SPEAKING_ROLES)
    return own.exclude(state=State.CLOSED).order_by("name")
