"""The public page of prices, with its calculator."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from billing import sums, tiers
from billing.money import Money
from billing.vocabulary import Interval, Tier
from freehold.access import public
from namespaces.views.public import page

FIRST = {"seats": 3, "roots": 1, "currency": tiers.CURRENCIES[0], "interval": Interval.MONTH.value}
"""What is reckoned before anything was typed."""
IN_PLACE = {
    "hx-get": reverse_lazy("prices"),
    "hx-include": "closest form",
    "hx-target": "#offers",
    "hx-select": "#offers",
    "hx-swap": "outerHTML",
    "hx-push-url": "true",
}
"""With JavaScript the answer follows what is typed. It is cut out of the whole page, so that caches hold one answer."""
TYPED = IN_PLACE | {"hx-trigger": "input changed delay:300ms"}
CHOSEN = IN_PLACE | {"hx-trigger": "change"}


class CalculatorForm(forms.Form):
    is_filter = True

    seats = forms.IntegerField(
        label=_("People"), min_value=1, max_value=sums.MOST_SEATS, widget=forms.NumberInput(attrs=TYPED)
    )
    roots = forms.IntegerField(
        label=_("Namespaces"), min_value=0, max_value=sums.MOST_ROOTS, widget=forms.NumberInput(attrs=TYPED)
    )
    currency = forms.ChoiceField(
        label=_("Currency"),
        choices=[(currency, currency.upper()) for currency in tiers.CURRENCIES],
        widget=forms.Select(attrs=CHOSEN),
    )
    interval = forms.ChoiceField(label=_("Paid"), choices=Interval.choices, widget=forms.Select(attrs=CHOSEN))


@public
@require_safe
def prices(request: HttpRequest) -> HttpResponse:
    """``seats``, ``roots``, ``currency`` and ``interval`` are reckoned; what is left out is as at first."""
    form = CalculatorForm({**FIRST, **{key: value for key in FIRST if (value := request.GET.get(key))}})
    asked = form.cleaned_data if form.is_valid() else FIRST
    return page(request, "billing/prices.html", {"section": "prices", "form": form, **_answer(asked)})


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    interval, served = Interval(asked["interval"]), dict(settings.FREEHOLD_STRIPE.served)
    found = sums.offers(seats=asked["seats"], roots=asked["roots"], currency=asked["currency"], interval=interval)
    return {
        "asked": asked,
        "interval": interval,
        "offers": found,
        "rows": rows(asked["currency"], interval),
        "community": tiers.terms_of(Tier.COMMUNITY),
        "enterprise": tiers.terms_of(Tier.ENTERPRISE),
        "contact": settings.FREEHOLD_SELLER.email,
        "gigabyte": Money(served[asked["currency"]], asked["currency"]) if asked["currency"] in served else None,
    }


def rows(currency: str, interval: Interval) -> list[dict[str, Any]]:
    """What each tier costs by the piece; None where there is no price."""
    return [
        {
            "terms": terms,
            "seat": tiers.price(terms.seat[currency], currency, interval) if terms.is_sold else None,
            "root": tiers.price(terms.root[currency], currency, interval) if terms.is_sold else None,
            "is_free": terms.tier is Tier.COMMUNITY,
        }
        for terms in tiers.TIERS
    ]
