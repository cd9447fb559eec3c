"""Changing what a plan has: its quantities, the plan itself, its interval. What it costs is seen and then agreed to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods

from billing import sums
from billing.gateway.errors import GatewayError
from billing.pages.changing import Option, options
from billing.selectors.previews import Charge, preview, this_moment
from billing.selectors.quantities import Counts, Sheet, sheet
from billing.services import plan_changes
from billing.services.plan_changes import change_plan, choose, is_announced, keep_plan
from billing.services.quantities import AGREED_FOR, Agreed, can_change, change_quantities, changes_to, steps_to
from billing.sums import When
from billing.tiers import Sum
from billing.vocabulary import Interval, Tier
from freehold.access import act
from freehold.errors import DomainError
from orgs.views.access import Here, organization_page
from orgs.views.shell import attempt, organization_response
from orgs.vocabulary import Permission

CURRENT = "organization-plan"
FORM = ("GET", "HEAD", "POST")


@dataclass(frozen=True)
class Proposal:
    """What somebody is asked to agree to: the ``charge`` that is due at once, None for nothing; what a whole period
    costs from then on, before tax. A ``refusal`` stands in place of both."""

    counts: Counts | None = None
    charge: Charge | None = None
    then: Sum | None = None
    option: Option | None = None
    refusal: str = ""

    @property
    def is_now(self) -> bool:
        return self.charge is not None

    @property
    def at(self) -> int:
        return int(self.charge.at.timestamp()) if self.charge else 0

    @property
    def agreed(self) -> Agreed | None:
        return Agreed(at=self.charge.at) if self.charge else None

    def is_agreed(self, request: HttpRequest) -> bool:
        """Whether it was posted, and with the sum that it still costs."""
        if request.method != "POST" or self.refusal:
            return False
        return self.charge is None or request.POST.get("due") == self.charge.due.written()


def _proposed(make: Callable[[], Proposal]) -> Proposal:
    """It, or why there is none."""
    try:
        return make()
    except DomainError as error:
        return Proposal(refusal=error.message)
    except GatewayError:
        return Proposal(refusal=_("Stripe can’t tell the sum at the moment. Nothing was changed; try again soon."))


def _seen(asked: QueryDict) -> datetime:
    """The moment from which the sum was reckoned that somebody has seen, while that is not too long ago; else now."""
    now = this_moment()
    try:
        at = datetime.fromtimestamp(int(asked.get("at", "")), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return now
    return at if now - AGREED_FOR < at <= now else now


def _page(
    request: HttpRequest, here: Here, template: str, proposal: Proposal | None, context: dict[str, Any]
) -> HttpResponse:
    """``is_other``: it was agreed to, and costs something else by now."""
    is_posted = request.method == "POST"
    context["is_other"] = is_posted and proposal is not None and not proposal.refusal
    context["proposal"] = proposal
    return organization_response(request, here, template, context, current=CURRENT, status=422 if is_posted else 200)


# --- Quantities -------------------------------------------------------------------------------------------------------


class QuantitiesForm(forms.Form):
    seats = forms.IntegerField(label=lazy("People"), min_value=1, max_value=sums.MOST_SEATS)
    roots = forms.IntegerField(label=lazy("Namespaces"), min_value=0, max_value=sums.MOST_ROOTS)


@organization_page(Permission.MANAGE_BILLING)
@require_http_methods(FORM)
def quantities(request: HttpRequest, here: Here) -> HttpResponse:
    """With ``seats`` and ``roots``, what changing to them would cost; posted, it is agreed to."""
    found, verdict = sheet(here.organization), can_change(here.organization, here.actor)
    asked = request.POST if request.method == "POST" else request.GET
    form = _quantities_form(found, asked)
    proposal = None
    if found is not None and verdict and form.is_bound and form.is_valid():
        counts = Counts(form.cleaned_data["seats"], form.cleaned_data["roots"])
        proposal = _proposed(lambda: _of_quantities(found, counts, asked))
        if proposal.is_agreed(request) and _have_quantities(request, here, proposal):
            return redirect("organization-plan-quantities", here.organization.name)
    context = {"form": form, "sheet": found, "verdict": verdict}
    return _page(request, here, "billing/quantities.html", proposal, context)


def _quantities_form(found: Sheet | None, asked: QueryDict) -> QuantitiesForm:
    counts = Counts(*map(max, found.next, found.least)) if found else Counts(1, 0)
    is_asked = "seats" in asked or "roots" in asked
    form = QuantitiesForm(asked if is_asked else None, initial=counts._asdict())
    if found is not None:
        form.fields["seats"].widget.attrs["min"] = found.least.seats
        form.fields["roots"].widget.attrs["min"] = found.least.roots
    return form


def _of_quantities(found: Sheet, counts: Counts, asked: QueryDict) -> Proposal:
    steps = steps_to(found, counts)
    if not steps:
        return Proposal(refusal=_("That is what the organization has already."))
    charge = None
    if steps.charged:
        charge = preview(found.subscription, changes_to(found.subscription, steps.charged), _seen(asked))
    return Proposal(counts=counts, charge=charge, then=found.costs(counts))


def _have_quantities(request: HttpRequest, here: Here, proposal: Proposal) -> bool:
    counts, agreed = proposal.counts, proposal.agreed
    assert counts is not None, "it is no refusal"

    def change() -> None:
        change_quantities(actor=here.actor, organization=here.organization, agreed=agreed, **counts._asdict())

    return attempt(request, change, _("The change is on its way to Stripe.") if agreed else _("The change is noted."))


# --- The plan and its interval ----------------------------------------------------------------------------------------


@organization_page(Permission.MANAGE_BILLING)
@require_http_methods(FORM)
def plan(request: HttpRequest, here: Here) -> HttpResponse:
    """With a ``choice``, what changing to it would cost; posted, it is agreed to."""
    found, verdict = sheet(here.organization), can_change(here.organization, here.actor)
    asked = request.POST if request.method == "POST" else request.GET
    offered = options(found) if found else []
    option = next((one for one in offered if one.value == asked.get("choice")), None)
    proposal = None
    if found is not None and verdict and option is not None:
        proposal = _proposed(lambda: _of_plan(found, option, asked))
        if proposal.is_agreed(request) and _have_plan(request, here, option, proposal):
            return redirect("organization-plan-change", here.organization.name)
    context = {"sheet": found, "verdict": verdict, "options": offered, "option": option, **_waiting(found)}
    return _page(request, here, "billing/plan_change.html", proposal, context)


def _waiting(found: Sheet | None) -> dict[str, Any]:
    change = found.change if found else None
    if found is None or change is None or change.plan is None or change.due_at is None:
        return {"waiting": None}
    return {"waiting": change, "is_announced": is_announced(change, found.subscription)}


def _of_plan(found: Sheet, option: Option, asked: QueryDict) -> Proposal:
    choice = choose(found, Tier(option.terms.tier), option.interval)
    charge = None
    if choice.when is When.NOW:
        changes = plan_changes.changes_to(found.subscription, choice.plan, choice.interval, choice.counts)
        charge = preview(found.subscription, changes, _seen(asked))
    return Proposal(counts=choice.counts, charge=charge, then=option.sum, option=option)


def _have_plan(request: HttpRequest, here: Here, option: Option, proposal: Proposal) -> bool:
    agreed = proposal.agreed

    def change() -> None:
        tier, interval = Tier(option.terms.tier), Interval(option.interval)
        change_plan(actor=here.actor, organization=here.organization, tier=tier, interval=interval, agreed=agreed)

    return attempt(request, change, _("The change is on its way to Stripe.") if agreed else _("The change is noted."))


@act
@organization_page(Permission.MANAGE_BILLING)
def keep(request: HttpRequest, here: Here) -> HttpResponse:
    """Take back a change of the plan that has not taken effect."""
    attempt(
        request,
        lambda: keep_plan(actor=here.actor, organization=here.organization),
        _("The plan stays as it is."),
    )
    return redirect("organization-plan-change", here.organization.name)
