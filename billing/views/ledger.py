"""The ledger, for the staff who run Freehold: what stands in it, what is booked, and files for accountants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import admins_only, viewer_of
from billing.bookkeeping import Account
from billing.exports.files import in_one
from billing.exports.kinds import Export, files_of
from billing.models import LedgerEntry, LedgerLine
from billing.money import DECIMALS, Money
from billing.reports.balances import Month, booked_months, entries_of, trial_balance
from billing.services.balancing import last_balanced
from billing.services.periods import can_close_month, close_month
from billing.services.recognition import last_finished_month
from freehold.access import act
from freehold.origin import client_address
from freehold.pages import PRIVATE, private_page
from orgs.actors import Actor
from orgs.views.shell import attempt

PER_PAGE = 50
_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Download:
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Sides:
    """A line of an entry, its amount on one of the two sides."""

    account: str
    debit: Money | None
    credit: Money | None


@admins_only
@require_safe
def ledger(request: HttpRequest) -> HttpResponse:
    """A month, the last one with entries unless another is asked for."""
    known = booked_months()
    newest = known[0].month if known else last_finished_month()
    month = _wanted(request.GET.get("month", ""), newest)
    context = {
        "month": month,
        "months": known or [Month(month=month, is_closed=False)],
        "totals": trial_balance(month),
        "downloads": _downloads(month),
        "balanced": last_balanced(),
        "refusal": can_close_month(month, _actor(request)).reason,
        "is_closed": any(each.is_closed for each in known if each.month == month),
    }
    return private_page(request, "billing/ledger.html", context)


def _wanted(text: str, default: date) -> date:
    """The month that an address names; raises ``Http404`` for what is none."""
    if not text:
        return default
    if not (found := _MONTH.fullmatch(text)):
        raise Http404
    return date(int(found[1]), int(found[2]), 1)


def _downloads(month: date) -> list[Download]:
    address = reverse("ledger-export")
    query = f"month={month:%Y-%m}&kind="
    return [Download(str(export.label), f"{address}?{query}{export.value}") for export in Export]


@admins_only
@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """What an accountant asks for of a month; the trial balance, unless something else is asked for. Several files come
    in one archive."""
    month = _wanted(request.GET.get("month", ""), last_finished_month())
    kind = request.GET.get("kind") or Export.BALANCES.value
    if kind not in Export.values:
        raise Http404
    file = in_one(files_of(Export(kind), month), f"freehold-{month:%Y-%m}-{kind}.zip")
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "Cache-Control": PRIVATE}
    return HttpResponse(file.content, content_type=file.content_type, headers=headers)


@admins_only
@require_safe
def entries(request: HttpRequest) -> HttpResponse:
    """What is booked in a month, on one account if it is named."""
    month = _wanted(request.GET.get("month", ""), last_finished_month())
    account, currency = request.GET.get("account", ""), request.GET.get("currency", "")
    if (account and account not in Account.values) or (currency and currency not in DECIMALS):
        raise Http404
    page = Paginator(entries_of(month, account, currency), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "month": month,
        "account": Account(account).label if account else "",
        "page": page,
        "numbers": list(page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)),
        "rows": [(entry, _sides(entry)) for entry in page.object_list],
    }
    return private_page(request, "billing/ledger_entries.html", context)


def _sides(entry: LedgerEntry) -> list[Sides]:
    return [_side(line) for line in sorted(entry.lines.all(), key=lambda line: (line.amount < 0, line.pk))]


def _side(line: LedgerLine) -> Sides:
    amount = Money(abs(line.amount), line.currency)
    debit, credit = (amount, None) if line.amount >= 0 else (None, amount)
    name = Account(line.account).label
    return Sides(f"{name} ({line.jurisdiction})" if line.jurisdiction else str(name), debit, credit)


@act
@admins_only
def close(request: HttpRequest) -> HttpResponseBase:
    month = _wanted(request.POST.get("month", ""), last_finished_month())
    if "sure" in request.POST:
        done = _("%(month)s is closed.") % {"month": f"{month:%Y-%m}"}
        attempt(request, lambda: close_month(actor=_actor(request), month=month), done)
    else:
        messages.error(request, _("Tick the box to close the month: it can’t be undone."))
    return redirect(f"{reverse('ledger')}?{urlencode({'month': f'{month:%Y-%m}'})}")


def _actor(request: HttpRequest) -> Actor:
    return Actor.staff(viewer_of(request), origin=client_address(request))
