"""Where the money is: payments, refunds, credit notes, disputes and payouts, and that the balance is their sum."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from billing.sandbox import disputes, ledger, outcomes, payments, refunds
from billing.sandbox.clock import DAY
from tests.billing.sandbox.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


def paid(shop: Shop, amount: int = 10_000, **params: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """An invoice over this, and its charge."""
    customer = shop.customer(**params)
    enabled: Any = {"enabled": "address" in params}
    sub = shop.subscribe(customer, (shop.price(amount), 1), automatic_tax=enabled)
    invoice = shop.invoice(shop.sub(sub)["latest_invoice"])
    intent = invoice["payments"]["data"][0]["payment"]["payment_intent"]
    charge = shop.api.charges.list({"payment_intent": intent}).data[0]
    return invoice, charge.to_dict()


def entries(shop: Shop) -> list[tuple[str, int, int]]:
    found = shop.api.balance_transactions.list({"limit": 100}).data
    return [(entry.type, entry.amount, entry.fee) for entry in reversed(found)]


# --- Payments ---------------------------------------------------------------------------------------------------------


def test_a_charge_brings_its_amount_less_the_fee(shop: Shop) -> None:
    _, charge = paid(shop)
    entry = shop.api.balance_transactions.retrieve(charge["balance_transaction"])
    assert (entry.amount, entry.fee, entry.net, entry.status) == (10_000, 320, 9680, "pending")
    assert shop.balance() == 9680
    shop.later(seconds=2 * DAY)
    assert shop.api.balance.retrieve().available[0].amount == 9680


@pytest.mark.parametrize(("amount", "fee"), [(0, 0), (1, 30), (17, 30), (18, 31), (1000, 59), (3448, 130), (3449, 130)])
def test_the_fee_is_rounded_half_up(amount: int, fee: int) -> None:
    assert ledger.fee_on(amount) == fee


def test_a_decline_is_told_and_can_be_tried_again(shop: Shop) -> None:
    customer = shop.customer("pm_card_visa_chargeDeclinedInsufficientFunds")
    sub = shop.subscribe(customer, (shop.price(), 1))
    invoice = shop.invoices(customer)[0]
    with pytest.raises(stripe.CardError) as refused:
        shop.api.invoices.pay(invoice["id"])
    assert (refused.value.code, refused.value.error.decline_code) == ("card_declined", "insufficient_funds")  # type: ignore[union-attr]  # there is one
    assert {charge.status for charge in shop.api.charges.list({"customer": customer}).data} == {"failed"}
    assert (shop.balance(), shop.sub(sub)["status"]) == (0, "incomplete")
    shop.api.invoices.pay(invoice["id"], {"payment_method": "pm_card_visa"})
    assert (shop.invoice(invoice["id"])["status"], shop.sub(sub)["status"]) == ("paid", "active")


def test_a_card_that_is_never_good_is_not_even_kept(shop: Shop) -> None:
    with pytest.raises(stripe.CardError):
        shop.customer("pm_card_chargeDeclined")


@pytest.mark.parametrize(
    ("arrives", "status", "charged"), [(True, "active", "succeeded"), (False, "past_due", "failed")]
)
def test_a_debit_is_known_later(shop: Shop, arrives: bool, status: str, charged: str) -> None:
    customer = shop.customer("pm_usBankAccount")
    sub = shop.subscribe(customer, (shop.price(), 1))
    invoice = shop.invoices(customer)[0]
    assert (invoice["status"], shop.sub(sub)["status"], shop.balance()) == ("open", "active", 0)
    intent = shop.invoice(invoice["id"])["payments"]["data"][0]["payment"]["payment_intent"]
    with pytest.raises(stripe.InvalidRequestError, match="processing"):
        shop.api.invoices.pay(invoice["id"])
    outcomes.settle_debit(shop.sandbox, intent, arrives=arrives)
    assert (shop.sub(sub)["status"], shop.api.charges.list({"customer": customer}).data[0].status) == (status, charged)
    assert len(shop.api.charges.list({"customer": customer}).data) == 1
    assert shop.balance() == (1000 - 59 if arrives else 0)
    with pytest.raises(Exception, match="not processing"):
        outcomes.settle_debit(shop.sandbox, intent)


def test_a_debit_for_more_than_is_still_owed_becomes_credit(shop: Shop) -> None:
    customer = shop.customer("pm_usBankAccount")
    shop.subscribe(customer, (shop.price(), 1))
    identifier = shop.invoices(customer)[0]["id"]
    shop.api.credit_notes.create({"invoice": identifier, "amount": 300})
    intent = shop.invoice(identifier)["payments"]["data"][0]["payment"]["payment_intent"]
    outcomes.settle_debit(shop.sandbox, intent)
    invoice = shop.invoice(identifier)
    assert (invoice["status"], invoice["amount_paid"], invoice["amount_overpaid"]) == ("paid", 700, 300)
    assert shop.api.charges.list({"customer": customer}).data[0].amount == 1000
    assert shop.api.customers.retrieve(customer).balance == -300 and "invoice.overpaid" in shop.heard()


@pytest.mark.parametrize(("approved", "status"), [(True, "active"), (False, "incomplete")])
def test_the_bank_asks_the_buyer(shop: Shop, approved: bool, status: str) -> None:
    customer = shop.customer("pm_card_authenticationRequired")
    sub = shop.subscribe(customer, (shop.price(), 1))
    invoice = shop.invoice(shop.sub(sub)["latest_invoice"])
    intent = shop.api.payment_intents.retrieve(invoice["payments"]["data"][0]["payment"]["payment_intent"]).to_dict()
    assert (intent["status"], intent["next_action"]["type"]) == ("requires_action", "redirect_to_url")
    heard = shop.heard()
    assert ("invoice.payment_action_required" in heard, "invoice.payment_failed" in heard) == (True, False)
    outcomes.authenticate(shop.sandbox, intent["id"], approved=approved)
    assert shop.sub(sub)["status"] == status


# --- Refunds ----------------------------------------------------------------------------------------------------------


def test_refunds_in_parts_and_one_that_comes_back(shop: Shop) -> None:
    _, charge = paid(shop)
    first = shop.api.refunds.create({"charge": charge["id"], "amount": 2500, "reason": "requested_by_customer"})
    known = shop.api.charges.retrieve(charge["id"])
    assert (first.status, known.amount_refunded, known.refunded, shop.balance()) == (
        "succeeded",
        2500,
        False,
        9680 - 2500,
    )
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        shop.api.refunds.create({"charge": charge["id"], "amount": 7501})
    shop.api.refunds.create({"payment_intent": charge["payment_intent"]})
    assert shop.api.charges.retrieve(charge["id"]).refunded is True
    with pytest.raises(stripe.InvalidRequestError, match="already been refunded"):
        shop.api.refunds.create({"charge": charge["id"]})
    refunds.conclude(shop.sandbox, shop.sandbox.get("refund", first.id), arrives=False)
    known = shop.api.charges.retrieve(charge["id"], {"expand": ["refunds"]})
    assert (known.amount_refunded, known.refunded, len(known.refunds.data)) == (7500, False, 2)  # type: ignore[union-attr]  # it was asked for
    assert entries(shop) == [
        ("charge", 10_000, 320),
        ("refund", -2500, 0),
        ("refund", -7500, 0),
        ("refund_failure", 2500, 0),
    ]
    assert {"refund.created", "charge.refunded", "refund.failed"} <= set(shop.heard())


# --- Credit notes -----------------------------------------------------------------------------------------------------


def test_a_credit_note_takes_the_tax_back_too(shop: Shop) -> None:
    invoice, charge = paid(shop, 999, address={"country": "DE"})
    assert invoice["total"] == 1189
    params: Any = {"invoice": invoice["id"], "amount": 500, "refund_amount": 500}
    foreseen = shop.api.credit_notes.preview(params)
    note = shop.api.credit_notes.create(params)
    assert (note.total, note.total_excluding_tax, note.total_taxes[0].amount) == (500, 420, 80)  # type: ignore[index]  # there is one
    assert (foreseen.total, foreseen.total_excluding_tax) == (500, 420)
    assert (shop.invoice(invoice["id"])["post_payment_credit_notes_amount"], note.type) == (500, "post_payment")
    assert shop.api.charges.retrieve(charge["id"]).amount_refunded == 500
    rest: Any = {"invoice": invoice["id"], "amount": 690, "credit_amount": 690}
    with pytest.raises(stripe.InvalidRequestError, match="689 can be credited"):
        shop.api.credit_notes.create(rest)
    shop.api.credit_notes.create({"invoice": invoice["id"], "amount": 689, "credit_amount": 689})
    assert shop.api.customers.retrieve(invoice["customer"]).balance == -689
    assert [one.number[-2:] for one in shop.api.credit_notes.list({"invoice": invoice["id"]}).data] == ["02", "01"]


def test_a_credit_note_over_some_of_a_line(shop: Shop) -> None:
    customer = shop.customer(address={"country": "FR"})
    sub = shop.subscribe(customer, (shop.price(300), 3), automatic_tax={"enabled": True})
    invoice = shop.invoice(shop.sub(sub)["latest_invoice"])
    line: Any = {"type": "invoice_line_item", "invoice_line_item": invoice["lines"]["data"][0]["id"], "quantity": 1}
    note = shop.api.credit_notes.create({"invoice": invoice["id"], "lines": [line], "out_of_band_amount": 360})
    assert (note.subtotal, note.total, note.out_of_band_amount) == (300, 360, 360)
    with pytest.raises(stripe.InvalidRequestError, match="must equal the total"):
        shop.api.credit_notes.create({"invoice": invoice["id"], "lines": [line], "refund_amount": 300})


def test_what_is_not_paid_yet_is_owed_no_more(shop: Shop) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail")
    sub = shop.subscribe(customer, (shop.price(1000), 1))
    invoice = shop.sub(sub)["latest_invoice"]
    note = shop.api.credit_notes.create({"invoice": invoice, "amount": 400})
    assert (note.type, shop.invoice(invoice)["amount_remaining"]) == ("pre_payment", 600)
    shop.api.credit_notes.void_credit_note(note.id)
    assert shop.invoice(invoice)["amount_remaining"] == 1000
    shop.api.credit_notes.create({"invoice": invoice, "amount": 1000})
    assert (shop.invoice(invoice)["status"], shop.sub(sub)["status"], shop.balance()) == ("paid", "active", 0)


# --- Disputes and payouts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "left"), [("won", 9680 - 1500), ("lost", 9680 - 10_000 - 1500)])
def test_a_dispute_from_its_opening_to_its_end(shop: Shop, status: str, left: int) -> None:
    _, charge = paid(shop)
    with shop.sandbox.work():
        opened = disputes.dispute(shop.sandbox, shop.sandbox.get("charge", charge["id"]))
    assert (shop.balance(), shop.api.charges.retrieve(charge["id"]).disputed) == (9680 - 10_000 - 1500, True)
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        shop.api.refunds.create({"charge": charge["id"]})
    if status == "lost":
        shop.api.disputes.close(opened["id"])
    else:
        with shop.sandbox.work():
            disputes.close(shop.sandbox, opened, status)
    told = shop.api.disputes.retrieve(opened["id"])
    assert (told.status, shop.balance()) == (status, left)
    assert left == 9680 + sum(entry.net for entry in told.balance_transactions)
    heard = shop.heard()
    assert ("charge.dispute.funds_reinstated" in heard, heard[-1]) == (status == "won", "charge.dispute.closed")


def test_a_payout_takes_what_it_lists(shop: Shop) -> None:
    paid(shop)
    _, charge = paid(shop, 5000)
    shop.api.refunds.create({"charge": charge["id"]})
    before = shop.balance()
    with shop.sandbox.work():
        made = ledger.pay_out(shop.sandbox, "usd")
    assert (made["amount"], shop.balance()) == (before, 0)
    listed = shop.api.balance_transactions.list({"payout": made["id"], "limit": 100}).data
    assert sum(entry.net for entry in listed if entry.type != "payout") == before
    assert [entry.net for entry in listed if entry.type == "payout"] == [-before]
    with pytest.raises(Exception, match="insufficient"):
        ledger.pay_out(shop.sandbox, "usd")
    paid(shop, 700)
    assert shop.balance() == 700 - 50


# --- Invoices by hand -------------------------------------------------------------------------------------------------


def test_an_invoice_by_hand(shop: Shop) -> None:
    customer = shop.customer()
    shop.api.invoice_items.create({"customer": customer, "amount": 250, "currency": "usd", "description": "Setup"})
    invoice = shop.api.invoices.create({"customer": customer, "pending_invoice_items_behavior": "include"})
    shop.api.invoice_items.create({"customer": customer, "invoice": invoice.id, "amount": -50, "currency": "usd"})
    assert (shop.invoice(invoice.id)["total"], shop.invoice(invoice.id)["status"]) == (200, "draft")
    shop.api.invoices.finalize_invoice(invoice.id)
    assert shop.api.invoices.pay(invoice.id).status == "paid"
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        shop.api.invoices.pay(invoice.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.invoices.update(invoice.id, {"description": "x"})
    assert refused.value.code == "invoice_not_editable"


@pytest.mark.parametrize("balance", [-100, 100])
def test_a_draft_can_be_deleted_and_an_open_invoice_voided(shop: Shop, balance: int) -> None:
    customer = shop.customer()
    shop.api.customers.balance_transactions.create(customer, {"amount": balance, "currency": "usd"})
    shop.api.invoice_items.create({"customer": customer, "amount": 250, "currency": "usd"})
    draft = shop.api.invoices.create({"customer": customer, "pending_invoice_items_behavior": "include"})
    shop.api.invoices.delete(draft.id)
    again = shop.api.invoices.create({"customer": customer, "pending_invoice_items_behavior": "include"})
    opened = shop.api.invoices.finalize_invoice(again.id)
    assert (opened.amount_due, shop.api.customers.retrieve(customer).balance) == (250 + balance, 0)
    assert shop.api.invoices.void_invoice(opened.id).status == "void"
    assert shop.api.customers.retrieve(customer).balance == balance


def test_nothing_is_finalized_without_a_place_to_tax(shop: Shop) -> None:
    customer = shop.customer(address={"country": "US", "state": "NY"})
    shop.subscribe(customer, (shop.price(1000), 1), automatic_tax={"enabled": True})
    assert shop.invoices(customer)[0]["total"] == 1089
    shop.api.customers.update(customer, {"address": {"country": "US"}})
    shop.later(days=32)
    invoice = shop.invoices(customer)[1]
    assert (invoice["status"], invoice["automatic_tax"]["status"]) == ("draft", "requires_location_inputs")
    assert invoice["last_finalization_error"]["code"] == "customer_tax_location_invalid"
    assert "invoice.finalization_failed" in shop.heard()
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.invoices.finalize_invoice(invoice["id"])
    shop.api.customers.update(customer, {"address": {"country": "US", "state": "OR"}})
    shop.later(days=1)
    assert (shop.invoices(customer)[1]["status"], shop.invoices(customer)[1]["total"]) == ("paid", 1000)
    elsewhere = shop.customer()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.subscribe(elsewhere, (shop.price(1000), 1), automatic_tax={"enabled": True})
    assert (refused.value.code, shop.invoices(elsewhere)) == ("customer_tax_location_invalid", [])


def test_ordered_failures_are_counted(shop: Shop) -> None:
    customer = shop.customer()
    payments.fail_next(shop.sandbox, customer, times=2, code="expired_card")
    shop.subscribe(customer, (shop.price(), 1))
    invoice = shop.invoices(customer)[0]["id"]
    with pytest.raises(stripe.CardError) as refused:
        shop.api.invoices.pay(invoice)
    assert refused.value.code == "expired_card"
    assert shop.api.invoices.pay(invoice).status == "paid"


@pytest.mark.parametrize("currency", ["isk", "ugx", "jpy", "kwd"])
def test_amounts_are_whole_in_currencies_that_stripe_writes_with_more_decimals(shop: Shop, currency: str) -> None:
    price = shop.price(100_000, currency=currency, recurring={"interval": "month"})
    coupon = shop.api.coupons.create({"percent_off": 33.3, "duration": "once"})
    customer = shop.customer(address={"country": "FI"})
    sub = shop.subscribe(customer, (price, 1), automatic_tax={"enabled": True}, discounts=[{"coupon": coupon.id}])
    shop.later(seconds=1_234_567)
    shop.change(sub, 3, proration_behavior="always_invoice")
    unit = 100 if currency in {"isk", "ugx"} else 1
    amounts = [
        line[name]
        for invoice in shop.invoices(customer)
        for line in invoice["lines"]["data"]
        for name in ("amount", "subtotal")
    ]
    amounts += [invoice["total"] for invoice in shop.invoices(customer)]
    amounts += [entry[name] for entry in shop.sandbox.find("balance_transaction") for name in ("amount", "fee", "net")]
    assert len(amounts) > 10 and not [amount for amount in amounts if amount % unit]
    if unit > 1:
        with pytest.raises(stripe.InvalidRequestError, match="divisible"):
            shop.price(150, currency=currency)
