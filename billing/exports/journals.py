"""The journal, as QuickBooks and Xero read it: a file for each currency, for both take a file to be of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from django.conf import settings

from billing.bookkeeping import CODES, NAMES, Account
from billing.exports.files import text
from billing.models import LedgerEntry
from billing.money import Money

QUICKBOOKS = ("Journal No.", "Journal Date", "Account Name", "Description", "Debits", "Credits", "Name")
XERO = (
    "Narration", "Date", "Description", "AccountCode", "TaxRate", "Amount",
    "TrackingName1", "TrackingOption1", "TrackingName2", "TrackingOption2",
)  # fmt: skip
XERO_LINES = 300
"""As many as Xero takes in a file."""
_UNTAXED = "Tax Exempt"
"""Tax stands in an account of its own here; Xero is not to compute it again."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one account of an entry comes to. ``note`` is the jurisdiction of tax."""

    account: Account
    amount: Money
    note: str


def by_currency(entries: Iterable[LedgerEntry]) -> dict[str, list[tuple[LedgerEntry, list[Line]]]]:
    """Every entry with what it moves in each currency. Each part balances by itself."""
    found: dict[str, list[tuple[LedgerEntry, list[Line]]]] = {}
    for entry in entries:
        for currency, lines in _lines(entry).items():
            found.setdefault(currency, []).append((entry, lines))
    return dict(sorted(found.items()))


def _lines(entry: LedgerEntry) -> dict[str, list[Line]]:
    sums: Counter[tuple[str, str, str]] = Counter()
    for line in sorted(entry.lines.all(), key=lambda each: each.pk):
        sums[line.currency, line.account, line.jurisdiction] += line.amount
    found: dict[str, list[Line]] = {}
    for (currency, account, note), amount in sums.items():
        if amount:
            found.setdefault(currency, []).append(Line(Account(account), Money(amount, currency), note))
    return found


def quickbooks(journal: Iterable[tuple[LedgerEntry, list[Line]]]) -> Iterator[list[str]]:
    """Its lines on the receivable account must name the customer."""
    for entry, lines in journal:
        for line in lines:
            debit = line.amount.written() if line.amount.amount > 0 else ""
            credit = (-line.amount).written() if line.amount.amount < 0 else ""
            name = text(entry.party) if line.account is Account.RECEIVABLE else ""
            yield [
                entry.number,
                f"{entry.booked_on:%m/%d/%Y}",
                name_of(line.account),
                _said(entry, line),
                debit,
                credit,
                name,
            ]


def xero(journal: Iterable[tuple[LedgerEntry, list[Line]]]) -> Iterator[list[list[str]]]:
    """In parts of at most 300 lines, none of which tears a journal apart."""
    part: list[list[str]] = []
    for entry, lines in journal:
        rows = [
            [
                text(f"{entry.number} {entry.narration}"),
                f"{entry.booked_on:%d/%m/%Y}",
                _said(entry, line),
                code_of(line.account),
                _UNTAXED,
                line.amount.written(),
                "",
                "",
                "",
                "",
            ]
            for line in lines
        ]
        if part and len(part) + len(rows) > XERO_LINES:
            yield part
            part = []
        part = [*part, *rows]
    if part:
        yield part


def _said(entry: LedgerEntry, line: Line) -> str:
    late = f"of {_day(entry)}" if entry.is_late else ""
    return text(" · ".join(filter(None, (entry.narration, entry.party, line.note, late))))


def _day(entry: LedgerEntry) -> date:
    return entry.happened_at.date()


def code_of(account: Account) -> str:
    return str(settings.FREEHOLD_ACCOUNTS.get(account, {}).get("code") or CODES[account])


def name_of(account: Account) -> str:
    return str(settings.FREEHOLD_ACCOUNTS.get(account, {}).get("name") or NAMES[account])
