"""What is asked of who buys."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from billing import tiers
from billing.money import Money, parse
from billing.selectors.buying import SOLD, Use
from billing.services.purchases import Order
from billing.services.quotes import ADDRESS_FIELDS, Billed
from billing.sums import MOST_ROOTS, MOST_SEATS
from billing.views.countries import COUNTRIES
from billing.vocabulary import Interval, Method, Tier

FIRST = {"tier": Tier.TEAM, "interval": Interval.MONTH, "currency": tiers.CURRENCIES[0], "method": Method.CARD}
_NUMBER = {"inputmode": "numeric"}
_LIMITS = {"min_value": _("At least %(limit_value)s."), "max_value": _("At most %(limit_value)s.")}


class OrderForm(forms.Form):
    """What of what, for how long, and how it is paid."""

    tier = forms.ChoiceField(
        label=_("Plan"),
        choices=[(tier.value, tier.label) for tier in SOLD],
        error_messages={"required": _("Choose a plan."), "invalid_choice": _("Choose a plan.")},
    )
    seats = forms.IntegerField(
        label=_("People"),
        min_value=1,
        max_value=MOST_SEATS,
        error_messages=_LIMITS,
        widget=forms.NumberInput(attrs=_NUMBER),
    )
    roots = forms.IntegerField(
        label=_("Namespaces"),
        min_value=0,
        max_value=MOST_ROOTS,
        error_messages=_LIMITS,
        widget=forms.NumberInput(attrs=_NUMBER),
    )
    interval = forms.ChoiceField(label=_("Paid"), choices=Interval.choices)
    currency = forms.ChoiceField(
        label=_("Currency"), choices=[(currency, currency.upper()) for currency in tiers.CURRENCIES]
    )
    method = forms.ChoiceField(label=_("How to pay"), choices=Method.choices)

    @staticmethod
    def start(asked: QueryDict, use: Use, currency: str = "") -> dict[str, Any]:
        """What the address asks for, and what the organization needs where it asks for nothing; in the ``currency`` in
        which it is billed, if it ever was."""
        needed = {**FIRST, "seats": use.seats, "roots": max(1, use.roots)}
        needed["currency"] = currency or needed["currency"]
        typed = {name: asked.get(name, "")[:40] for name in needed}
        return {name: typed[name] or needed[name] for name in needed}

    def order(self) -> Order:
        return order_of(self.cleaned_data)


def order_of(data: dict[str, Any]) -> Order:
    return Order(
        tier=Tier(data["tier"]),
        interval=Interval(data["interval"]),
        currency=data["currency"],
        seats=data["seats"],
        roots=data["roots"],
    )


class BilledForm(forms.Form):
    """To whom the invoice is made out."""

    name = forms.CharField(
        label=_("Name on the invoice"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    email = forms.EmailField(
        label=_("Send invoices to"),
        help_text=_("Often an address of its own, such as accounts@acme.example."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    line1 = forms.CharField(
        label=_("Street"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "address-line1"})
    )
    line2 = forms.CharField(
        label=_("Further line"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "address-line2"}),
    )
    postal_code = forms.CharField(
        label=_("Postal code"),
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "postal-code"}),
    )
    city = forms.CharField(
        label=_("City"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "address-level2"})
    )
    state = forms.CharField(
        label=_("State or province"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "address-level1"}),
    )
    country = forms.ChoiceField(
        label=_("Country"), choices=COUNTRIES, widget=forms.Select(attrs={"autocomplete": "country"})
    )

    tax_id = forms.CharField(
        label=_("VAT or tax number"),
        max_length=40,
        required=False,
        help_text=_("Such as DE123456789. Stands on the quote and on every invoice, and decides whether tax is added."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )

    def billed(self) -> Billed:
        data = self.cleaned_data
        address = {field: data[field] for field in ADDRESS_FIELDS}
        return Billed(name=data["name"], email=data["email"], address=address, tax_id=data["tax_id"])


class PurchaseOrderForm(forms.Form):
    purchase_order = forms.CharField(
        label=_("Your purchase-order number"),
        max_length=30,
        required=False,
        help_text=_("Stands on every invoice. Leave it empty if you have none."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    begin_now = forms.BooleanField(
        label=_("Ask to begin before the money is there"),
        required=False,
        help_text=_("Somebody looks at your order, most often within a working day, and lets your namespaces begin."),
    )


class WireForm(forms.Form):
    """What a bank statement says."""

    amount = forms.CharField(label=_("Amount"), max_length=20, widget=forms.TextInput(attrs={"inputmode": "decimal"}))
    reference = forms.CharField(
        label=_("Reference at the bank"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    received_on = forms.DateField(label=_("Received"), widget=forms.DateInput(attrs={"type": "date"}))
    is_enough = forms.BooleanField(
        label=_("It is enough, even if a little is missing"),
        required=False,
        help_text=_("Such as what a bank kept for itself. The invoice counts as paid."),
    )

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency

    def clean_amount(self) -> Money:
        try:
            return parse(self.cleaned_data["amount"], self.currency)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class AllowanceForm(forms.Form):
    """What staff proposes to grant by hand."""

    organization = forms.CharField(
        label=_("Short name of the organization"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
    )
    seats = forms.IntegerField(label=_("People"), min_value=1, max_value=MOST_SEATS)
    roots = forms.IntegerField(label=_("Namespaces"), min_value=0, max_value=MOST_ROOTS)
    days = forms.IntegerField(label=_("Days"), min_value=1, max_value=400)
    reason = forms.CharField(label=_("Why"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
