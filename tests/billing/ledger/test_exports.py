"""Files for accountants: balanced, the same bytes again, and nothing in them that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import override_settings

from billing.bookkeeping import Account, Posting
from billing.exports.files import File, in_one, text
from billing.exports.journals import XERO_LINES
from billing.exports.kinds import Export, files_of
from billing.gateway.objects import TaxLine
from billing.reports.balances import trial_balance
from billing.services.entries import Draft, write
from billing.services.periods import close_month
from billing.services.postings import Matter, post_credit_note, post_invoice, post_transaction
from freehold import ledger_settings
from orgs.actors import Actor
from orgs.models import Organization
from tests import factories
from tests.billing.ledger import made
from tests.billing.ledger.made import day, movement

pytestmark = pytest.mark.django_db
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
Table = list[dict[str, str]]


@pytest.fixture
def acme() -> Organization:
    """Whoever chose its name would like it to be run."""
    organization = factories.organization("acme")
    Organization.objects.update(display_name="=HYPERLINK(1)")
    organization.refresh_from_db()
    return organization


@pytest.fixture
def booked(acme: Organization) -> Organization:
    """An invoice with tax, paid and partly credited, and a payout."""
    raw = {"ending_balance": 0, "customer_address": {"country": "DE"}, "customer_tax_ids": [{"value": "DE1"}]}
    post_invoice(invoice=made.invoice(raw=raw), organization=acme)
    reverse = [TaxLine(jurisdiction="FR", rate="0", taxable=5_000, amount=0, reason="reverse_charge")]
    post_invoice(invoice=made.invoice([made.line(5_000)], reverse, id="in_2", number="FH-2"), organization=acme)
    matter = Matter(organization=acme, subject="in_1", reference="ch_1", document="FH-0001")
    post_transaction(movement=movement("charge", 43_435, 1_290), matter=matter)
    post_credit_note(note=made.note(1_190, 190, created=day(1, 20)), organization=acme)
    post_transaction(movement=movement("payout", -42_145, source="po_1", created=day(1, 5)), matter=Matter())
    return acme


def read(export: Export, month: date = JANUARY) -> Table:
    return [row for file in files_of(export, month) for row in csv.DictReader(io.StringIO(file.content.decode()))]


def test_scenario_57_an_export_is_the_same_bytes_again(booked: Organization) -> None:
    """Whatever has changed since but the ledger; and what comes late is in the month after."""
    close_month(actor=Actor.operator(), month=JANUARY)
    before = {export: files_of(export, JANUARY) for export in Export}
    Organization.objects.update(name="other", display_name="Other")
    late = made.invoice([made.line(700, name="il_9")], (), id="in_9", number="FH-9", finalized_at=day(1, 31))
    post_invoice(invoice=late, organization=booked)
    assert {export: files_of(export, JANUARY) for export in Export} == before
    assert [row["Booked"] for row in read(Export.INVOICES, FEBRUARY) if row["Invoice"] == "in_9"] == ["2026-02-01"]
    said = [row["Description"] for row in read(Export.QUICKBOOKS, FEBRUARY)]
    assert any("of 2026-01-31" in each for each in said)
    assert {"preliminary" in file.name for file in files_of(Export.XERO, FEBRUARY)} == {True}
    assert {"preliminary" in file.name for file in files_of(Export.XERO, JANUARY)} == {False}


@pytest.mark.parametrize("start", ["=1", "+1", "-1", "@A1", "\t=1", "\r1", "\n=1", " =1", "＝1"])
def test_scenario_57_no_cell_is_a_formula(start: str) -> None:
    assert text(start) == f"'{start}"
    assert text(f"a{start}") == f"a{start}"


def test_scenario_57_not_even_by_a_name(booked: Organization) -> None:
    for export in Export:
        for row in read(export):
            for name, cell in row.items():
                is_number = name in {
                    "Amount",
                    "Net",
                    "Tax",
                    "Total",
                    "Taxable",
                    "Opening",
                    "Debits",
                    "Credits",
                    "Closing",
                }
                assert is_number or not cell.startswith(("=", "+", "-", "@")), (name, cell)
    assert "'=HYPERLINK(1)" in {row["Customer"] for row in read(Export.INVOICES)}


def test_quickbooks(booked: Organization) -> None:
    found = read(Export.QUICKBOOKS)
    sums: Counter[str] = Counter()
    for row in found:
        sums[row["Journal No."]] += int(Decimal(row["Debits"] or 0) * 100) - int(Decimal(row["Credits"] or 0) * 100)
        assert bool(row["Debits"]) != bool(row["Credits"])
        assert bool(row["Name"]) == (row["Account Name"] == "Accounts Receivable")
    assert len(sums) == 5 and set(sums.values()) == {0}
    assert found[0]["Journal Date"] == "01/01/2026"


def test_xero_takes_300_lines_a_file_and_whole_journals(booked: Organization) -> None:
    for number in range(70):
        draft = Draft(source=f"x:{number}", kind=Posting.OTHER, happened_at=day(1, 7), narration="Many")
        for account in (Account.FEES, Account.BAD_DEBT, Account.DISPUTE_LOSSES, Account.SHORTFALLS):
            draft.debit(account, 1, "eur")
            draft.credit(Account.BANK, 1, "eur")
        write(draft)
    parts = [list(csv.DictReader(io.StringIO(file.content.decode()))) for file in files_of(Export.XERO, JANUARY)]
    assert len(parts) == 2
    for part in parts:
        assert len(part) <= XERO_LINES
        assert sum(Decimal(row["Amount"]) for row in part) == 0
    assert parts[0][0]["Date"] == "01/01/2026" and parts[0][0]["AccountCode"] == "610"


def test_the_register_adds_up_to_the_books(booked: Organization) -> None:
    found = read(Export.INVOICES)
    assert [(row["Number"], row["Net"], row["Tax"], row["Total"], row["Tax ID"]) for row in found] == [
        ("FH-0001", "365.00", "69.35", "434.35", "DE1"),
        ("FH-2", "50.00", "0.00", "50.00", ""),
        ("FH-0001-CN-01", "-10.00", "-1.90", "-11.90", "DE1"),
    ]


def test_tax_by_jurisdiction_has_what_is_zero_too(booked: Organization) -> None:
    assert [tuple(row.values()) for row in read(Export.TAXES)] == [
        ("DE", "19", "standard_rated", "EUR", "2", "355.00", "67.45"),
        ("FR", "0", "reverse_charge", "EUR", "1", "50.00", "0.00"),
    ]


def test_payouts(booked: Organization) -> None:
    assert [(row["Date"], row["Payout"], row["Amount"]) for row in read(Export.PAYOUTS)] == [
        ("2026-01-05", "po_1", "421.45")
    ]


def test_the_trial_balance_goes_on_where_the_month_before_ended(booked: Organization) -> None:
    close_month(actor=Actor.operator(), month=JANUARY)
    (january,), (february,) = trial_balance(JANUARY), trial_balance(FEBRUARY)
    assert january.debits == january.credits
    assert {row.account: row.closing for row in january.rows} == {row.account: row.opening for row in february.rows}
    assert not sum(row.closing.amount for row in january.rows)


class TestCommand:
    def test_it_writes_every_file(
        self, booked: Organization, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        call_command("billing_export", "--month", "2026-01", "--to", str(tmp_path), "--close")
        names = sorted(path.name for path in tmp_path.iterdir())
        assert [str(tmp_path / name) for name in names] == sorted(capsys.readouterr().out.split())
        assert len(names) == len(Export) and "freehold-2026-01-xero-eur-1.csv" in names

    def test_it_refuses_what_is_no_month(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="no month"):
            call_command("billing_export", "--month", "2026-13", "--to", str(tmp_path))


def test_an_archive_has_no_time_in_it() -> None:
    files = [File("a.csv", b"1"), File("b.csv", b"2")]
    packed = in_one(files, "all.zip")
    assert packed == in_one(files, "all.zip") and in_one(files[:1], "all.zip") == files[0]
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.namelist() == ["a.csv", "b.csv"]


class TestNamesOfAccounts:
    def test_the_operator_may_choose_them(self, booked: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LEDGER_ACCOUNTS", "receivable=1100:Debtors, tax = 2200")
        with override_settings(FREEHOLD_ACCOUNTS=ledger_settings.accounts()):
            assert {"Debtors", "Sales Tax Payable"} <= {row["Account Name"] for row in read(Export.QUICKBOOKS)}
            assert {"1100", "2200"} <= {row["AccountCode"] for row in read(Export.XERO)}

    @pytest.mark.parametrize("wrong", ["debtors=1100", "receivable", "receivable=:Debtors"])
    def test_of_those_that_there_are(self, wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LEDGER_ACCOUNTS", wrong)
        with pytest.raises(ImproperlyConfigured, match="LEDGER_ACCOUNTS"):
            ledger_settings.accounts()

    def test_the_settings_know_them_all(self) -> None:
        assert tuple(Account.values) == ledger_settings.ACCOUNTS
