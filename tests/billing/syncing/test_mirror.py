"""What of Stripe's objects means what for us; on rows that are never saved."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.gateway.objects import ItemObject, SubscriptionObject
from billing.models import Invoice, Plan, Price, Subscription
from billing.services.mirror import ends_at, is_paid_for, problems_of, unpaid_since
from billing.services.syncing import sync_subscription
from billing.vocabulary import Item

NOW = datetime(2026, 5, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def item(number: int = 1, **fields: Any) -> ItemObject:
    told: dict[str, Any] = {"currency": "usd", "unit_amount": 500, "interval": "month", "quantity": 2}
    told |= {"lookup_key": "", "period_start": NOW, "period_end": NOW + 30 * DAY}
    return ItemObject(id=f"si_{number}", price=f"price_{number}", **told | fields)


def subscription(*items: ItemObject, **fields: Any) -> SubscriptionObject:
    told: dict[str, Any] = dict.fromkeys(
        ("cancel_at", "canceled_at", "ended_at", "trial_end", "days_until_due", "pending_until")
    )
    told |= {"customer": "cus_1", "status": "active", "livemode": False, "created": NOW, "currency": "usd"}
    told |= {"collection_method": "charge_automatically", "cancel_at_period_end": False, "latest_invoice": "in_1"}
    told |= {"pending_items": {}, "paused": False, "metadata": {}, "raw": {}}
    return SubscriptionObject(id="sub_1", items=items, **told | fields)


def price(what: Item, plan: int = 1) -> Price:
    return Price(item=what, plan=Plan(pk=plan), plan_id=plan)


class TestEnd:
    @pytest.mark.parametrize(
        ("fields", "end"),
        [
            ({}, None),
            ({"cancel_at_period_end": True}, NOW + 30 * DAY),
            ({"cancel_at": NOW + DAY}, NOW + DAY),
            ({"cancel_at": NOW + DAY, "cancel_at_period_end": True}, NOW + DAY),
        ],
    )
    def test_whichever_of_the_two_fields_says_it(self, fields: dict[str, Any], end: datetime | None) -> None:
        assert ends_at(subscription(item(), **fields), NOW + 30 * DAY) == end


class TestProblems:
    def told(self, prices: dict[str, Price], *items: ItemObject, **fields: Any) -> list[str]:
        return problems_of(subscription(*items, **fields), prices)

    def test_none(self) -> None:
        prices = {"si_1": price(Item.SEAT), "si_2": price(Item.ROOT)}
        assert self.told(prices, item(1), item(2)) == []

    @pytest.mark.parametrize(
        ("prices", "items", "status", "told"),
        [
            ({}, (item(1),), "active", ["Nobody here knows the price price_1."]),
            (
                {"si_1": price(Item.SEAT), "si_2": price(Item.SEAT)},
                (item(1), item(2)),
                "active",
                ["There are 2 items of the kind “seat”."],
            ),
            (
                {"si_1": price(Item.SEAT), "si_2": price(Item.ROOT, plan=2)},
                (item(1), item(2)),
                "active",
                ["Its items belong to several plans."],
            ),
            (
                {"si_1": price(Item.SEAT), "si_2": price(Item.ROOT)},
                (item(1), item(2, interval="year")),
                "active",
                ["Its items are paid in several intervals."],
            ),
            ({}, (), "active", ["Stripe names no items."]),
            ({"si_1": price(Item.SEAT)}, (item(1),), "dozing", ["Nobody here knows the status “dozing”."]),
        ],
    )
    def test_are_said_and_nothing_is_guessed(
        self, prices: dict[str, Price], items: tuple[ItemObject, ...], status: str, told: list[str]
    ) -> None:
        assert self.told(prices, *items, status=status) == told


def invoice(**fields: Any) -> Invoice:
    told: dict[str, Any] = {
        "stripe_id": "in_1",
        "status": "open",
        "amount_remaining": 500,
        "attempts": 1,
        "created": NOW,
    }
    told |= {"collection_method": "charge_automatically", "finalized_at": NOW + timedelta(hours=1), "raw": {}}
    return Invoice(**told | fields)


def on_its_way() -> dict[str, Any]:
    return {"payments": {"data": [{"payment": {"payment_intent": {"id": "pi_1", "status": "processing"}}}]}}


class TestUnpaid:
    ROW = Subscription(latest_invoice="in_1")

    def test_by_card_since_it_was_first_tried(self) -> None:
        late = invoice(attempts=4, next_attempt_at=NOW + 9 * DAY)
        assert unpaid_since(late, self.ROW) == NOW + timedelta(hours=1)
        assert unpaid_since(invoice(finalized_at=None), self.ROW) == NOW

    def test_by_invoice_on_its_day(self) -> None:
        due = invoice(collection_method="send_invoice", due_at=NOW + 30 * DAY, attempts=0)
        assert unpaid_since(due, self.ROW) == NOW + 30 * DAY

    def test_written_off_is_forgiven_only_where_it_goes_on(self) -> None:
        lost = invoice(status="uncollectible")
        for status, is_forgiven in (("active", True), ("past_due", False), ("canceled", False), ("unpaid", False)):
            row = Subscription(latest_invoice="in_1", status=status)
            assert (unpaid_since(lost, row) is None) is is_forgiven

    @pytest.mark.parametrize("status", ["draft", "paid", "void", "deleted", "folded"])
    def test_nothing_is_due_of_any_other(self, status: str) -> None:
        assert unpaid_since(invoice(status=status), self.ROW) is None

    @pytest.mark.parametrize(
        "fields",
        [{"attempts": 0}, {"amount_remaining": 0}, {"raw": on_its_way()}, {"raw": {"payments": None}, "attempts": 0}],
    )
    def test_nor_of_what_was_not_refused(self, fields: dict[str, Any]) -> None:
        assert unpaid_since(invoice(**fields), self.ROW) is None

    def test_an_increase_that_waits_for_its_payment_is_not_owed(self) -> None:
        row = Subscription(latest_invoice="in_1", pending_until=NOW + DAY)
        assert unpaid_since(invoice(), row) is None
        assert unpaid_since(invoice(stripe_id="in_0"), row) is not None


class TestPaidFor:
    @pytest.mark.parametrize(
        ("status", "invoices", "paid"),
        [
            ("active", ["paid"], True),
            ("past_due", ["open", "paid"], True),
            ("active", ["open"], False),
            ("active", [], False),
            ("trialing", [], True),
            ("incomplete", ["paid"], False),
            ("incomplete_expired", ["void"], False),
        ],
    )
    def test_when_anything_was_ever_paid(self, status: str, invoices: list[str], paid: bool) -> None:
        row = Subscription(status=status)
        assert is_paid_for(row, [invoice(status=each) for each in invoices]) is paid

    def test_what_is_over_grows_no_more(self) -> None:
        row = Subscription(status="canceled", ended_at=NOW)
        assert not is_paid_for(row, [invoice(status="paid")])


@pytest.mark.django_db
class TestWhatStripeLeavesOut:
    def test_the_last_known_stays(self, bought: Any, acme: Any, stripe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """Period or items missing: no crash, and nobody loses what was bought."""
        found = bought(acme, seats=3, roots=2)
        whole = stripe.subscription(found.stripe_id)
        for bare in (
            replace(whole, items=()),
            replace(whole, items=tuple(replace(each, period_start=None, period_end=None) for each in whole.items)),
        ):
            monkeypatch.setattr(stripe, "subscription", lambda _, bare=bare: bare)
            again = _synced(found)
            assert (again.period_start, again.period_end, again.plan) == (
                found.period_start,
                found.period_end,
                found.plan,
            )
            assert {row.item: row.paid_quantity for row in again.items.all()} == {"seat": 3, "root": 1}

    def test_a_price_is_known_by_the_name_that_we_gave_it(self, bought: Any, acme: Any) -> None:
        """A database that was restored has not heard of the price's id yet."""
        found = bought(acme)
        Price.objects.update(stripe_id="")
        again = _synced(found)
        assert (again.plan, again.problems) == (found.plan, [])


def _synced(row: Subscription) -> Subscription:
    found = sync_subscription(row.stripe_id)
    assert found is not None
    return found
