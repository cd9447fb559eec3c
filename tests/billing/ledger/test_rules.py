"""What the database holds the ledger to, whoever writes to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from billing.bookkeeping import Account, Posting
from billing.models import ClosedMonth, Deferral, LedgerEntry, LedgerLine, TaxRow
from billing.services.entries import Draft, write
from billing.services.periods import NotClosable, can_close_month, close_month
from billing.services.recognition import last_finished_month
from freehold.errors import NotPermitted
from orgs.actors import Actor
from tests import factories
from tests.billing.ledger.made import day
from tests.concurrency import all_at_once, one_behind_the_other
from tests.dump import nothing_changes

pytestmark = pytest.mark.django_db
OPERATOR = Actor.operator()
ROWS = {"currency": "eur"}


def entry(source: str = "made:1", booked_on: date = date(2026, 1, 2)) -> LedgerEntry:
    return LedgerEntry.objects.create(
        source=source, kind=Posting.OTHER, happened_at=day(1, 2), booked_on=booked_on, narration="Made."
    )


def line(of: LedgerEntry, account: Account, amount: int, currency: str = "eur") -> LedgerLine:
    return LedgerLine.objects.create(entry=of, account=account, amount=amount, currency=currency)


def draft(source: str = "made:1", amount: int = 100, at: Any = None) -> Draft:
    made = Draft(source=source, kind=Posting.OTHER, happened_at=at or day(1, 2), narration="Made.")
    made.debit(Account.BANK, amount, "eur")
    made.credit(Account.CLEARING, amount, "eur")
    return made


def unbalanced() -> None:
    made = entry()
    line(made, Account.BANK, 100)
    line(made, Account.CLEARING, -99)


def unbalanced_by_currency() -> None:
    made = entry()
    line(made, Account.BANK, 100)
    line(made, Account.CLEARING, -100, "usd")


def one_sided() -> None:
    line(entry(), Account.BANK, 0)


@transaction.atomic
def sealed(act: Callable[[], object]) -> None:
    act()
    factories.seal()


@pytest.mark.parametrize("wrong", [unbalanced, unbalanced_by_currency, one_sided, entry])
def test_debits_equal_credits_in_every_currency(wrong: Callable[[], object]) -> None:
    with nothing_changes(), pytest.raises(IntegrityError, match="not the same"):
        sealed(wrong)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_added_to_an_entry_later() -> None:
    made = write(draft())
    assert made is not None
    span = {"start": date(2026, 1, 1), "end": date(2026, 2, 1)}
    for add in (
        lambda: [line(made, Account.FEES, 1), line(made, Account.BANK, -1)],
        lambda: Deferral.objects.create(entry=made, amount=1, **span, **ROWS),
        lambda: TaxRow.objects.create(entry=made, taxable=1, amount=1, **ROWS),
    ):
        with nothing_changes(), pytest.raises(IntegrityError, match="written whole"), transaction.atomic():
            add()


@pytest.mark.parametrize("table", ["ledgerentry", "ledgerline", "deferral", "taxrow", "closedmonth"])
def test_nothing_is_changed_or_taken_out(table: str) -> None:
    made = draft()
    made.defer(100, "eur", date(2026, 1, 1), date(2026, 2, 1))
    made.taxes.append(TaxRow(taxable=1, amount=0, **ROWS))
    write(made)
    ClosedMonth.objects.create(month=date(2025, 12, 1), closed_by="somebody")
    factories.seal()
    connection.cursor().execute("SET LOCAL freehold.allow_truncate = off")
    for statement in (
        f"UPDATE billing_{table} SET id = id + 1",
        f"DELETE FROM billing_{table}",
        f"TRUNCATE billing_{table} CASCADE",
    ):
        with nothing_changes(), pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            connection.cursor().execute(statement)


@pytest.mark.django_db(transaction=True)
def test_what_two_workers_see_at_once_is_booked_once() -> None:
    assert all_at_once(*[lambda: write(draft())] * 4) == ["done"] * 4
    assert LedgerEntry.objects.count() == 1 and LedgerLine.objects.count() == 2


class TestMonths:
    def test_a_closed_one_takes_nothing(self) -> None:
        close_month(actor=OPERATOR, month=date(2026, 1, 1))
        for booked_on in (date(2026, 1, 31), date(2025, 6, 1)):
            with nothing_changes(), pytest.raises(IntegrityError, match="closed"), transaction.atomic():
                entry(booked_on=booked_on)

    def test_what_comes_late_goes_to_the_first_that_is_open(self) -> None:
        close_month(actor=OPERATOR, month=date(2026, 1, 1))
        late, in_time = write(draft()), write(draft("made:2", at=day(2, 3)))
        assert late is not None and in_time is not None
        assert (late.booked_on, late.happened_at, late.is_late) == (date(2026, 2, 1), day(1, 2), True)
        assert (in_time.booked_on, in_time.is_late) == (date(2026, 2, 3), False)

    def test_they_are_closed_in_order_and_once(self) -> None:
        close_month(actor=OPERATOR, month=date(2026, 1, 1))
        for month in (date(2026, 1, 1), date(2026, 3, 1), date(2025, 12, 1)):
            with pytest.raises(NotClosable, match="the next one is 2026-02"):
                close_month(actor=OPERATOR, month=month)
            with nothing_changes(), pytest.raises(IntegrityError), transaction.atomic():
                ClosedMonth.objects.create(month=month, closed_by="x")
        close_month(actor=OPERATOR, month=date(2026, 2, 1))

    def test_one_that_is_not_over_is_not_closed(self) -> None:
        assert not can_close_month(timezone.now().date(), OPERATOR)
        assert can_close_month(last_finished_month(), OPERATOR)

    def test_by_staff_alone(self) -> None:
        with pytest.raises(NotPermitted):
            close_month(actor=Actor.person(factories.user()), month=date(2026, 1, 1))


@pytest.mark.django_db(transaction=True)
class TestClosingWhileSomebodyBooks:
    """Either is first, and the other waits for it: nothing gets into a month that is closed."""

    def test_who_closes_waits_for_who_books(self) -> None:
        assert one_behind_the_other(lambda: write(draft()), self.close) == ("done", "done")
        assert LedgerEntry.objects.get().booked_on == date(2026, 1, 2)

    def test_who_books_waits_for_who_closes(self) -> None:
        assert one_behind_the_other(self.close, lambda: write(draft())) == ("done", "done")
        assert LedgerEntry.objects.get().booked_on == date(2026, 2, 1)

    def close(self) -> None:
        close_month(actor=OPERATOR, month=date(2026, 1, 1))
