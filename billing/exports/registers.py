"""Registers: invoices with their tax ids, tax by jurisdiction, payouts, and the accounts. All from the ledger, so that
what changes elsewhere later, a name or a status, changes none of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date

from billing.bookkeeping import Account, Posting
from billing.exports.files import text
from billing.exports.journals import code_of, name_of
from billing.models import LedgerEntry, TaxRow
from billing.money import Money
from billing.reports.balances import trial_balance

INVOICES = (
    "Date", "Booked", "Number", "Kind", "Invoice", "Customer", "Country", "Tax ID", "Tax ID Status",
    "Currency", "Net", "Tax", "Total",
)  # fmt: skip
TAXES = ("Jurisdiction", "Rate", "Reason", "Currency", "Documents", "Taxable", "Tax")
PAYOUTS = ("Date", "Payout", "Kind", "Currency", "Amount")
BALANCES = ("Code", "Account", "Currency", "Opening", "Debits", "Credits", "Closing")
DOCUMENTS = (Posting.INVOICE, Posting.VOID, Posting.CREDIT_NOTE, Posting.CREDIT_NOTE_VOID)
_EARNED = frozenset({Account.DEFERRED, Account.REVENUE})


def invoices(entries: Iterable[LedgerEntry]) -> Iterator[list[str]]:
    """Every document, with what it changed: a credit note is below zero, and so is an invoice declared void."""
    for entry in entries:
        if entry.kind in DOCUMENTS:
            yield _document(entry)


def _document(entry: LedgerEntry) -> list[str]:
    lines = list(entry.lines.all())
    currency = lines[0].currency
    net = -sum(line.amount for line in lines if line.account in _EARNED)
    tax = -sum(line.amount for line in lines if line.account == Account.TAX)
    return [
        entry.happened_at.date().isoformat(),
        entry.booked_on.isoformat(),
        text(entry.document),
        entry.kind,
        entry.subject,
        text(entry.party),
        entry.country,
        text(entry.tax_id),
        entry.tax_id_status,
        currency.upper(),
        *(Money(amount, currency).written() for amount in (net, tax, net + tax)),
    ]


def taxes(entries: Iterable[LedgerEntry]) -> Iterator[list[str]]:
    """What is zero too: a reverse charge is reported where it is not paid."""
    sums: dict[tuple[str, str, str, str], Counter[str]] = {}
    for row in TaxRow.objects.filter(entry__in=[entry.pk for entry in entries]):
        found = sums.setdefault((row.jurisdiction, row.rate, row.reason, row.currency), Counter())
        found.update(documents=1, taxable=row.taxable, tax=row.amount)
    for (jurisdiction, rate, reason, currency), found in sorted(sums.items()):
        amounts = [Money(found[name], currency).written() for name in ("taxable", "tax")]
        yield [text(jurisdiction), rate, reason, currency.upper(), str(found["documents"]), *amounts]


def payouts(entries: Iterable[LedgerEntry]) -> Iterator[list[str]]:
    """What Stripe sent to the bank; below zero what came back."""
    for entry in entries:
        if entry.kind == Posting.PAYOUT:
            for line in entry.lines.all():
                if line.account == Account.BANK:
                    amount = Money(line.amount, line.currency).written()
                    yield [
                        entry.booked_on.isoformat(),
                        entry.reference,
                        text(entry.narration),
                        line.currency.upper(),
                        amount,
                    ]


def balances(month: date) -> Iterator[list[str]]:
    for totals in trial_balance(month):
        for row in totals.rows:
            amounts = [each.written() for each in (row.opening, row.debits, row.credits, row.closing)]
            yield [code_of(row.account), name_of(row.account), totals.currency.upper(), *amounts]
