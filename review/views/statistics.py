"""The statistics of the desk, for everybody."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from freehold.access import public
from freehold.caching import cacheable
from freehold.charts import Chart, Series, bars, line, stacked
from review.statistics import Month, Statistics, Week, statistics
from review.units import HOUR, span_in_words, unit_for

HTML = "text/html; charset=utf-8"


@public
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Caches hold it for a minute; no purge reaches it sooner, for decisions are not in the feed."""
    found = statistics()
    body = render_to_string("public/statistics.html", context_of(found), request).encode()
    return cacheable(request, body, content_type=HTML)


def context_of(found: Statistics) -> dict[str, Any]:
    return {
        "section": "statistics",
        "found": found,
        "machine_percent": percent(found.decided.machine_share),
        "times": times_in_words(found),
        "months": [(month, times_of(month)) for month in reversed(found.months)],
        "weeks": list(reversed(found.weeks)),
        "charts": charts_of(found) if found.has_decided or found.queue.length else {},
    }


def percent(share: float | None) -> str:
    """Rounded down, so that only all is all; empty where nothing was decided."""
    return "" if share is None else _("%(number)d %%") % {"number": int(share * 100)}


def times_in_words(found: Statistics) -> dict[str, tuple[str, str]]:
    """The median and the 90 % by who decided, in words."""
    parts = {"all": found.decided.all, "machine": found.decided.by_machine, "people": found.decided.by_people}
    return {
        name: (span_in_words(times.median_seconds), span_in_words(times.ninetieth_seconds))
        for name, times in parts.items()
    }


def times_of(month: Month) -> dict[str, str]:
    people = month.decided.by_people
    return {
        "median": span_in_words(people.median_seconds),
        "ninetieth": span_in_words(people.ninetieth_seconds),
        "share": percent(month.decided.machine_share),
    }


def charts_of(found: Statistics) -> dict[str, SafeString]:
    return {"times": _times(found.months), "decided": _decided(found.months), "weeks": _weeks(found.weeks)}


def _times(months: tuple[Month, ...]) -> SafeString:
    medians = [month.decided.by_people.median_seconds for month in months]
    ninetieths = [month.decided.by_people.ninetieth_seconds for month in months]
    unit = unit_for(max((each for each in ninetieths if each is not None), default=HOUR))
    label = _("How long people took to decide, month by month: half of the cases, and nine in ten.")
    series = [
        Series(_("Half of them"), [_in(unit.seconds, each) for each in medians]),
        Series(_("Nine in ten"), [_in(unit.seconds, each) for each in ninetieths]),
    ]
    return bars(Chart(label=label, labels=_names(months), series=series, in_words=unit.in_words))


def _in(seconds: int, value: float | None) -> float | None:
    return None if value is None else round(value / seconds, 2)


def _decided(months: tuple[Month, ...]) -> SafeString:
    label = _("Decisions month by month: by machine, and by people.")
    series = [
        Series(_("By machine"), [month.decided.by_machine.decisions for month in months]),
        Series(_("By people"), [month.decided.by_people.decisions for month in months]),
    ]
    return stacked(Chart(label=label, labels=_names(months), series=series, in_words=_number))


def _weeks(weeks: tuple[Week, ...]) -> SafeString:
    label = _("Open cases, week by week.")
    names = [date_format(week.at, "j M") for week in weeks]
    series = [Series(_("Open cases"), [week.open for week in weeks])]
    return line(Chart(label=label, labels=names, series=series, in_words=_number))


def _names(months: tuple[Month, ...]) -> list[str]:
    return [date_format(month.month, "M Y") for month in months]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else ""
