"""All that a busy shop has is shaped as the SDK says; and the check of that finds what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from billing.sandbox import disputes, ledger
from billing.sandbox.shapes import blank
from billing.sandbox.store import public
from tests.billing.sandbox.shapes import problems
from tests.billing.sandbox.shop import START, Shop


@pytest.fixture(scope="module")
def busy() -> Shop:
    shop = Shop()
    api, price = shop.api, shop.price()
    vat: Any = {"address": {"country": "DE"}, "tax_id_data": [{"type": "eu_vat", "value": "DE123456789"}]}
    customer, other = shop.customer(**vat), shop.customer("pm_usBankAccount")
    coupon = api.coupons.create({"percent_off": 10, "duration": "forever"})
    code = api.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}})
    terms: Any = {"automatic_tax": {"enabled": True}, "discounts": [{"promotion_code": code.id}]}
    sub = shop.subscribe(customer, (price, 3), **terms)
    shop.subscribe(other, (price, 1))
    shop.change(sub, 5, proration_behavior="always_invoice")
    shop.change(sub, 6)
    paid = shop.invoices(customer)[0]["id"]
    api.credit_notes.create({"invoice": paid, "amount": 100, "refund_amount": 50, "credit_amount": 50})
    api.setup_intents.create({"customer": customer, "payment_method": "pm_card_visa", "confirm": True})
    api.test_helpers.test_clocks.create({"frozen_time": START})
    api.billing.meters.create({"display_name": "C", "event_name": "c", "default_aggregation": {"formula": "sum"}})
    with shop.sandbox.work():
        disputes.dispute(shop.sandbox, shop.sandbox.find("charge", customer=customer)[-1])
        ledger.pay_out(shop.sandbox, "usd")
    return shop


def test_everything_is_shaped_as_the_sdk_says(busy: Shop) -> None:
    kinds = {kind: objects for kind, objects in busy.sandbox.objects.items() if not kind.startswith("_")}
    assert len(kinds) == 25
    assert not {problem for objects in kinds.values() for obj in objects.values() for problem in problems(public(obj))}


def test_answers_are_too(busy: Shop) -> None:
    sub = busy.sandbox.find("subscription")[0]
    answers: list[Any] = [
        busy.api.balance.retrieve(),
        busy.api.accounts.retrieve_current(),
        busy.api.events.list({"limit": 100}),
        busy.api.invoices.create_preview({"subscription": sub["id"]}),
        busy.api.customers.retrieve(sub["customer"], {"expand": ["tax", "tax_ids", "subscriptions"]}),
        busy.api.subscriptions.retrieve(sub["id"], {"expand": ["discounts", "latest_invoice.payments", "customer"]}),
        busy.api.charges.list({"expand": ["data.refunds", "data.balance_transaction"]}),
    ]
    assert not [problem for answer in answers for problem in problems(answer.to_dict())]


@pytest.mark.parametrize(
    ("kind", "wrong", "where"),
    [
        ("refund", {"amount": "1"}, "refund.amount"),
        ("refund", {"reason": 1}, "refund.reason"),
        ("refund", {"colour": "red"}, "refund.colour"),
        ("invoice", {"automatic_tax": {"enabled": True, "provder": None}}, "invoice.automatic_tax.provder"),
        ("invoice", {"lines": {"object": "list", "data": [{"object": "line_item"}]}}, "invoice.lines[0].amount"),
        ("charge", {"balance_transaction": 5}, "charge.balance_transaction"),
    ],
)
def test_the_check_finds_what_is_wrong(kind: str, wrong: dict[str, Any], where: str) -> None:
    assert where in {problem.partition(":")[0] for problem in problems(blank(kind, **wrong))}
