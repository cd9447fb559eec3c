"""Everything that Freehold asks of Stripe or tells it, on the sandbox, which checks each request against the SDK's types
and answers in Stripe's shapes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import stripe as library
from django.utils import timezone

from billing.gateway import errors, reads
from billing.gateway.calls import METER, Gateway
from billing.gateway.objects import CustomerObject, SubscriptionObject
from billing.gateway.orders import (
    BalanceOrder,
    Change,
    CreditOrder,
    CustomerOrder,
    InvoicedOrder,
    Line,
    Mode,
    PreviewOrder,
    PriceOrder,
    ProductOrder,
    SessionOrder,
)
from billing.sandbox import jobs
from billing.sandbox.app import App
from billing.sandbox.faults import RequestTrouble
from billing.sandbox.store import VERSION, Sandbox
from billing.sandbox.transport import Direct
from tests.billing import world

URL = "https://freehold.example"


class Listening(Direct):
    """Hears what is sent."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(App(sandbox))
        self.heard: list[tuple[str, str, dict[str, str]]] = []

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, *, _usage: list[str] | None = None
    ) -> Any:
        self.heard.append((method.upper(), url, dict(headers or {})))
        return super().request(method, url, headers, post_data, _usage=_usage)


@pytest.fixture
def line(sandbox: Sandbox) -> Listening:
    return Listening(sandbox)


@pytest.fixture
def stripe(line: Listening, billing_settings: Any) -> Gateway:
    return Gateway(billing_settings, line)


@pytest.fixture
def seat(stripe: Gateway) -> str:
    """A price of 5.00 a month."""
    product = stripe.create_product("p", ProductOrder(name="Team", metadata={"freehold_plan": "team v1"}))
    order = PriceOrder(product=product.id, currency="usd", unit_amount=500, interval="month", lookup_key="seat")
    return stripe.create_price("s", order).id


@pytest.fixture
def root(stripe: Gateway, seat: str) -> str:
    product = next(stripe.products()).id
    order = PriceOrder(product=product, currency="usd", unit_amount=4000, interval="month", lookup_key="root")
    return stripe.create_price("r", order).id


@pytest.fixture
def buyer(stripe: Gateway) -> CustomerObject:
    order = CustomerOrder(name="Acme", email="pay@acme.example", metadata={"who": "7"}, address=world.ADDRESS)
    made = stripe.create_customer("c", order)
    method = stripe.v1.payment_methods.attach(world.VISA, {"customer": made.id})
    stripe.v1.customers.update(made.id, {"invoice_settings": {"default_payment_method": method.id}})
    return made


@pytest.fixture
def paid(stripe: Gateway, buyer: CustomerObject, seat: str) -> SubscriptionObject:
    """Three seats, paid by card."""
    made = stripe.v1.subscriptions.create({"customer": buyer.id, "items": [{"price": seat, "quantity": 3}]})
    return stripe.subscription(made.id)


def only(found: Iterator[Any]) -> Any:
    (one,) = found
    return one


class TestHowItAsks:
    def test_in_the_version_that_it_was_written_for(self, stripe: Gateway, line: Listening) -> None:
        stripe.account()
        ((_, _, headers),) = line.heard
        assert headers["Stripe-Version"] == reads.VERSION == VERSION == "2026-10-28.endive"
        assert "Freehold" in headers["User-Agent"]

    def test_it_tells_nothing_about_itself_that_was_not_asked(self, stripe: Gateway, line: Listening) -> None:
        stripe.account()
        stripe.account()
        assert not any("Telemetry" in name for _, _, headers in line.heard for name in headers)

    def test_whatever_changes_something_has_a_key_that_its_repetitions_share(
        self, stripe: Gateway, line: Listening, sandbox: Sandbox, buyer: CustomerObject
    ) -> None:
        line.heard.clear()
        sandbox.faults.add(kind=RequestTrouble.TIMEOUT_AFTER, times=1)
        order = CustomerOrder(name="New", email="", metadata={})
        made = stripe.create_customer("the-key", order)
        assert [headers["Idempotency-Key"] for _, _, headers in line.heard] == ["the-key", "the-key"]
        assert {each.id for each in stripe.customers()} == {buyer.id, made.id}

    def test_the_key_that_is_given_is_the_key_that_is_sent(self) -> None:
        keyed = {
            name: inspect.getsource(method)
            for name, method in inspect.getmembers(Gateway, inspect.isfunction)
            if "key" in inspect.signature(method).parameters
        }
        unsent = {name for name, source in keyed.items() if "once(key)" not in source and "(key, " not in source}
        assert unsent == {"cancel_now"}, "what Stripe calls a deletion has none"
        assert len(keyed) > 15

    def test_also_where_nobody_named_one(self, stripe: Gateway, line: Listening, buyer: CustomerObject) -> None:
        line.heard.clear()
        stripe.portal(buyer.id, URL)
        stripe.update_customer("", buyer.id, CustomerOrder(name="Acme", email="", metadata={}))
        assert all(headers["Idempotency-Key"] for _, _, headers in line.heard)
        assert len({headers["Idempotency-Key"] for _, _, headers in line.heard}) == 2

    def test_it_waits_for_seconds_and_tries_again(self, billing_settings: Any) -> None:
        made = reads.client(billing_settings)
        options = made._requestor._options
        assert (options.max_network_retries, reads.TIMEOUT) == (2, (4.0, 20.0))
        assert options.base_addresses["api"] == billing_settings.base


class TestWhatGoesWrong:
    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            (library.APIConnectionError("no way"), errors.Unavailable),
            (library.RateLimitError("slowly", http_status=429), errors.Unavailable),
            (library.APIError("oops", http_status=500), errors.Unavailable),
            (library.APIError("what?"), errors.Unavailable),
            (library.IdempotencyError("in use", http_status=409, code="idempotency_key_in_use"), errors.Unavailable),
            (library.InvalidRequestError("busy", None, code="lock_timeout", http_status=429), errors.Unavailable),
            (library.IdempotencyError("other parameters", http_status=400), errors.Refused),
            (library.InvalidRequestError("no such field", "x", http_status=400), errors.Refused),
            (library.InvalidRequestError("gone", "id", code="resource_missing", http_status=404), errors.NotThere),
            (
                library.InvalidRequestError(
                    "No such customer: 'cus_1'; a similar object exists in live mode, but a test mode key was used.",
                    "id",
                    code="resource_missing",
                    http_status=404,
                ),
                errors.WrongMode,
            ),
            (library.CardError("no money", None, "card_declined", http_status=402), errors.Declined),
            (library.AuthenticationError("who?", http_status=401), errors.Misconfigured),
            (library.PermissionError("not with this key", http_status=403), errors.Misconfigured),
        ],
    )
    def test_is_told_by_what_can_be_done_about_it(self, error: library.StripeError, kind: type[Exception]) -> None:
        found = reads.translated(error)
        assert type(found) is kind
        assert (found.code, found.message) == (error.code or "", error.user_message)

    def test_silence_is_told_in_a_sentence(self) -> None:
        """The library's own text goes on for lines, and quotes all that was asked."""
        said = "Unexpected error.  If this problem persists,\nlet us know.\n\n(Network error: ReadTimeout: /v1/x?customer=1)"
        assert reads.translated(library.APIConnectionError(said)).message == "Stripe does not answer (ReadTimeout)."

    def test_a_revoked_key(self, stripe: Gateway, sandbox: Sandbox) -> None:
        sandbox.api_key = "sk_test_another"
        with pytest.raises(errors.Misconfigured):
            stripe.balance()

    def test_a_page_of_a_list_too(self, stripe: Gateway, sandbox: Sandbox) -> None:
        sandbox.faults.add(kind=RequestTrouble.ERROR, times=None)
        with pytest.raises(errors.Unavailable):
            list(stripe.customers())

    def test_what_is_not_there(self, stripe: Gateway) -> None:
        for ask in (stripe.customer, stripe.subscription, stripe.invoice, stripe.session, stripe.charge, stripe.refund):
            with pytest.raises(errors.NotThere):
                ask("nothing_1")


class TestWhatIsSold:
    def test_prices_are_found_by_the_names_that_we_gave_them(self, stripe: Gateway, seat: str, root: str) -> None:
        found = only(stripe.prices(["root"]))
        assert (found.id, found.unit_amount, found.interval, found.metered) == (root, 4000, "month", False)
        assert {each.id for each in stripe.prices()} == {seat, root}
        many = [f"name-{n}" for n in range(25)]
        assert [each.id for each in stripe.prices([*many, "seat"])] == [seat]

    def test_a_product_is_renamed_and_a_price_closed(self, stripe: Gateway, seat: str) -> None:
        product = only(stripe.products())
        assert product.metadata == {"freehold_plan": "team v1"}
        assert stripe.update_product(product.id, name="Team 2", active=True).name == "Team 2"
        assert stripe.archive_price(seat).active is False

    def test_the_same_price_twice_is_one(self, stripe: Gateway, seat: str) -> None:
        product = only(stripe.products()).id
        order = PriceOrder(product=product, currency="usd", unit_amount=500, interval="month", lookup_key="seat")
        assert stripe.create_price("s", order).id == seat

    def test_what_was_counted_is_told_by_the_minute(self, stripe: Gateway, buyer: CustomerObject) -> None:
        stripe.ensure_meter()
        now = timezone.now().replace(second=30)
        assert stripe.usage_counted(customer=buyer.id, at=now) == 0
        stripe.report_usage("report-1", customer=buyer.id, value=12, at=now)
        assert stripe.usage_counted(customer=buyer.id, at=now.replace(second=59)) == 12
        assert stripe.usage_counted(customer=buyer.id, at=now - timedelta(minutes=1)) == 0

    def test_credit_is_given_once_and_listed_the_newest_first(self, stripe: Gateway, buyer: CustomerObject) -> None:
        order = BalanceOrder(customer=buyer.id, amount=700, currency="usd", description="Wire", metadata={"a": "b"})
        made = stripe.give_credit("k", order)
        assert stripe.give_credit("k", order) == made
        assert (made.amount, made.currency, made.kind, made.metadata) == (-700, "usd", "adjustment", {"a": "b"})
        second = stripe.give_credit("l", order)
        assert [move.id for move in stripe.credit_moves(buyer.id)] == [second.id, made.id]
        assert stripe.customer(buyer.id).balance == -1400
        stripe.v1.customers.delete(buyer.id)

    def test_usage_is_reported_to_one_meter(self, stripe: Gateway, buyer: CustomerObject, sandbox: Sandbox) -> None:
        assert stripe.ensure_meter() == stripe.ensure_meter()
        now = timezone.now()
        stripe.report_usage("report-1", customer=buyer.id, value=12, at=now)
        stripe.report_usage("report-1", customer=buyer.id, value=12, at=now)
        (event,) = sandbox.find("billing.meter_event")
        assert (event["event_name"], event["payload"]["value"]) == (METER, "12")


class TestWhoBuys:
    def test_a_customer(self, stripe: Gateway, buyer: CustomerObject) -> None:
        stripe.v1.customers.tax_ids.create(buyer.id, {"type": "eu_vat", "value": "DE123456789"})
        found = stripe.customer(buyer.id)
        assert (found.email, found.country, dict(found.metadata)) == ("pay@acme.example", "DE", {"who": "7"})
        assert [(each.kind, each.value) for each in found.tax_ids] == [("eu_vat", "DE123456789")]
        stripe.update_customer("u", buyer.id, CustomerOrder(name="Acme Ltd", email="x@acme.example", metadata={}))
        assert stripe.customer(buyer.id).country == "DE"

    def test_one_that_was_deleted_says_so(self, stripe: Gateway, buyer: CustomerObject) -> None:
        stripe.v1.customers.delete(buyer.id)
        assert stripe.customer(buyer.id) == CustomerObject(id=buyer.id, deleted=True)

    def test_the_portal_changes_no_plan(self, stripe: Gateway, buyer: CustomerObject, sandbox: Sandbox) -> None:
        configuration = stripe.ensure_portal_configuration(return_url=URL)
        assert stripe.ensure_portal_configuration(return_url=URL) == configuration
        (made,) = sandbox.find("billing_portal.configuration")
        assert not made["features"]["subscription_update"]["enabled"]
        assert not made["features"]["subscription_cancel"]["enabled"]
        assert stripe.portal(buyer.id, URL, configuration).startswith("http")


class TestCheckout:
    def order(self, buyer: CustomerObject, seat: str, **more: Any) -> SessionOrder:
        lines = (Line(price=seat, quantity=2, minimum=2, maximum=100),)
        return SessionOrder(
            customer=buyer.id,
            lines=lines,
            success_url=f"{URL}/return?session={{CHECKOUT_SESSION_ID}}",
            cancel_url=f"{URL}/cancelled",
            client_reference_id="intent",
            metadata={"freehold_intent": "intent"},
            expires_at=timezone.now() + timedelta(hours=2),
            **more,
        )

    def test_the_same_key_is_the_same_page(self, stripe: Gateway, buyer: CustomerObject, seat: str) -> None:
        order = self.order(buyer, seat)
        session = stripe.create_session("intent", order)
        assert session == stripe.create_session("intent", order) == stripe.session(session.id)
        assert (session.status, session.payment_status, session.subscription) == ("open", "unpaid", "")
        assert session.url
        assert [each.id for each in stripe.sessions(buyer.id)] == [session.id]

    def test_other_terms_under_the_key_are_refused(self, stripe: Gateway, buyer: CustomerObject, seat: str) -> None:
        order = self.order(buyer, seat)
        stripe.create_session("intent", order)
        with pytest.raises(errors.Refused):
            stripe.create_session("intent", self.order(buyer, seat, promotion_codes=False))

    def test_it_can_be_ended(self, stripe: Gateway, buyer: CustomerObject, seat: str) -> None:
        session = stripe.create_session("intent", self.order(buyer, seat))
        assert stripe.expire_session(session.id).status == "expired"
        with pytest.raises(errors.Refused):
            stripe.expire_session(session.id)

    def test_what_it_is_for_stands_on_the_subscription_too(
        self, stripe: Gateway, buyer: CustomerObject, seat: str, sandbox: Sandbox
    ) -> None:
        session = stripe.create_session("intent", self.order(buyer, seat))
        kept = sandbox.get("checkout.session", session.id)
        assert kept["metadata"] == kept["_subscription"]["metadata"] == {"freehold_intent": "intent"}


class TestSubscriptions:
    def test_as_it_is(self, stripe: Gateway, paid: SubscriptionObject, buyer: CustomerObject, seat: str) -> None:
        (item,) = paid.items
        assert (paid.status, paid.customer, paid.currency) == ("active", buyer.id, "usd")
        assert (item.price, item.lookup_key, item.quantity, item.interval) == (seat, "seat", 3, "month")
        assert item.period_start and item.period_end and item.period_end > item.period_start
        assert [each.id for each in stripe.subscriptions(customer=buyer.id)] == [paid.id]
        assert list(stripe.subscriptions(since=timezone.now() + timedelta(days=1))) == []

    def test_more_is_paid_at_once_as_the_preview_said(
        self, stripe: Gateway, paid: SubscriptionObject, sandbox: Sandbox
    ) -> None:
        jobs.advance(sandbox, sandbox.clock.now() + 10 * 86_400)
        at, (item,) = timezone.now() + timedelta(days=10), paid.items
        change = (Change(item=item.id, quantity=5),)
        preview = stripe.preview(PreviewOrder(subscription=paid.id, changes=change, at=at))
        changed = stripe.set_quantities("k", paid.id, {item.id: 5}, Mode.INCREASE, at=at)
        invoice = stripe.invoice(changed.latest_invoice)
        assert preview.id == ""
        assert (invoice.status, invoice.total) == ("paid", preview.total)
        assert 0 < invoice.total < 1000
        assert changed.items[0].quantity == 5

    def test_more_that_is_not_paid_waits(self, stripe: Gateway, paid: SubscriptionObject) -> None:
        method = stripe.v1.payment_methods.attach(world.DECLINES, {"customer": paid.customer})
        stripe.v1.customers.update(paid.customer, {"invoice_settings": {"default_payment_method": method.id}})
        (item,) = paid.items
        changed = stripe.set_quantities("k", paid.id, {item.id: 5}, Mode.INCREASE)
        assert changed.items[0].quantity == 3
        assert dict(changed.pending_items) == {item.id: 5}
        assert changed.pending_until is not None

    def test_less_moves_no_money(self, stripe: Gateway, paid: SubscriptionObject) -> None:
        (item,) = paid.items
        changed = stripe.set_quantities("k", paid.id, {item.id: 2}, Mode.DECREASE)
        assert changed.items[0].quantity == 2
        assert changed.latest_invoice == paid.latest_invoice

    def test_something_is_added_and_taken_away(self, stripe: Gateway, paid: SubscriptionObject, root: str) -> None:
        changed = stripe.change_items("k", paid.id, [Change(price=root, quantity=1)], Mode.INCREASE)
        added = next(item for item in changed.items if item.price == root)
        changed = stripe.change_items("l", paid.id, [Change(item=added.id, remove=True)], Mode.DECREASE)
        assert [item.lookup_key for item in changed.items] == ["seat"]

    def test_another_price_is_another_plan(self, stripe: Gateway, paid: SubscriptionObject, root: str) -> None:
        (item,) = paid.items
        changed = stripe.change_prices("k", paid.id, [Change(item=item.id, price=root, quantity=3)], Mode.INCREASE)
        assert [(each.id, each.price) for each in changed.items] == [(item.id, root)]

    def test_it_ends_with_the_period_and_goes_on_after_all(self, stripe: Gateway, paid: SubscriptionObject) -> None:
        ending = stripe.cancel("k", paid.id)
        assert ending.cancel_at_period_end or ending.cancel_at
        going_on = stripe.resume("l", ending)
        assert (going_on.cancel_at_period_end, going_on.cancel_at) == (False, None)

    def test_an_end_on_a_day_is_taken_back_too(self, stripe: Gateway, paid: SubscriptionObject) -> None:
        stripe.v1.subscriptions.update(paid.id, {"cancel_at": int(timezone.now().timestamp()) + 86_400 * 3})
        assert stripe.resume("l", stripe.subscription(paid.id)).cancel_at is None

    def test_at_once_and_not_a_second_time(self, stripe: Gateway, paid: SubscriptionObject) -> None:
        ended = stripe.cancel_now("k", paid.id, prorate=False)
        assert (ended.status, ended.ended_at is None) == ("canceled", False)
        assert stripe.cancel_now("k", paid.id, prorate=False).ended_at == ended.ended_at
        with pytest.raises(errors.NotThere):
            stripe.cancel_now("k", "sub_nothing", prorate=False)


class TestByInvoice:
    @pytest.fixture
    def invoiced(self, stripe: Gateway, buyer: CustomerObject, seat: str) -> SubscriptionObject:
        order = InvoicedOrder(
            customer=buyer.id,
            lines=(Line(price=seat, quantity=4),),
            days_until_due=30,
            metadata={"freehold_intent": "i"},
            fields=(("Purchase order", "PO-17"),),
        )
        return stripe.create_subscription("k", order)

    def test_until_the_wire_comes(self, stripe: Gateway, invoiced: SubscriptionObject) -> None:
        assert (invoiced.collection_method, invoiced.days_until_due) == ("send_invoice", 30)
        draft = stripe.invoice(invoiced.latest_invoice)
        final = stripe.finalize("f", draft.id)
        assert (final.status, final.amount_remaining, final.subscription) == ("open", 2380, invoiced.id)
        assert final.due_date and final.finalized_at
        assert final.due_date - final.finalized_at == timedelta(days=30)
        assert final.raw["custom_fields"] == [{"name": "Purchase order", "value": "PO-17"}]
        assert stripe.send_invoice("m", final.id).status == "open"
        done = stripe.pay_out_of_band("w", final.id)
        assert (done.status, done.paid_out_of_band, done.amount_remaining) == ("paid", True, 0)
        assert [each.charge for each in done.payments if each.charge] == []

    def test_or_does_not(self, stripe: Gateway, invoiced: SubscriptionObject) -> None:
        final = stripe.finalize("f", invoiced.latest_invoice)
        assert stripe.mark_uncollectible("u", final.id).status == "uncollectible"
        assert stripe.void("v", final.id).status == "void"


class TestMoney:
    def test_what_was_paid_and_what_stripe_kept(
        self, stripe: Gateway, paid: SubscriptionObject, buyer: CustomerObject
    ) -> None:
        invoice = stripe.invoice(paid.latest_invoice)
        (payment,) = invoice.payments
        charge = stripe.charge(payment.charge)
        moved = stripe.balance_transaction(charge.balance_transaction)
        assert (payment.status, payment.amount_paid, charge.amount) == ("paid", invoice.total, invoice.total)
        assert (moved.amount, moved.net, moved.source) == (charge.amount, charge.amount - moved.fee, charge.id)
        assert [each.id for each in stripe.invoices(customer=buyer.id)] == [invoice.id]
        assert list(stripe.invoices(subscription=paid.id, status="open")) == []
        assert [each.id for each in stripe.charges(customer=buyer.id)] == [charge.id]
        assert charge.balance_transaction in [each.id for each in stripe.balance_transactions()]
        assert list(stripe.balance_transactions(since=timezone.now() + timedelta(days=1))) == []
        assert sum(stripe.balance().pending.values()) + sum(stripe.balance().available.values()) == moved.net

    def test_tax_by_where_it_goes(self, stripe: Gateway, paid: SubscriptionObject, line: Listening) -> None:
        order = PreviewOrder(customer=paid.customer, lines=(Line(price=paid.items[0].price, quantity=10),))
        line.heard.clear()
        for _ in range(2):
            preview = stripe.preview(order)
        (tax,) = preview.taxes
        assert (tax.jurisdiction, tax.rate, tax.taxable, tax.amount) == ("DE", "19", 5000, 950)
        assert (preview.subtotal, preview.tax, preview.total) == (5000, 950, 5950)
        assert len([url for _, url, _ in line.heard if "/tax_rates/" in url]) == 1

    def test_back_by_a_credit_note(self, stripe: Gateway, paid: SubscriptionObject) -> None:
        invoice = stripe.invoice(paid.latest_invoice)
        order = CreditOrder(
            invoice=invoice.id, amount=400, reason="order_change", memo="Fewer", refund=300, to_balance=100
        )
        note = stripe.create_credit_note("n", order)
        refund = stripe.refund(note.refunds[0])
        assert (note.total, note.to_balance, note.out_of_band, note.status) == (400, 100, 0, "issued")
        assert (refund.amount, refund.status) == (300, "succeeded")
        assert only(stripe.credit_notes(invoice.id)) == stripe.credit_note(note.id) == note
        assert only(stripe.refunds(charge=refund.charge)).id == refund.id
        assert stripe.customer(paid.customer).balance == -100

    def test_lines_beyond_the_first_ten_are_read_too(
        self, stripe: Gateway, buyer: CustomerObject, sandbox: Sandbox
    ) -> None:
        for number in range(23):
            stripe.v1.invoice_items.create(
                {"customer": buyer.id, "amount": 100 + number, "currency": "usd", "description": f"thing {number}"}
            )
        made = stripe.v1.invoices.create({"customer": buyer.id, "pending_invoice_items_behavior": "include"})
        assert len(stripe.invoice(made.id).lines) == 23


class TestEvents:
    def test_an_endpoint_speaks_our_version(self, stripe: Gateway, sandbox: Sandbox) -> None:
        before = [each.id for each in stripe.endpoints()]
        made, secret = stripe.create_endpoint("e", f"{world.WEBHOOK}2", ["invoice.paid"])
        assert secret.startswith("whsec_")
        assert (made.api_version, made.enabled_events, made.status) == (VERSION, ("invoice.paid",), "enabled")
        changed = stripe.update_endpoint(made.id, url=f"{world.WEBHOOK}3", events=["invoice.paid", "invoice.voided"])
        assert len(changed.enabled_events) == 2
        assert {each.id for each in stripe.endpoints()} == {*before, made.id}

    def test_what_happened_can_be_asked_again(self, stripe: Gateway, paid: SubscriptionObject) -> None:
        found = list(stripe.events(types=["customer.subscription.created"]))
        assert [(each.object_type, each.object, each.customer) for each in found] == [
            ("subscription", paid.id, paid.customer)
        ]
        assert stripe.event(found[0].id) == found[0]
        assert list(stripe.events(since=timezone.now() + timedelta(days=1))) == []
