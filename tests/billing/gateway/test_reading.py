"""From what Stripe writes to our own records, also where something is missing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from billing.gateway import reading, reading_credit

AT = 1_790_000_000
THEN = datetime.fromtimestamp(AT, UTC)
PRICE = {
    "id": "price_1",
    "product": "prod_1",
    "currency": "usd",
    "unit_amount": 500,
    "active": True,
    "lookup_key": "seat",
    "recurring": {"interval": "year", "usage_type": "licensed"},
    "metadata": {},
}
ITEM = {"id": "si_1", "price": PRICE, "quantity": 3, "current_period_start": AT, "current_period_end": AT + 60}
SUBSCRIPTION: dict[str, Any] = {
    "id": "sub_1",
    "customer": "cus_1",
    "status": "active",
    "livemode": True,
    "created": AT,
    "items": {"data": [ITEM]},
}
INVOICE: dict[str, Any] = {
    "id": "in_1",
    "customer": "cus_1",
    "currency": "eur",
    "created": AT,
    "period_start": AT,
    "period_end": AT,
    "status": "draft",
}


def no_rate(identifier: str) -> reading.Tree:
    raise AssertionError(f"{identifier} was asked for")


@pytest.mark.parametrize(
    ("value", "found"), [("cus_1", "cus_1"), ({"id": "cus_1", "name": "Acme"}, "cus_1"), (None, ""), ("", "")]
)
def test_an_object_may_stand_there_whole_or_by_its_id(value: Any, found: str) -> None:
    assert reading.identifier(value) == found


class TestSubscription:
    def test_what_is_missing_is_none_or_empty(self) -> None:
        found = reading.subscription(SUBSCRIPTION | {"items": None})
        assert (found.items, found.pending_items, found.latest_invoice, found.currency) == ((), {}, "", "")
        assert (found.cancel_at, found.ended_at, found.pending_until, found.days_until_due) == (None,) * 4
        assert not found.cancel_at_period_end

    def test_the_period_is_the_items(self) -> None:
        (item,) = reading.subscription(SUBSCRIPTION).items
        assert (item.period_start, item.interval, item.lookup_key) == (THEN, "year", "seat")
        without = ITEM | {"current_period_start": None, "quantity": None}
        (item,) = reading.subscription(SUBSCRIPTION | {"items": {"data": [without]}}).items
        assert (item.period_start, item.quantity) == (None, None)

    def test_what_waits_for_its_payment(self) -> None:
        pending = {"expires_at": AT, "subscription_items": [{"id": "si_1", "quantity": 7}]}
        found = reading.subscription(SUBSCRIPTION | {"pending_update": pending})
        assert (dict(found.pending_items), found.pending_until) == ({"si_1": 7}, THEN)

    @pytest.mark.parametrize(
        "more", [{"pause_collection": {"behavior": "void", "resumes_at": None}}, {"status": "paused"}]
    )
    def test_paused_either_way(self, more: dict[str, Any]) -> None:
        assert reading.subscription(SUBSCRIPTION | more).paused
        assert not reading.subscription(SUBSCRIPTION).paused

    def test_a_status_that_nobody_knows_stays_the_text_that_it_is(self) -> None:
        assert reading.subscription(SUBSCRIPTION | {"status": "hibernating"}).status == "hibernating"


class TestInvoice:
    def read(self, **more: Any) -> Any:
        return reading.invoice(INVOICE | more, no_rate)

    def test_a_bare_one(self) -> None:
        found = self.read()
        assert (found.subscription, found.lines, found.payments, found.taxes, found.tax) == ("", (), (), (), 0)
        assert (found.due_date, found.finalized_at, found.paid_at, found.last_error) == (None, None, None, "")

    @pytest.mark.parametrize(
        ("parent", "found"),
        [
            ({"subscription_details": {"subscription": "sub_1"}}, "sub_1"),
            ({"subscription_details": {"subscription": {"id": "sub_1"}}}, "sub_1"),
            ({"subscription_details": None, "quote_details": {"quote": "qt_1"}}, ""),
            (None, ""),
        ],
    )
    def test_of_which_subscription(self, parent: Any, found: str) -> None:
        assert self.read(parent=parent).subscription == found

    def test_why_it_is_not_final(self) -> None:
        error = {"code": "customer_tax_location_invalid", "message": None}
        assert self.read(last_finalization_error=error).last_error == "customer_tax_location_invalid"

    def test_which_charge_paid_it(self) -> None:
        def payment(**of: Any) -> dict[str, Any]:
            return {"id": "inpay_1", "status": "paid", "amount_paid": 5, "payment": of}

        rows = [
            payment(type="payment_intent", payment_intent={"id": "pi_1", "latest_charge": "ch_1"}),
            payment(type="payment_intent", payment_intent="pi_2"),
            payment(type="charge", charge="ch_3"),
            payment(type="payment_record", payment_record="pr_4"),
        ]
        found = [(each.payment_intent, each.charge) for each in self.read(payments={"data": rows}).payments]
        assert found == [("pi_1", "ch_1"), ("pi_2", ""), ("", "ch_3"), ("", "")]

    def test_paid_elsewhere(self) -> None:
        assert self.read(amount_paid_off_stripe=500).paid_out_of_band
        assert not self.read(amount_paid_off_stripe=None).paid_out_of_band

    def test_a_line_of_a_proration(self) -> None:
        details = {"subscription_item": "si_1", "proration": True}
        line = {
            "id": "il_1",
            "amount": -300,
            "period": {"start": AT, "end": AT},
            "parent": {"invoice_item_details": details},
            "pricing": {"price_details": {"price": "price_1"}},
            "discount_amounts": [{"amount": 5}, {"amount": 6}],
        }
        (found,) = self.read(lines={"data": [line]}).lines
        assert (found.item, found.price, found.proration, found.discount) == ("si_1", "price_1", True, 11)


class TestTax:
    def read(self, rate: dict[str, Any], **row: Any) -> Any:
        row = {"amount": 1, "taxable_amount": 10, "tax_rate_details": {"tax_rate": "txr_1"}} | row
        (found,) = reading.taxes({"total_taxes": [row]}, lambda _: rate)
        return found

    @pytest.mark.parametrize(
        ("rate", "jurisdiction", "percent"),
        [
            ({"country": "DE", "state": None, "percentage": 19.0}, "DE", "19"),
            ({"country": "US", "state": "NY", "percentage": 8.0, "effective_percentage": 8.875}, "US-NY", "8.875"),
            ({"country": "FI", "percentage": 0.0, "effective_percentage": 0.0}, "FI", "0"),
            ({}, "", ""),
        ],
    )
    def test_to_whom_and_how_much(self, rate: dict[str, Any], jurisdiction: str, percent: str) -> None:
        found = self.read(rate)
        assert (found.jurisdiction, found.rate) == (jurisdiction, percent)

    def test_none_and_why(self) -> None:
        found = self.read({"country": "FR", "percentage": 0.0}, amount=0, taxability_reason="reverse_charge")
        assert (found.amount, found.reason) == (0, "reverse_charge")

    def test_without_a_rate_nothing_is_asked(self) -> None:
        row = {"amount": 0, "tax_rate_details": None}
        (found,) = reading.taxes({"total_taxes": [row]}, no_rate)
        assert (found.jurisdiction, found.taxable) == ("", 0)


@pytest.mark.parametrize(
    ("about", "found"),
    [
        ({"object": "invoice", "id": "in_1", "customer": "cus_1"}, ("in_1", "invoice", "cus_1")),
        ({"object": "customer", "id": "cus_1"}, ("cus_1", "customer", "cus_1")),
        ({"object": "invoice", "customer": {"id": "cus_1"}}, ("", "invoice", "cus_1")),
        ({"object": "balance"}, ("", "balance", "")),
    ],
)
def test_what_an_event_is_about(about: dict[str, Any], found: tuple[str, str, str]) -> None:
    event = reading.event({"id": "evt_1", "type": "x", "created": AT, "livemode": False, "data": {"object": about}})
    assert (event.object, event.object_type, event.customer) == found


@pytest.mark.parametrize(("balance", "given"), [({"id": "cbtxn_1", "amount": -100}, 100), ("cbtxn_1", 0), (None, 0)])
def test_what_a_credit_note_gave_to_the_balance(balance: Any, given: int) -> None:
    note = {"id": "cn_1", "invoice": "in_1", "status": "issued", "currency": "usd", "created": AT}
    found = reading_credit.credit_note(
        note | {"customer_balance_transaction": balance, "refunds": [{"refund": "re_1"}]}, no_rate
    )
    assert (found.to_balance, found.refunds) == (given, ("re_1",))
