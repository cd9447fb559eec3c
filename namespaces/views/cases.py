"""A case as those concerned see it: what was found, what was said, what may be done now; and all the cases of a person
or of an organization."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import signed_in, viewer_of
from freehold.access import act
from freehold.pages import private_page
from namespaces import hooks
from namespaces import pages_cases as reads
from namespaces.cases import CaseAction, CaseKind, CaseState
from namespaces.models import Case
from namespaces.models.cases import TEXT_LENGTH
from namespaces.names import MAX_LENGTH
from namespaces.policy.evaluation import Result
from namespaces.services import casework, claims
from namespaces.services.casework import possible
from namespaces.views.concerned import AtCase, concerned
from namespaces.views.public import paged
from orgs.views.access import Here, organization_page
from orgs.views.shell import attempt, organization_response, submit
from orgs.vocabulary import Permission

CASES_PER_PAGE = 25
FORM = ["GET", "HEAD", "POST"]


class TextForm(forms.Form):
    text = forms.CharField(max_length=TEXT_LENGTH, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args: Any, label: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].label = label


class EditForm(forms.Form):
    """Another name is another claim, so of the name the spelling alone can be changed."""

    name = forms.CharField(
        label=lazy("How its name is written"),
        help_text=lazy("Case and separators are yours to choose; the name stays the same."),
        max_length=MAX_LENGTH,
        widget=forms.TextInput(attrs={"class": "field__input--mono", "autocapitalize": "none", "spellcheck": "false"}),
    )
    statement = forms.CharField(
        label=lazy("What should a reviewer know?"),
        max_length=TEXT_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
    )

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {"name": case.display_name, "statement": case.statement}
        if case.kind != CaseKind.CLAIM:
            del self.fields["name"]


WRITING: dict[CaseAction, Any] = {
    CaseAction.ANSWER: lazy("Your answer"),
    CaseAction.SAY: lazy("Write to the reviewers"),
    CaseAction.APPEAL: lazy("Why should it be looked at again?"),
}
"""What is written on the page of the case itself, each in a form of its own."""


# --- Lists ----------------------------------------------------------------------------------------------------------


@signed_in
@require_safe
def cases(request: HttpRequest) -> HttpResponse:
    """All that one reported, and all of the organizations for which one may act."""
    found = Paginator(reads.cases_of(viewer_of(request)), CASES_PER_PAGE)
    context = {"section": "cases", **paged(found.get_page(request.GET.get("page", "")))}
    return private_page(request, "cases/list.html", context)


@organization_page(Permission.VIEW)
@require_safe
def claims_of(request: HttpRequest, here: Here) -> HttpResponse:
    found = Paginator(reads.claims_of(here.organization), CASES_PER_PAGE)
    context = {
        "may_claim": here.may(Permission.MANAGE_NAMESPACES),
        **paged(found.get_page(request.GET.get("page", ""))),
    }
    return organization_response(request, here, "cases/claims.html", context, current="organization-claims")


# --- One case -------------------------------------------------------------------------------------------------------


@concerned
@require_safe
def case(request: HttpRequest, at: AtCase) -> HttpResponse:
    return shown(request, at)


def shown(request: HttpRequest, at: AtCase, refused: dict[CaseAction, forms.Form] | None = None) -> HttpResponse:
    """The page of the case; ``refused`` are forms that were sent and are shown again with what is wrong in them."""
    may = possible(at.case, at.actor)
    for action, form in (refused or {}).items():
        if action not in may:  # there is no form any more that could show it
            messages.error(request, " ".join(map(str, form.non_field_errors())))
    writing = {action: TextForm(label=label, auto_id=f"id_{action}_%s") for action, label in WRITING.items()}
    context = {"form": next(iter(refused.values()), None) if refused else None, **_sheet(at), **_deeds(at, may)}
    context["writing"] = {action.value: form for action, form in (writing | (refused or {})).items() if action in may}
    return private_page(request, "cases/case.html", context, status=422 if refused else 200)


def _sheet(at: AtCase) -> dict[str, Any]:
    """What is known of the case."""
    case = at.case
    evaluation = reads.last_evaluation(case)
    before = reads.place_of(case)
    found = reads.found_in(evaluation, case.kind) if evaluation else None
    return {
        "section": "cases",
        "case": case,
        "title": reads.title_of(case),
        "sides": at.sides,
        "lines": reads.timeline(case, at.sides),
        "evaluation": evaluation,
        "found": found,
        "missing": reads.missing_in(found) if found else [],
        "met": [one for one in found.criteria if one.result is Result.PASS] if found else [],
        "decided": reads.verdict_on(case),
        "settler": reads.settler_of(case),
        "before": before,
        "wait": reads.usual_wait() if before is not None else None,
        "paid_until": reads.paid_until(case.grant),
        "payment_url": hooks.payment_page(case.organization) if reads.paid_until(case.grant) else "",
    }


def _deeds(at: AtCase, may: list[CaseAction]) -> dict[str, Any]:
    """What the viewer may do now; the question that they are asked is the last one to their side."""
    is_asked = at.case.state == CaseState.ASKED and at.case.asked in at.sides
    return {
        "may": {action.value for action in may},
        "is_asked": is_asked,
        "question": reads.question_to(at.case) if is_asked else None,
        "can_look_again": CaseAction.EDIT in may and at.case.kind != CaseKind.DISPUTE,
    }


@concerned
@require_http_methods(FORM)
def edit(request: HttpRequest, at: AtCase) -> HttpResponse:
    verdict = casework.can(CaseAction.EDIT, at.case, at.actor)
    form = EditForm(request.POST if request.method == "POST" else None, case=at.case)

    def change(cleaned: dict[str, Any]) -> None:
        claims.edit(actor=at.actor, case=at.case, **cleaned)

    if request.method == "POST" and submit(request, form, change, _("Your changes are saved.")):
        return redirect("case", at.case.pk)
    context = {"case": at.case, "title": reads.title_of(at.case), "form": form, "verdict": verdict}
    return private_page(request, "cases/edit.html", context, status=422 if form.is_bound else 200)


@concerned
@require_http_methods(FORM)
def withdraw(request: HttpRequest, at: AtCase) -> HttpResponse:
    if request.method == "POST":
        attempt(request, lambda: casework.withdraw(actor=at.actor, case=at.case), _("It is withdrawn."))
        return redirect("case", at.case.pk)
    verdict = casework.can(CaseAction.WITHDRAW, at.case, at.actor)
    context = {"case": at.case, "title": reads.title_of(at.case), "verdict": verdict}
    return private_page(request, "cases/withdraw.html", context)


@act
@concerned
def look_again(request: HttpRequest, at: AtCase) -> HttpResponse:
    """Whether what is proved by now suffices."""
    found: list[Case] = []
    if attempt(request, lambda: found.append(claims.look_again(actor=at.actor, case=at.case))):
        approved = found[0].state == CaseState.APPROVED
        said = _("It is approved.") if approved else _("It was looked at again; a person still has to decide.")
        (messages.success if approved else messages.info)(request, said)
    return redirect("case", at.case.pk)


def _written(
    request: HttpRequest, at: AtCase, action: CaseAction, write: Callable[..., object], done: str
) -> HttpResponse:
    form = TextForm(request.POST, label=WRITING[action], auto_id=f"id_{action}_%s")
    if submit(request, form, lambda data: write(actor=at.actor, case=at.case, text=data["text"]), done):
        return redirect("case", at.case.pk)
    return shown(request, at, {action: form})


@act
@concerned
def say(request: HttpRequest, at: AtCase) -> HttpResponse:
    return _written(request, at, CaseAction.SAY, casework.say, _("The reviewers can read it now."))


@act
@concerned
def answer(request: HttpRequest, at: AtCase) -> HttpResponse:
    done = _("Your answer is with the reviewers. You kept your place in the queue.")
    return _written(request, at, CaseAction.ANSWER, claims.answer, done)


@act
@concerned
def appeal(request: HttpRequest, at: AtCase) -> HttpResponse:
    done = _("It is looked at once more, by somebody else.")
    return _written(request, at, CaseAction.APPEAL, claims.appeal, done)
