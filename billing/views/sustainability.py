"""What the index costs and what covers it: for the staff who enter it, and for everybody where that is switched on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import admins_only, staff_only, viewer_of
from billing import clock
from billing.models import IndexCost
from billing.money import DECIMALS, Money
from billing.reports.sustainability import YEAR, Sustainability, openness, sustainability
from billing.services import costs
from billing.vocabulary import Means
from billing.words import rounded
from freehold.access import act, public
from freehold.caching import cacheable
from freehold.charts import Chart, Series, bars, line, stacked
from freehold.errors import DomainError
from freehold.origin import client_address
from freehold.pages import private_page
from orgs.actors import Actor
from orgs.views.shell import attempt, submit

HTML = "text/html; charset=utf-8"
LISTED = 60
MOST_BYTES = 500_000
MOST_PERCENT = 900
"""Of growth: more says that there was next to nothing before."""
CURRENCIES = [(name, name.upper()) for name in sorted(DECIMALS)]


class CostForm(forms.Form):
    month = forms.CharField(label=lazy("Month"), help_text=lazy("Like 2026-03."), max_length=7)
    category = forms.CharField(
        label=lazy("What"), help_text=lazy("Hosting, bandwidth, people …"), max_length=costs.LENGTHS["category"]
    )
    means = forms.ChoiceField(label=lazy("How it was borne"), choices=Means.choices)
    giver = forms.CharField(
        label=lazy("Given by"),
        help_text=lazy("Whoever gave it in kind; nothing for what was paid."),
        max_length=costs.LENGTHS["giver"],
        required=False,
    )
    amount = forms.CharField(label=lazy("Amount"), help_text=lazy("Like 1250.00."), max_length=20)
    currency = forms.ChoiceField(label=lazy("Currency"), choices=CURRENCIES)


# --- For everybody ----------------------------------------------------------------------------------------------------


@public
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Not there while it is not switched on."""
    said = openness()
    if not said.is_public:
        raise Http404
    found = sustainability(clock.now().date(), said.currency)
    context = {"section": "sustainability", **context_of(found)}
    body = render_to_string("public/sustainability.html", context, request).encode()
    return cacheable(request, body, content_type=HTML)


def context_of(found: Sustainability) -> dict[str, Any]:
    return {
        "found": found,
        "last": found.last,
        "charts": _charts(found) if found.months else {},
        "months": list(reversed(found.months)),
        "growth": {"cost": _signed(found.growth.cost), "income": _signed(found.growth.income)},
    }


def _signed(percent: int | None) -> str:
    if percent is None:
        return ""
    if percent > MOST_PERCENT:
        return _("more than ten times as much")
    sign = "+" if percent > 0 else "−" if percent < 0 else ""
    return _("%(number)s %%") % {"number": f"{sign}{abs(percent)}"}


def _charts(found: Sustainability) -> dict[str, SafeString]:
    currency, shown = found.currency, found.months

    def in_words(value: float) -> str:
        return rounded(Money(round(value * 10 ** DECIMALS[currency]), currency))

    def whole(amounts: Sequence[Money]) -> list[float]:
        return [each.amount / 10 ** DECIMALS[currency] for each in amounts]

    labels = [date_format(each.month, "M Y") for each in shown]
    cover = [
        Series(_("Given in kind"), whole([each.in_kind for each in shown])),
        Series(_("From plans"), whole([each.counted for each in shown])),
        Series(_("Not covered"), whole([each.gap for each in shown])),
    ]
    growth = [
        Series(_("Costs"), whole([each.cost for each in shown])),
        Series(_("Income and gifts"), whole([each.in_kind + each.earned for each in shown])),
    ]
    told = _("What covers the costs, month by month: gifts in kind, income from plans, and what nobody covers.")
    beside = _("Costs beside income and gifts, month by month.")
    draw, every = line if len(shown) > 2 else bars, 6 if len(shown) > YEAR else 3
    return {
        "cover": stacked(Chart(label=told, labels=labels, series=cover, in_words=in_words, every=every)),
        "growth": draw(Chart(label=beside, labels=labels, series=growth, in_words=in_words, every=every)),
    }


# --- For staff --------------------------------------------------------------------------------------------------------


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def desk(request: HttpRequest) -> HttpResponse:
    """The same with what it is made of, and a form to enter more."""
    if request.method != "POST":
        return _shown(request)

    def enter(data: dict[str, Any]) -> None:
        costs.enter_cost(actor=_actor(request), cost=costs.parse_cost(**data))

    form = CostForm(request.POST)
    if submit(request, form, enter, _("Entered.")):
        return redirect("review-sustainability")
    return _shown(request, form=form, status=422)


def _shown(
    request: HttpRequest, *, form: CostForm | None = None, wrong: Sequence[str] = (), status: int = 200
) -> HttpResponse:
    said = openness()
    rows = IndexCost.objects.order_by("-month", "category", "means", "giver", "currency")[:LISTED]
    context = {
        **context_of(sustainability(clock.now().date(), said.currency)),
        "form": form or CostForm(initial={"month": f"{clock.now():%Y-%m}", "currency": said.currency}),
        "wrong": wrong,
        "columns": ",".join(costs.COLUMNS),
        "openness": said,
        "currencies": CURRENCIES,
        "rows": [(row, Money(row.amount, row.currency)) for row in rows],
    }
    return private_page(request, "billing/review_sustainability.html", context, status=status)


@act
@staff_only
def read_in(request: HttpRequest) -> HttpResponseBase:
    """A file with costs: all of it or nothing."""
    file = request.FILES.get("file")
    if file is None or (file.size or 0) > MOST_BYTES:
        messages.error(request, _("Choose a CSV file of at most 500 kB."))
        return redirect("review-sustainability")
    try:
        count = costs.import_costs(actor=_actor(request), text=file.read().decode("utf-8"))
    except UnicodeDecodeError:
        return _shown(request, wrong=[_("The file is not UTF-8.")], status=422)
    except costs.BadFile as refusal:
        return _shown(request, wrong=refusal.lines, status=422)
    except DomainError as refusal:
        return _shown(request, wrong=[refusal.message], status=422)
    messages.success(
        request, ngettext("%(count)s cost was read in.", "%(count)s costs were read in.", count) % {"count": count}
    )
    return redirect("review-sustainability")


@act
@staff_only
def remove(request: HttpRequest, cost: int) -> HttpResponseBase:
    attempt(request, lambda: costs.remove_cost(actor=_actor(request), cost=cost), _("Taken out."))
    return redirect("review-sustainability")


@act
@admins_only
def open_or_close(request: HttpRequest) -> HttpResponseBase:
    """Switch the public page on or off."""
    is_public, currency = "public" in request.POST, request.POST.get("currency", "")
    done = _("Everybody can see it now.") if is_public else _("It is for staff alone now.")
    attempt(request, lambda: costs.set_openness(actor=_actor(request), is_public=is_public, currency=currency), done)
    return redirect("review-sustainability")


def _actor(request: HttpRequest) -> Actor:
    return Actor.staff(viewer_of(request), origin=client_address(request))
