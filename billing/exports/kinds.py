"""Which exports there are, and the files of each for a month."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.bookkeeping import month_of
from billing.exports import journals, registers
from billing.exports.files import File, name_of, table
from billing.models import ClosedMonth, LedgerEntry
from billing.reports.balances import entries_of


class Export(models.TextChoices):
    QUICKBOOKS = "quickbooks", _("Journal for QuickBooks")
    XERO = "xero", _("Journal for Xero")
    INVOICES = "invoices", _("Invoices and credit notes")
    TAXES = "taxes", _("Tax by jurisdiction")
    PAYOUTS = "payouts", _("Payouts")
    BALANCES = "balances", _("Trial balance")


Named = Iterator[tuple[str, bytes]]


def files_of(export: Export, month: date) -> list[File]:
    """Of a closed month the same bytes every time. At least one, if only with a header."""
    is_closed = ClosedMonth.objects.filter(month__gte=month_of(month)).exists()
    entries = list(entries_of(month).order_by("booked_on", "pk"))
    found = dict(_MAKERS[export](export.value, entries, month))
    return [File(name_of(month, what, is_closed=is_closed), content) for what, content in found.items()]


def _quickbooks(what: str, entries: Iterable[LedgerEntry], month: date) -> Named:
    found = journals.by_currency(entries)
    for currency, journal in found.items():
        yield f"{what}-{currency}", table(journals.QUICKBOOKS, journals.quickbooks(journal))
    if not found:
        yield what, table(journals.QUICKBOOKS, ())


def _xero(what: str, entries: Iterable[LedgerEntry], month: date) -> Named:
    found = journals.by_currency(entries)
    for currency, journal in found.items():
        for number, part in enumerate(journals.xero(journal), 1):
            yield f"{what}-{currency}-{number}", table(journals.XERO, part)
    if not found:
        yield what, table(journals.XERO, ())


def _invoices(what: str, entries: Iterable[LedgerEntry], month: date) -> Named:
    yield what, table(registers.INVOICES, registers.invoices(entries))


def _taxes(what: str, entries: Iterable[LedgerEntry], month: date) -> Named:
    yield what, table(registers.TAXES, registers.taxes(entries))


def _payouts(what: str, entries: Iterable[LedgerEntry], month: date) -> Named:
    yield what, table(registers.PAYOUTS, registers.payouts(entries))


def _balances(what: str, entries: Iterable[LedgerEntry], month: date) -> Named:
    yield what, table(registers.BALANCES, registers.balances(month))


_MAKERS: dict[Export, Callable[[str, Iterable[LedgerEntry], date], Named]] = {
    Export.QUICKBOOKS: _quickbooks,
    Export.XERO: _xero,
    Export.INVOICES: _invoices,
    Export.TAXES: _taxes,
    Export.PAYOUTS: _payouts,
    Export.BALANCES: _balances,
}
