"""The page of one case: all that is known of it, and all that a reviewer may do with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import staff_only, viewer_of
from freehold.errors import DomainError
from freehold.pages import private_page
from namespaces.cases import OPEN, CaseKind, CaseState, DecisionOutcome, Party
from namespaces.models import Case
from review.answers import Use, answer_of, answers_for
from review.options import DeskAction
from review.services import decisions, desk
from review.sheets import sheet_of
from review.views.forms import ConflictForm, DecideForm, FreezeForm, NoteForm, ReasonForm, prefilled
from review.views.queue import actor_of, go_on, keys_on

DECIDE = "decide"
"""The form that approves, refuses or asks, as its outcome says; every other action is one of ``DeskAction``."""


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def case(request: HttpRequest, case: int) -> HttpResponseBase:
    """``answer`` fills one of the usual answers in. What is posted says by ``action`` what to do."""
    found = get_object_or_404(Case.objects.select_related("organization", "grant", "filed_by"), pk=case)
    if request.method != "POST":
        answer = answer_of(CaseKind(found.kind), request.GET.get("answer", ""))
        return _shown(request, found, decide_form=prefilled(found, answer))
    act = ACTS.get(request.POST.get("action", ""))
    if act is None:
        messages.error(request, _("There is no such thing to do with a case."))
        return redirect("review-case", found.pk)
    return act(request, found)


def _shown(request: HttpRequest, case: Case, *, status: int = 200, **forms: BaseForm) -> HttpResponse:
    sheet = sheet_of(case, viewer_of(request))
    kind = CaseKind(case.kind)
    names = {"namespace": case.name, "organization": case.organization.display_name}
    context = {
        "case": case,
        "sheet": sheet,
        "answers": [
            (use, [(answer, answer.filled(**names)) for answer in answers_for(kind, use, case.open_criteria)])
            for use in Use
        ],
        "keys_on": keys_on(request),
        "note_form": NoteForm(),
        "reason_form": ReasonForm(),
        "conflict_form": ConflictForm(),
        "decide_form": DecideForm(case),
        "freeze_form": FreezeForm(),
        **forms,
    }
    return private_page(request, "review/case.html", context, status=status)


# --- What is posted ---------------------------------------------------------------------------------------------------


def _decide(request: HttpRequest, case: Case) -> HttpResponseBase:
    form = DecideForm(case, request.POST)
    if form.is_valid() and _tried(form, lambda: _ask_or_decide(request, case, form.cleaned_data)):
        _tell(request, case, form.cleaned_data["outcome"])
        return go_on(request)
    return _shown(request, case, status=422, decide_form=form)


def _ask_or_decide(request: HttpRequest, case: Case, typed: dict[str, Any]) -> object:
    actor = actor_of(request)
    if typed["outcome"] == Use.ASK:
        party = Party(typed["party"] or Party.APPLICANT)
        return decisions.ask_in_case(actor=actor, case=case, text=typed["text"], party=party)
    return decisions.decide_case(
        actor=actor,
        case=case,
        outcome=DecisionOutcome(typed["outcome"]),
        criteria=typed["criteria"],
        text=typed["text"],
        reason=typed["reason"],
    )


def _tell(request: HttpRequest, case: Case, outcome: str) -> None:
    """What was done, with the way back: the next case stands on the page already."""
    name = case.name or case.organization.display_name
    case.refresh_from_db(fields=["state"])
    if case.state == CaseState.PROPOSED:
        messages.success(request, _("%(name)s: a second reviewer is asked to agree.") % {"name": name})
        return
    if outcome == Use.ASK:
        messages.success(request, _("%(name)s: asked. It comes back with the answer.") % {"name": name})
        return
    done = _("%(name)s: approved.") if case.state == CaseState.APPROVED else _("%(name)s: refused.")
    url = reverse("review-case", args=[case.pk])
    text = format_html('{} <a href="{}#undo">{}</a>', done % {"name": name}, url, _("Undo"))
    messages.success(request, text)


def _confirm(request: HttpRequest, case: Case) -> HttpResponseBase:
    if _done(request, lambda: decisions.agree(actor=actor_of(request), case=case)):
        _tell(request, case, "")
        return go_on(request)
    return redirect("review-case", case.pk)


def _take(request: HttpRequest, case: Case) -> HttpResponseBase:
    _done(request, lambda: desk.take_case(actor=actor_of(request), case=case))
    return redirect("review-case", case.pk)


def _leave(request: HttpRequest, case: Case) -> HttpResponseBase:
    if _done(request, lambda: desk.leave_case(actor=actor_of(request), case=case)):
        messages.success(request, _("It is back in the queue."))
    return redirect("review-case", case.pk)


def _look_again(request: HttpRequest, case: Case) -> HttpResponseBase:
    if _done(request, lambda: decisions.check_again(actor=actor_of(request), case=case)):
        case.refresh_from_db(fields=["state"])
        found = _("It was checked again.") if case.state in OPEN else _("All criteria are met now: it was granted.")
        messages.success(request, found)
    return redirect("review-case", case.pk)


def _disagree(request: HttpRequest, case: Case) -> HttpResponseBase:
    form = ReasonForm(request.POST)
    actor = actor_of(request)
    if form.is_valid() and _tried(form, lambda: decisions.turn_down(actor=actor, case=case, **form.cleaned_data)):
        messages.success(request, _("The proposal is turned down. The case is still in your hands."))
        return redirect("review-case", case.pk)
    return _shown(request, case, status=422, reason_form=form)


def _undo(request: HttpRequest, case: Case) -> HttpResponseBase:
    form = ReasonForm(request.POST)
    actor = actor_of(request)
    if form.is_valid() and _tried(
        form, lambda: decisions.take_decision_back(actor=actor, case=case, **form.cleaned_data)
    ):
        messages.success(request, _("Undone, and those concerned were told. The case is in your hands."))
        return redirect("review-case", case.pk)
    return _shown(request, case, status=422, reason_form=form)


def _freeze(request: HttpRequest, case: Case) -> HttpResponseBase:
    done = _("New projects are stopped, and both sides were told.")
    return _frozen(request, case, decisions.stop_new_projects, done)


def _unfreeze(request: HttpRequest, case: Case) -> HttpResponseBase:
    done = _("New projects are possible again, and both sides were told.")
    return _frozen(request, case, decisions.allow_new_projects, done)


def _frozen(request: HttpRequest, case: Case, act: Callable[..., object], done: str) -> HttpResponseBase:
    form = FreezeForm(request.POST)
    actor = actor_of(request)
    if form.is_valid() and _tried(form, lambda: act(actor=actor, case=case, **form.cleaned_data)):
        messages.success(request, done)
        return redirect("review-case", case.pk)
    return _shown(request, case, status=422, freeze_form=form)


def _note(request: HttpRequest, case: Case) -> HttpResponseBase:
    form = NoteForm(request.POST)
    actor = actor_of(request)
    if form.is_valid() and _tried(form, lambda: desk.add_note(actor=actor, case=case, **form.cleaned_data)):
        return redirect(f"{reverse('review-case', args=[case.pk])}#notes")
    return _shown(request, case, status=422, note_form=form)


def _declare(request: HttpRequest, case: Case) -> HttpResponseBase:
    form = ConflictForm(request.POST)
    actor = actor_of(request)
    if form.is_valid() and _tried(form, lambda: desk.declare_conflict(actor=actor, case=case, **form.cleaned_data)):
        messages.success(request, _("Thank you. Somebody else decides it."))
        return redirect("review-case", case.pk)
    return _shown(request, case, status=422, conflict_form=form)


ACTS: dict[str, Callable[[HttpRequest, Case], HttpResponseBase]] = {
    DECIDE: _decide,
    DeskAction.CONFIRM: _confirm,
    DeskAction.DISAGREE: _disagree,
    DeskAction.TAKE: _take,
    DeskAction.LEAVE: _leave,
    DeskAction.LOOK_AGAIN: _look_again,
    DeskAction.FREEZE: _freeze,
    DeskAction.UNFREEZE: _unfreeze,
    DeskAction.UNDO: _undo,
    DeskAction.NOTE: _note,
    DeskAction.DECLARE: _declare,
}


def _done(request: HttpRequest, act: Callable[[], object]) -> bool:
    """Do what a button asks for; a refusal is shown on the next page."""
    try:
        act()
    except DomainError as error:
        messages.error(request, error.message)
        return False
    return True


def _tried(form: BaseForm, act: Callable[[], object]) -> bool:
    """Do what a form asks for; a refusal is an error of the form, so that nothing typed is lost."""
    try:
        act()
    except DomainError as error:
        form.add_error(None, error.message)
        return False
    return True
