"""What stands in the books after what happened to an invoice."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from billing.bookkeeping import Posting
from billing.gateway.objects import InvoicePaymentObject, TaxLine
from billing.models import Customer, Invoice, LedgerEntry, TaxEvidence, TaxRow, Wire
from billing.money import Money, UnevenAmount, UnknownCurrency, from_stripe
from billing.services import recognition, wires
from billing.services.entries import Draft, write
from billing.services.postings import Matter, post_credit_note, post_dispute_end, post_invoice, post_transaction
from billing.services.recognition import recognize
from billing.standing import Known, Subscription, judge
from orgs.models import Organization
from orgs.vocabulary import Kind, Standing
from tests import factories
from tests.billing.ledger import made
from tests.billing.ledger.made import books, day, kinds, movement

pytestmark = pytest.mark.django_db
FINAL = {"deferred": -36_500, "receivable": 43_435, "tax": -6_935}


@pytest.fixture
def acme() -> Organization:
    return factories.organization("acme")


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    """15 August 2026."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: day(8, 15))


@pytest.fixture
def matter(acme: Organization) -> Matter:
    return Matter(organization=acme, subject="in_1", reference="ch_1", document="FH-0001")


def post(acme: Organization, *args: Any, **fields: Any) -> None:
    post_invoice(invoice=made.invoice(*args, **fields), organization=acme)


def earn(through: date) -> None:
    recognize(through=through)
    factories.seal()


class TestInvoices:
    def test_a_draft_is_no_invoice_yet(self, acme: Organization) -> None:
        post(acme, status="draft", finalized_at=None)
        assert not books()

    def test_a_final_one_is_owed_and_not_earned(self, acme: Organization) -> None:
        post(acme)
        post(acme)
        assert books() == FINAL
        row = TaxRow.objects.get()
        assert (row.jurisdiction, row.rate, row.taxable, row.amount) == ("DE", "19", 36_500, 6_935)

    def test_it_is_earned_by_the_days_of_finished_months(self, acme: Organization) -> None:
        post(acme)
        earn(date(2026, 12, 1))
        assert books() == FINAL | {"deferred": -36_500 + 21_200, "revenue": -21_200}  # 31+28+31+30+31+30+31 days
        earn(date(2026, 12, 1))
        assert kinds() == [Posting.INVOICE] + [Posting.RECOGNITION] * 7
        booked = LedgerEntry.objects.filter(kind=Posting.RECOGNITION).values_list("booked_on", flat=True)
        assert sorted(booked)[:2] == [date(2026, 1, 31), date(2026, 2, 28)]

    def test_credit_of_the_customer_is_used_before_anything_is_owed(self, acme: Organization) -> None:
        post(acme, starting_balance=-10_000, amount_due=33_435)
        assert books() == FINAL | {"receivable": 33_435, "customer_balance": 10_000}

    def test_one_below_zero_becomes_credit(self, acme: Organization) -> None:
        lines = [made.line(-5_000), made.line(2_000, name="il_2")]
        post(acme, lines, (), amount_due=0, raw={"ending_balance": -3_000})
        assert books() == {"customer_balance": -3_000, "deferred": 3_000}

    def test_one_of_nothing_is_one_all_the_same(self, acme: Organization) -> None:
        post(acme, [made.line(500, discount=500)], ())
        assert not books() and kinds() == [Posting.INVOICE]

    def test_tax_within_the_prices_is_no_revenue(self, acme: Organization) -> None:
        inside = TaxLine(jurisdiction="DE", rate="19", taxable=10_000, amount=1_900, reason="standard_rated")
        post(acme, [made.line(5_950), made.line(5_950, name="il_2")], [inside], total=11_900, tax=1_900)
        assert books() == {"deferred": -10_000, "receivable": 11_900, "tax": -1_900}

    def test_a_void_one_was_never_there(self, acme: Organization) -> None:
        post(acme)
        earn(date(2026, 2, 1))
        post(acme, status="void")
        earn(date(2026, 7, 1))
        assert books() == {"deferred": 21_200, "revenue": -21_200}  # what was booked for finished months stays in them
        recognition_of_august()
        assert not books()

    def test_one_given_up_is_lost_as_far_as_it_was_earned(self, acme: Organization) -> None:
        post(acme)
        gone = {"raw": {"ending_balance": 0, "status_transitions": {"marked_uncollectible_at": day(7, 2).timestamp()}}}
        post(acme, status="uncollectible", **gone)
        earn(date(2026, 7, 1))
        served = 18_200  # 182 days until 2 July
        assert books() == {"bad_debt": served + 6_935, "revenue": -served, "tax": -6_935}
        post(acme, status="paid", paid_at=day(8, 10))
        earn(date(2026, 7, 1))
        assert books()["receivable"] == 43_435 and "bad_debt" not in books()

    def test_one_given_up_and_then_void_was_never_there_either(self, acme: Organization) -> None:
        post(acme)
        gone = {"raw": {"ending_balance": 0, "status_transitions": {"marked_uncollectible_at": day(7, 2).timestamp()}}}
        post(acme, status="uncollectible", **gone)
        earn(date(2026, 7, 1))
        post(acme, status="void")
        recognition_of_august()
        assert not books()


def recognition_of_august() -> None:
    with pytest.MonkeyPatch.context() as later:
        later.setattr("django.utils.timezone.now", lambda: day(9, 1))
        assert recognition.last_finished_month() == date(2026, 8, 1)
        earn(date(2026, 8, 1))


class TestCreditNotes:
    def test_it_takes_first_what_was_not_earned_yet(self, acme: Organization) -> None:
        post(acme)
        post_credit_note(note=made.note(23_800, 3_800), organization=acme)
        earn(date(2026, 7, 1))
        # 183 days were left, 183.00; 200.00 came back: all of that, and 17.00 of what had been earned.
        assert books() == {"receivable": 43_435, "refunds": -23_800, "revenue": -18_200 + 1_700, "tax": -3_135}

    def test_a_smaller_one_leaves_the_rest_to_be_earned(self, acme: Organization) -> None:
        post(acme)
        post_credit_note(note=made.note(9_150), organization=acme)
        earn(date(2026, 7, 1))
        assert books()["revenue"] == -18_200 - 30 * 50

    def test_what_a_change_gave_back_is_not_left_to_take(self, acme: Organization) -> None:
        """Of an increase, whose lines take the old quantity back and bring the new one."""
        post(acme, [made.line(-36_500), made.line(73_000, name="il_2")], ())
        post_credit_note(note=made.note(30_000, pre_payment=30_000), organization=acme)
        taken = LedgerEntry.objects.get(kind=Posting.CREDIT_NOTE).lines.values_list("account", "amount")
        assert dict(taken) == {"deferred": 18_300, "revenue": 11_700, "receivable": -30_000}  # 183 of 365 days are left
        earn(date(2026, 12, 31))
        assert books()["revenue"] == -6_500 and "deferred" not in books()

    def test_it_says_where_it_went(self, acme: Organization) -> None:
        post(acme)
        post_credit_note(note=made.note(1_000, pre_payment=300, to_balance=200), organization=acme)
        found = books()
        assert (found["receivable"], found["customer_balance"], found["refunds"]) == (43_135, -200, -500)

    def test_a_void_one_is_undone(self, acme: Organization) -> None:
        post(acme)
        note = made.note(11_900, 1_900, pre_payment=11_900, status="void", voided_at=day(7, 20))
        post_credit_note(note=note, organization=acme)
        post_credit_note(note=note, organization=acme)
        assert books() == FINAL
        recognition_of_august()
        assert books()["revenue"] == pytest.approx(-24_300, abs=1)


class TestMovements:
    def test_scenario_53_one_payment_seen_three_times_is_booked_once(self, acme: Organization, matter: Matter) -> None:
        post(acme)
        paid = movement("charge", 43_435, 1_290)
        for _ in range(3):
            post_transaction(movement=paid, matter=matter)
            post(acme, status="paid")
        assert books() == {"clearing": 42_145, "deferred": -36_500, "fees": 1_290, "tax": -6_935}

    def test_scenario_51_the_books_follow_the_refunds(self, acme: Organization, matter: Matter) -> None:
        """In part, failed, and from the dashboard, without a credit note: then what went out is owed by nobody."""
        post(acme)
        post_transaction(movement=movement("charge", 43_435), matter=matter)
        paid = books()
        post_credit_note(note=made.note(1_190, 190), organization=acme)
        post_transaction(movement=movement("refund", -1_190, source="re_1"), matter=matter)
        assert "refunds" not in books() and books()["clearing"] == 42_245
        post_transaction(movement=movement("refund_failure", 1_190, source="re_1"), matter=matter)
        assert (books()["refunds"], books()["clearing"]) == (-1_190, 43_435)
        post_transaction(movement=movement("refund", -2_190, source="re_2"), matter=matter)
        assert (books()["refunds"], books()["tax"]) == (1_000, paid["tax"] + 190)

    def test_scenario_52_a_dispute_is_booked_from_its_movements(self, acme: Organization, matter: Matter) -> None:
        post(acme)
        post_transaction(movement=movement("charge", 43_435), matter=matter)
        paid = books()
        about = Matter(organization=acme, subject="in_1", reference="dp_1")
        post_dispute_end(dispute=made.dispute("needs_response"), matter=about)
        post_transaction(movement=movement("dispute", -43_435, 1_500), matter=about)
        assert books() == paid | {"clearing": -1_500, "disputed": 43_435, "fees": 1_500}
        post_dispute_end(dispute=made.dispute("lost", "txn_1"), matter=about)
        post_dispute_end(dispute=made.dispute("lost", "txn_1"), matter=about)
        assert books() == paid | {"clearing": -1_500, "dispute_losses": 43_435, "fees": 1_500}
        post_transaction(movement=movement("dispute_reversal", 43_435, -1_500), matter=about)
        post_dispute_end(dispute=made.dispute("won", "txn_1", "txn_2"), matter=about)
        assert books() == paid

    def test_a_conversion_is_at_stripes_rate(self, acme: Organization) -> None:
        post(acme, [made.line(10_000)], ())
        matter = Matter(organization=acme, subject="in_1", reference="ch_1", original=Money(10_000, "eur"))
        post_transaction(movement=movement("charge", 10_870, 350, currency="usd"), matter=matter)
        assert books() == {"deferred": -10_000, "exchange": 10_000}
        assert books("usd") == {"clearing": 10_520, "exchange": -10_870, "fees": 350}

    def test_what_nobody_knows_stands_in_suspense(self, acme: Organization) -> None:
        post_transaction(movement=movement("moon_tax", -100), matter=Matter())
        post_transaction(movement=movement("charge", 500), matter=Matter(foreign=True))
        assert books() == {"clearing": 400, "suspense": -400}

    def test_a_payout_goes_to_the_bank_and_may_come_back(self) -> None:
        for category, amount in [("payout", -500), ("payout_reversal", 500), ("payout", -300), ("fee", -20)]:
            post_transaction(movement=movement(category, amount), matter=Matter())
        assert books() == {"bank": 300, "clearing": -320, "fees": 20}


class TestCurrencies:
    @pytest.mark.parametrize(("currency", "at_stripe", "minor"), [("jpy", 5_000, 5_000), ("kwd", 5_000, 5_000)])
    def test_scenario_49_decimals_come_from_a_table(
        self, acme: Organization, currency: str, at_stripe: int, minor: int
    ) -> None:
        post(acme, [made.line(at_stripe)], (), currency=currency)
        assert books(currency)["receivable"] == minor

    @pytest.mark.parametrize("currency", ["isk", "ugx"])
    def test_scenario_49_where_stripe_writes_two_decimals_that_are_none(
        self, acme: Organization, currency: str
    ) -> None:
        post(acme, [made.line(500_000)], (), currency=currency)
        assert books(currency)["receivable"] == 5_000
        with pytest.raises(UnevenAmount):
            from_stripe(500_001, currency)

    def test_scenario_49_an_unknown_currency_is_refused(self, acme: Organization) -> None:
        with pytest.raises(UnknownCurrency):
            post(acme, currency="xau")
        assert not LedgerEntry.objects.exists()


class TestWires:
    @pytest.fixture
    def mirrored(self, acme: Organization) -> Invoice:
        customer = Customer.objects.create(organization=acme, stripe_id="cus_1", livemode=False)
        post(acme)
        times = dict.fromkeys(("created", "period_start", "period_end"), day(1, 1))
        amounts = dict.fromkeys(("subtotal", "total", "amount_due", "amount_paid", "amount_remaining"), 43_435)
        return Invoice.objects.create(
            stripe_id="in_1", customer=customer, organization=acme, number="FH-0001", status="open", currency="eur",
            collection_method="send_invoice", **times, **amounts,
        )  # fmt: skip

    def wire(self, invoice: Invoice, amount: int, *, settles: bool = False) -> Money:
        found = Wire.objects.create(
            invoice=invoice, amount=amount, currency="eur", reference=f"R{amount}", received_on=date(2026, 2, 3), settles=settles
        )  # fmt: skip
        over = wires.post_wire(wire=found)
        assert wires.post_wire(wire=found) == over
        return over

    def test_scenario_54_what_is_missing_stays_owed(self, mirrored: Invoice) -> None:
        assert not self.wire(mirrored, 40_000)
        assert books() == FINAL | {"bank": 40_000, "receivable": 3_435}
        assert not self.wire(mirrored, 3_400, settles=True)
        assert books() == {"bank": 43_400, "deferred": -36_500, "shortfalls": 35, "tax": -6_935}

    def test_scenario_54_what_is_too_much_is_the_customers(self, acme: Organization, mirrored: Invoice) -> None:
        assert self.wire(mirrored, 43_500, settles=True) == Money(65, "eur")
        assert books() == {"bank": 43_500, "customer_balance": -65, "deferred": -36_500, "tax": -6_935}
        post(acme, status="paid", paid_out_of_band=True, raw={"amount_paid_off_stripe": 43_435})
        assert books()["bank"] == 43_500 and "by_hand" not in books()

    def test_scenario_54_a_purchase_order_has_its_grace_from_the_due_date(self) -> None:
        ordered = Subscription(status="active", unpaid_since=day(8, 1))
        known = Known(kind=Kind.COMPANY, before=Standing.GOOD, since=day(7, 1), subscriptions=[ordered])
        assert judge(known, day(7, 31)).standing is Standing.GOOD
        overdue = judge(known, day(8, 2))
        assert (overdue.standing, overdue.since, overdue.until) == (Standing.GRACE, day(8, 1), day(8, 15))
        assert judge(known, day(8, 15)).standing is Standing.LAPSED

    def test_a_wire_may_be_booked_before_its_invoice(self, acme: Organization, mirrored: Invoice) -> None:
        Invoice.objects.update(stripe_id="in_2", amount_remaining=1_000)
        mirrored.refresh_from_db()
        assert self.wire(mirrored, 1_010) == Money(10, "eur")
        post(acme, [made.line(1_000)], (), id="in_2", number="FH-2")
        assert books()["receivable"] == FINAL["receivable"]

    def test_marked_by_hand_and_the_wire_recorded_later(self, acme: Organization, mirrored: Invoice) -> None:
        by_hand = InvoicePaymentObject(
            id="inpay_1", status="paid", amount_paid=43_435, payment_intent="", charge="", paid_at=day(2, 1)
        )
        for _ in range(2):
            post(acme, status="paid", paid_out_of_band=True, payments=(by_hand,))
        assert books() == {"by_hand": 43_435, "deferred": -36_500, "tax": -6_935}
        self.wire(mirrored, 43_435, settles=True)
        assert books() == {"bank": 43_435, "deferred": -36_500, "tax": -6_935}


class TestTaxIds:
    def test_scenario_55_an_old_invoice_keeps_what_was_known_of_the_tax_id(
        self, acme: Organization, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        customer = Customer.objects.create(organization=acme, stripe_id="cus_1", livemode=False)
        known = ["pending", "verified", "removed"]
        raw = {"customer_tax_ids": [{"type": "eu_vat", "value": "FR1"}], "customer_address": {"country": "FR"}}
        for number, status in enumerate(known):
            at = datetime(2026, 1 + number, 1, tzinfo=UTC)
            TaxEvidence.objects.create(customer=customer, kind="eu_vat", value="FR1", status=status, seen_at=at)
            monkeypatch.setattr("django.utils.timezone.now", lambda at=at: at)
            post(acme, id=f"in_{number}", raw=raw)
        monkeypatch.setattr("django.utils.timezone.now", lambda: day(8, 15))
        for number in range(3):
            post(acme, id=f"in_{number}", raw=raw)
        rows = LedgerEntry.objects.order_by("pk").values_list("country", "tax_id", "tax_id_status")
        assert list(rows) == [("FR", "FR1", status) for status in known]


def test_a_draft_of_nothing_is_no_entry(acme: Organization) -> None:
    draft = Draft(source="x", kind=Posting.OTHER, happened_at=day(1, 1), narration="Nothing.")
    assert write(draft) is None
