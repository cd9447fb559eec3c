"""Billing at the review desk: recurring revenue by currency and month, as tables and charts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.formats import date_format, number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import staff_only
from billing import clock
from billing.money import DECIMALS, Money, decimals
from billing.reports.recurring import MonthRow, Revenue, revenue
from freehold.charts import Chart, Series, bars, line
from freehold.pages import private_page


@dataclass(frozen=True, slots=True)
class Row:
    """A month, with its percentages in words, empty where there is nothing to reckon them from."""

    month: MonthRow
    growth: str
    churn: str


@staff_only
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """One currency at a time: that in which most is billed, unless another is asked for."""
    found = {one.currency: one for one in revenue(clock.now())}
    chosen = request.GET.get("currency", "")
    if chosen and chosen not in DECIMALS:
        raise Http404
    largest = max(found, key=lambda currency: (found[currency].now.customers, currency), default="")
    shown = found.get(chosen or largest)
    context = {
        "currencies": list(found),
        "shown": shown,
        "rows": [_row(month) for month in reversed(shown.months)] if shown else [],
        "now": _row(shown.months[-1]) if shown else None,
        "charts": _charts(shown) if shown else {},
    }
    return private_page(request, "billing/desk/revenue.html", context)


def _row(month: MonthRow) -> Row:
    return Row(month, _percent(month.movement.growth, signed=True), _percent(month.movement.churn))


def _percent(share: Decimal | None, *, signed: bool = False) -> str:
    if share is None:
        return ""
    sign = "−" if share < 0 else "+" if signed and share > 0 else ""
    return _("%(number)s %%") % {"number": sign + number_format(abs(share), 1, use_l10n=True)}


def _charts(shown: Revenue) -> dict[str, SafeString]:
    names = [date_format(row.month, "M Y") for row in shown.months]
    moved = [row.movement for row in shown.months]
    code = {"currency": shown.currency.upper()}
    recurring = Chart(
        label=_("Recurring revenue a month in %(currency)s, at the end of each month.") % code,
        labels=names,
        series=[Series(_("Recurring revenue"), [_units(one.closing) for one in moved])],
        in_words=_number,
    )
    changes = Chart(
        label=_("What recurring revenue gained and lost in each month, in %(currency)s.") % code,
        labels=names,
        series=[
            Series(_("Gained"), [_units(one.gained) for one in moved]),
            Series(_("Lost"), [_units(one.gone) for one in moved]),
        ],
        in_words=_number,
    )
    return {"recurring": line(recurring), "changes": bars(changes)}


def _units(money: Money) -> float:
    """In whole units of the currency: a chart is for looks, and the table beside it for sums."""
    return float(Decimal(money.amount).scaleb(-decimals(money.currency)))


def _number(value: float) -> str:
    return number_format(value, 0 if value == int(value) else 2, use_l10n=True, force_grouping=True)
