"""Writing the ledger: an entry is put together as a draft and written once, by the name of its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Max, Sum

from billing.bookkeeping import Account, Posting, days_of_service, earned, next_month, shared_out
from billing.models import ClosedMonth, Deferral, LedgerEntry, LedgerLine, TaxRow
from billing.services.locks import Lock, lock
from orgs.models import Organization

_RECOGNITION = "recognition"
_NARRATION_LENGTH = 500


@dataclass(kw_only=True)
class Draft:
    """An entry before it is written. ``credit`` is a debit of the opposite."""

    source: str
    kind: Posting
    happened_at: datetime
    narration: str
    organization: Organization | None = None
    subject: str = ""
    reference: str = ""
    document: str = ""
    country: str = ""
    tax_id: str = ""
    tax_id_status: str = ""
    lines: Counter[tuple[Account, str, str]] = field(default_factory=Counter)
    deferrals: list[Deferral] = field(default_factory=list)
    earned: list[tuple[Deferral, int]] = field(default_factory=list)
    taxes: list[TaxRow] = field(default_factory=list)

    def debit(self, account: Account, amount: int, currency: str, jurisdiction: str = "") -> None:
        self.lines[account, currency, jurisdiction] += amount

    def credit(self, account: Account, amount: int, currency: str, jurisdiction: str = "") -> None:
        self.debit(account, -amount, currency, jurisdiction)

    def defer(self, amount: int, currency: str, start: date, end: date, line: str = "") -> None:
        """Have it earned day by day; what is negative is taken back day by day."""
        if amount:
            first, after = days_of_service(start, end)
            self.deferrals.append(
                Deferral(subject=self.subject, line=line, currency=currency, amount=amount, start=first, end=after)
            )


def is_written(source: str) -> bool:
    return LedgerEntry.objects.filter(source=source).exists()


@transaction.atomic
def write(draft: Draft) -> LedgerEntry | None:
    """The entry; None if there is one of this source already, or nothing to book."""
    lines = _lines(draft)
    if not lines or is_written(draft.source):
        return None
    organization = draft.organization
    entry, made = LedgerEntry.objects.get_or_create(
        source=draft.source,
        defaults={
            "kind": draft.kind,
            "happened_at": draft.happened_at,
            "booked_on": booking_day(draft.happened_at.date()),
            "organization": organization,
            "party": organization.display_name[:200] if organization else "",
            "subject": draft.subject,
            "reference": draft.reference,
            "document": draft.document,
            "narration": draft.narration[:_NARRATION_LENGTH],
            "country": draft.country,
            "tax_id": draft.tax_id,
            "tax_id_status": draft.tax_id_status,
        },
    )
    if not made:
        return None
    rows: list[Deferral | TaxRow | LedgerLine] = [*draft.deferrals, *draft.taxes, *lines]
    for row in rows:
        row.entry = entry
    Deferral.objects.bulk_create(draft.deferrals)
    TaxRow.objects.bulk_create(draft.taxes)
    LedgerLine.objects.bulk_create(lines)
    return entry


def _lines(draft: Draft) -> list[LedgerLine]:
    """What is zero is left out, unless all is: an invoice of nothing is an invoice."""
    kept = {key: amount for key, amount in draft.lines.items() if amount}
    if not kept and not draft.earned and draft.kind is Posting.INVOICE:
        kept = dict(draft.lines)
    lines = [
        LedgerLine(account=account, currency=currency, amount=amount, jurisdiction=jurisdiction)
        for (account, currency, jurisdiction), amount in kept.items()
    ]
    lines += [
        LedgerLine(account=Account.REVENUE, currency=deferral.currency, amount=-amount, deferral=deferral)
        for deferral, amount in draft.earned
    ]
    return lines


def booking_day(day: date) -> date:
    """The day on which something of that day is booked: a later one if its month is closed. Until the transaction ends
    no month closes."""
    _closing(exclusive=False)
    last = ClosedMonth.objects.aggregate(last=Max("month"))["last"]
    return max(day, next_month(last)) if last else day


def lock_subject(subject: str) -> None:
    """One at a time books on an invoice, until the transaction ends."""
    lock(Lock.LEDGER, subject)


def lock_recognition() -> None:
    lock_subject(_RECOGNITION)


def lock_closing() -> None:
    """Nobody books, until the transaction ends."""
    _closing(exclusive=True)


def _closing(*, exclusive: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_ledger_closing(%s)", [exclusive])


def balance(account: Account, **of: object) -> int:
    """What stands on the account, of the entries that ``of`` says: ``subject="in_1"``. They are of one currency."""
    lines = LedgerLine.objects.filter(account=account, **{f"entry__{name}": value for name, value in of.items()})
    return lines.aggregate(sum=Sum("amount"))["sum"] or 0


def take_back(draft: Draft, entries: Iterable[LedgerEntry]) -> None:
    """Have the draft undo them: what was earned until then at once, what was not as the days go by."""
    found = list(entries)
    day = draft.happened_at.date()
    for line in LedgerLine.objects.filter(entry__in=found, deferral__isnull=True):
        draft.credit(Account(line.account), line.amount, line.currency, line.jurisdiction)
    for row in Deferral.objects.filter(entry__in=found):
        done = earned(row.amount, row.start, row.end, day)
        draft.defer(-done, row.currency, day, day, row.line)
        draft.defer(done - row.amount, row.currency, max(row.start, day), row.end, row.line)
    for tax in TaxRow.objects.filter(entry__in=found):
        same = {name: getattr(tax, name) for name in ("jurisdiction", "rate", "currency", "reason")}
        draft.taxes.append(TaxRow(taxable=-tax.taxable, amount=-tax.amount, **same))


def cut_deferred(draft: Draft, amount: int, currency: str) -> int:
    """Take as much of the amount as can be from what the invoice has not earned yet, and say how much it was."""
    day = draft.happened_at.date()
    left: Counter[tuple[str, date, date]] = Counter()
    for row in Deferral.objects.filter(subject=draft.subject):
        left[row.line, max(row.start, day), row.end] += row.amount - earned(row.amount, row.start, row.end, day)
    spans = [(span, rest) for span, rest in sorted(left.items()) if rest > 0]
    cut = min(amount, left.total())  # less what a change gave back for the same days
    if cut <= 0:
        return 0
    parts = shared_out(cut, [rest for _, rest in spans])
    for ((line, start, end), _), part in zip(spans, parts, strict=True):
        draft.defer(-part, currency, start, end, line)
    draft.debit(Account.DEFERRED, cut, currency)
    return cut


def end_of_month(month: date) -> date:
    return next_month(month) - timedelta(days=1)
