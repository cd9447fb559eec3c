"""``/demo/dns/``: the DNS settings of every domain, as a registrar's panel would show those of one.

There is no such page in production (``freehold/urls.py``).
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods

from freehold.access import act, public
from freehold.demo import records
from freehold.outgoing import names
from freehold.outgoing.errors import Refused
from freehold.pages import private_page

VALUE_LENGTH = 500


class RecordForm(forms.Form):
    name = forms.CharField(
        label=lazy("Name"),
        max_length=1000,
        help_text=lazy("The whole name, such as _freehold.acme.example."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )
    value = forms.CharField(
        label=lazy("Value"),
        max_length=VALUE_LENGTH,
        strip=False,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_name(self) -> str:
        try:
            return names.encode(str(self.cleaned_data["name"]))
        except Refused as error:
            raise forms.ValidationError(error.message) from error


@public
@require_http_methods(["GET", "HEAD", "POST"])
def dns(request: HttpRequest) -> HttpResponse:
    """Show all records, and add one."""
    posted = RecordForm(request.POST)
    if request.method == "POST" and posted.is_valid():
        return _publish(request, posted)
    form = posted if request.method == "POST" else RecordForm(initial=request.GET.dict())
    return private_page(request, "demo/dns.html", _context(form), status=422 if form.is_bound else 200)


def _publish(request: HttpRequest, form: RecordForm) -> HttpResponse:
    try:
        records.publish(settings.FREEHOLD_DEMO_DNS, form.cleaned_data["name"], form.cleaned_data["value"])
    except records.Full as error:
        form.add_error(None, str(error))
        return private_page(request, "demo/dns.html", _context(form), status=422)
    messages.success(request, _("The record is published."))
    return redirect("demo-dns")


@act
@public
def dns_remove(request: HttpRequest) -> HttpResponse:
    records.remove(settings.FREEHOLD_DEMO_DNS, request.POST.get("name", ""), request.POST.get("value", ""))
    messages.success(request, _("The record is removed."))
    return redirect("demo-dns")


def _context(form: forms.Form) -> dict[str, Any]:
    found = records.read(settings.FREEHOLD_DEMO_DNS)
    rows = [{"name": name, "value": value} for name in sorted(found) for value in found[name]]
    return {"form": form, "rows": rows, "is_used": bool(settings.FREEHOLD_DNS_SERVERS)}
