"""What a credit note takes off an invoice that was given up before: so much less is lost, as if it had come first."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from billing.gateway.objects import CreditNoteObject
from billing.models import TaxRow
from billing.services.postings import Matter, noted, post_credit_note, post_invoice, post_transaction
from billing.services.recognition import recognize
from orgs.models import Organization
from tests import factories
from tests.billing.ledger import made
from tests.billing.ledger.made import books, day, movement

pytestmark = pytest.mark.django_db
SERVED, LEFT, TAX = 18_200, 18_300, 6_935
"""Until the second of July, of the year that was billed; after it; and the tax on both."""
SMALL = (5_950, 950)
"""Less than is left to be earned."""
LARGE = (35_700, 5_700)
"""More than that."""
WHOLE = (SERVED + LEFT + TAX, TAX)


@pytest.fixture
def acme() -> Organization:
    return factories.organization("acme")


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: day(1, 10, 2027))


def given_up(acme: Organization, *notes: CreditNoteObject, at: datetime | None = None, **fields: Any) -> None:
    moments = {"marked_uncollectible_at": (at or day(7, 2)).timestamp()}
    raw = {"ending_balance": 0, "status_transitions": moments}
    post_invoice(invoice=made.invoice(status="uncollectible", raw=raw, **fields), organization=acme, notes=notes)


def final(acme: Organization) -> None:
    post_invoice(invoice=made.invoice(), organization=acme)


def take_off(acme: Organization, sums: tuple[int, int], **fields: Any) -> CreditNoteObject:
    note = made.note(*sums, **{"pre_payment": sums[0]} | fields)
    for _ in range(2):
        post_credit_note(note=note, organization=acme)
    return note


def earned() -> dict[str, int]:
    """The books when the year is over."""
    recognize(through=date(2026, 12, 1))
    factories.seal()
    return books()


def expected(total: int, tax: int) -> dict[str, int]:
    """What was served is lost, with its tax, as far as no note took it back."""
    served = SERVED - max(total - tax - LEFT, 0)
    left = {"bad_debt": served + TAX - tax, "revenue": -served, "tax": tax - TAX}
    return {account: amount for account, amount in left.items() if amount}


class TestTheOrder:
    @pytest.mark.parametrize("sums", [SMALL, LARGE, WHOLE])
    @pytest.mark.parametrize("is_first", [True, False])
    def test_of_the_two_does_not_matter(self, acme: Organization, sums: tuple[int, int], *, is_first: bool) -> None:
        final(acme)
        if is_first:
            take_off(acme, sums)
        given_up(acme)
        take_off(acme, sums)
        assert "receivable" not in books() and noted("in_1") == (sums[0], 0)
        assert earned() == expected(*sums)
        assert sum(TaxRow.objects.values_list("amount", flat=True)) == TAX - sums[1]

    @pytest.mark.parametrize("is_heard", [True, False])
    def test_nor_does_when_we_hear_of_them(self, acme: Organization, *, is_heard: bool) -> None:
        """The note is of November: the loss of July is that of July, be both told at once."""
        note = made.note(*SMALL, pre_payment=SMALL[0], created=day(11, 2))
        final(acme)
        if is_heard:
            given_up(acme)
        given_up(acme, note)
        given_up(acme, note)
        assert earned() == expected(*SMALL)

    def test_several_notes_take_one_after_the_other(self, acme: Organization) -> None:
        final(acme)
        given_up(acme)
        for number, month in enumerate((7, 9, 12)):
            take_off(acme, (11_900, 1_900), id=f"cn_{number}", created=day(month, 5))
            assert "receivable" not in books()
        assert earned() == expected(35_700, 5_700)

    def test_after_the_period_too(self, acme: Organization) -> None:
        final(acme)
        given_up(acme)
        take_off(acme, LARGE, created=day(1, 5, 2027))
        assert earned() == expected(*LARGE)


class TestWhatWasPaidInPart:
    """As much as was served and a hundred more: all that is lost had not been earned yet."""

    @pytest.mark.parametrize("is_first", [True, False])
    def test_tax_that_comes_back_is_no_negative_loss(self, acme: Organization, *, is_first: bool) -> None:
        final(acme)
        paid = SERVED + TAX + 10_000
        post_transaction(movement=movement("charge", paid), matter=Matter(organization=acme, subject="in_1"))
        if is_first:
            take_off(acme, SMALL)
        given_up(acme)
        take_off(acme, SMALL)
        assert "receivable" not in books()
        assert earned() == {"clearing": paid, "revenue": -paid + TAX - SMALL[1], "tax": SMALL[1] - TAX}

    def test_no_more_is_put_back_than_was_lost(self, acme: Organization) -> None:
        """Of a part Stripe may know nothing, such as of one that came by wire: that is owed to the customer now."""
        final(acme)
        post_transaction(movement=movement("charge", 3_000), matter=Matter(organization=acme, subject="in_1"))
        given_up(acme)
        take_off(acme, WHOLE)
        assert earned() == {"clearing": 3_000, "receivable": -3_000}


class TestWhatBecomesOfItThen:
    def test_paid_after_all_it_is_without_what_the_note_took(self, acme: Organization) -> None:
        final(acme)
        given_up(acme)
        take_off(acme, SMALL, created=day(8, 1))
        for _ in range(2):
            post_invoice(invoice=made.invoice(status="paid", paid_at=day(8, 10)), organization=acme)
        owed = WHOLE[0] - SMALL[0]
        assert books()["receivable"] == owed
        net = SERVED + LEFT - SMALL[0] + SMALL[1]
        assert earned() == {"receivable": owed, "revenue": -net, "tax": SMALL[1] - TAX}

    def test_taken_off_wholly_nothing_is_owed_when_it_counts_as_paid(self, acme: Organization) -> None:
        final(acme)
        given_up(acme)
        take_off(acme, WHOLE)
        post_invoice(invoice=made.invoice(status="paid", paid_at=day(8, 10)), organization=acme)
        assert not earned()

    def test_void_it_was_never_there(self, acme: Organization) -> None:
        final(acme)
        given_up(acme)
        take_off(acme, SMALL, created=day(8, 1))
        post_invoice(invoice=made.invoice(status="void"), organization=acme)
        recognize(through=date(2026, 12, 1))
        assert "receivable" not in books() and "bad_debt" not in books() and "tax" not in books()

    def test_a_note_that_is_void_again_leaves_the_whole_loss(self, acme: Organization) -> None:
        final(acme)
        given_up(acme)
        before = books()
        take_off(acme, SMALL, status="void", voided_at=day(7, 2))
        assert books() == before and noted("in_1") == (0, 0)
        assert earned() == expected(0, 0)
