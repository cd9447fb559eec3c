"""What Stripe is told. Each call that makes or changes something takes the idempotency key that its repetitions share;
where none is asked for, saying it twice does no harm, and the library makes one for its own retries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from stripe import RequestOptions
from stripe import params as wanted
from stripe.params import billing_portal, checkout

from billing.gateway import errors, forms, objects, reading, reading_credit
from billing.gateway.deadline import demand_time
from billing.gateway.orders import (
    BalanceOrder,
    Change,
    CreditOrder,
    CustomerOrder,
    InvoicedOrder,
    Mode,
    PreviewOrder,
    PriceOrder,
    ProductOrder,
    SessionOrder,
)
from billing.gateway.reading import seconds
from billing.gateway.reads import VERSION, Reads, asking, plain
from freehold.stripe_settings import StripeSettings

METER = "freehold_gigabytes_served"
PORTAL = "freehold"
"""The name under which the portal's configuration is found again."""


def once(key: str) -> RequestOptions:
    """With an empty key the library makes one, for its own retries. Raises ``Unavailable`` when it is too late."""
    demand_time()
    return {"idempotency_key": str(key)} if key else {}


class Gateway(Reads):
    """Everything that may be asked of Stripe, or told to it."""

    # --- What is sold -------------------------------------------------------------------------------------------------

    def create_product(self, key: str, order: ProductOrder) -> objects.ProductObject:
        asked: wanted.ProductCreateParams = {"name": order.name, "metadata": dict(order.metadata)}
        if order.description:
            asked["description"] = order.description
        with asking():
            return reading.product(plain(self.v1.products.create(asked, once(key))))

    def update_product(self, identifier: str, *, name: str, active: bool = True) -> objects.ProductObject:
        with asking():
            return reading.product(plain(self.v1.products.update(identifier, {"name": name, "active": active})))

    def create_price(self, key: str, order: PriceOrder) -> objects.PriceObject:
        recurring: wanted.PriceCreateParamsRecurring = {"interval": order.interval}
        if order.meter:
            recurring |= {"usage_type": "metered", "meter": order.meter}
        asked: wanted.PriceCreateParams = {
            "product": order.product,
            "currency": order.currency,
            "unit_amount": order.unit_amount,
            "recurring": recurring,
            "lookup_key": order.lookup_key,
            "transfer_lookup_key": True,
            "tax_behavior": "exclusive",
            "nickname": order.nickname or order.lookup_key,
            "metadata": dict(order.metadata),
        }
        with asking():
            return reading.price(plain(self.v1.prices.create(asked, once(key))))

    def archive_price(self, identifier: str) -> objects.PriceObject:
        """Nobody new can buy at it; who has it keeps it."""
        with asking():
            return reading.price(plain(self.v1.prices.update(identifier, {"active": False})))

    def ensure_meter(self) -> str:
        """The id of the meter that counts what was served."""
        with asking():
            for found in self.v1.billing.meters.list({"limit": 100}).auto_paging_iter():
                if found.event_name == METER:
                    return found.id
            made = self.v1.billing.meters.create(
                {"display_name": "Gigabytes served", "event_name": METER, "default_aggregation": {"formula": "sum"}},
                once(f"meter-{METER}"),
            )
            return made.id

    def report_usage(self, key: str, *, customer: str, value: int, at: datetime) -> None:
        """``key`` is also what Stripe knows the report by, so that it counts once."""
        asked: wanted.billing.MeterEventCreateParams = {
            "event_name": METER,
            "identifier": str(key),
            "timestamp": seconds(at),
            "payload": {"stripe_customer_id": customer, "value": str(value)},
        }
        with asking():
            self.v1.billing.meter_events.create(asked, once(key))

    def usage_counted(self, *, customer: str, at: datetime) -> int:
        """What Stripe has counted of reports for the minute of this moment; it takes some minutes to count them."""
        start = seconds(at) // 60 * 60
        asked: wanted.billing.MeterEventSummaryListParams = {
            "customer": customer,
            "start_time": start,
            "end_time": start + 60,
        }
        meter = self.ensure_meter()
        with asking():
            found = self.v1.billing.meters.event_summaries.list(meter, asked)
            return sum(int(each.aggregated_value) for each in found.auto_paging_iter())

    # --- Who buys -----------------------------------------------------------------------------------------------------

    def create_customer(self, key: str, order: CustomerOrder) -> objects.CustomerObject:
        asked: wanted.CustomerCreateParams = {
            "name": order.name,
            "email": order.email,
            "metadata": dict(order.metadata),
            "expand": ["tax_ids"],
        }
        if order.address:
            asked["address"] = forms.address(order.address)
        with asking():
            return reading.customer(plain(self.v1.customers.create(asked, once(key))))

    def update_customer(self, key: str, identifier: str, order: CustomerOrder) -> objects.CustomerObject:
        asked: wanted.CustomerUpdateParams = {
            "name": order.name,
            "email": order.email,
            "metadata": dict(order.metadata),
            "expand": ["tax_ids"],
        }
        if order.address:
            asked["address"] = forms.address(order.address)
        with asking():
            return reading.customer(plain(self.v1.customers.update(identifier, asked, once(key))))

    def add_tax_id(self, key: str, customer: str, kind: str, value: str) -> objects.TaxIdObject:
        asked: Any = {"type": kind, "value": value}
        with asking():
            return reading.tax_id(plain(self.v1.customers.tax_ids.create(customer, asked, once(key))))

    def create_session(self, key: str, order: SessionOrder) -> objects.SessionObject:
        asked: checkout.SessionCreateParams = {
            "mode": "subscription",
            "customer": order.customer,
            "line_items": [forms.session_line(line) for line in order.lines],
            "success_url": order.success_url,
            "cancel_url": order.cancel_url,
            "client_reference_id": order.client_reference_id,
            "metadata": dict(order.metadata),
            "subscription_data": {"metadata": dict(order.metadata)},
            "allow_promotion_codes": order.promotion_codes,
            "locale": order.locale,
            "billing_address_collection": "required",
            "customer_update": {"address": "auto", "name": "auto"},
            "tax_id_collection": {"enabled": True},
            "automatic_tax": {"enabled": order.automatic_tax},
        }
        if order.expires_at:
            asked["expires_at"] = seconds(order.expires_at)
        with asking():
            return reading.session(plain(self.v1.checkout.sessions.create(asked, once(key))))

    def expire_session(self, identifier: str) -> objects.SessionObject:
        with asking():
            return reading.session(plain(self.v1.checkout.sessions.expire(identifier)))

    def portal(self, customer: str, return_url: str, configuration: str = "") -> str:
        """The address of a page at Stripe where cards, addresses and tax ids are kept."""
        asked: billing_portal.SessionCreateParams = {"customer": customer, "return_url": return_url}
        if configuration:
            asked["configuration"] = configuration
        with asking():
            return self.v1.billing_portal.sessions.create(asked).url

    def ensure_portal_configuration(self, *, return_url: str) -> str:
        """Cards, address, tax ids, invoices: what changes quantities and plans is done here, and not there."""
        with asking():
            for found in self.v1.billing_portal.configurations.list({"limit": 100}).auto_paging_iter():
                if reading.metadata(plain(found)).get("made_by") == PORTAL and found.active:
                    return found.id
            asked: billing_portal.ConfigurationCreateParams = {
                "default_return_url": return_url,
                "metadata": {"made_by": PORTAL},
                "features": {
                    "customer_update": {"enabled": True, "allowed_updates": ["name", "email", "address", "tax_id"]},
                    "invoice_history": {"enabled": True},
                    "payment_method_update": {"enabled": True},
                    "subscription_cancel": {"enabled": False},
                    "subscription_update": {"enabled": False},
                },
            }
            return self.v1.billing_portal.configurations.create(asked).id

    # --- Subscriptions ------------------------------------------------------------------------------------------------

    def create_subscription(self, key: str, order: InvoicedOrder) -> objects.SubscriptionObject:
        """By invoice."""
        asked: wanted.SubscriptionCreateParams = {
            "customer": order.customer,
            "items": [forms.subscription_line(line) for line in order.lines],
            "collection_method": "send_invoice",
            "days_until_due": order.days_until_due,
            "metadata": dict(order.metadata),
            "automatic_tax": {"enabled": order.automatic_tax},
        }
        if order.fields:
            fields = [{"name": name, "value": value} for name, value in order.fields]
            asked["invoice_settings"] = {"custom_fields": fields}  # type: ignore[typeddict-item]  # a list of dicts with just these words
        if order.description:
            asked["description"] = order.description
        with asking():
            return reading.subscription(plain(self.v1.subscriptions.create(asked, once(key))))

    def set_quantities(
        self, key: str, subscription: str, quantities: Mapping[str, int], mode: Mode, *, at: datetime | None = None
    ) -> objects.SubscriptionObject:
        """Absolute numbers by the id of the item."""
        changes = tuple(Change(item=item, quantity=quantity) for item, quantity in quantities.items())
        return self.change_items(key, subscription, changes, mode, at=at)

    def change_items(
        self, key: str, subscription: str, changes: Iterable[Change], mode: Mode, *, at: datetime | None = None
    ) -> objects.SubscriptionObject:
        """Numbers, prices, items more or less: the change of a plan too. ``at`` is what proration is reckoned from."""
        proration, payment = forms.PAID_HOW[mode]
        asked: wanted.SubscriptionUpdateParams = {
            "items": [forms.update_line(change) for change in changes],
            "proration_behavior": proration,
        }
        if payment:
            asked["payment_behavior"] = payment
        if at and mode is not Mode.DECREASE:
            asked["proration_date"] = seconds(at)
        with asking():
            return reading.subscription(plain(self.v1.subscriptions.update(subscription, asked, once(key))))

    change_prices = change_items

    def cancel(self, key: str, subscription: str) -> objects.SubscriptionObject:
        """At the end of the period."""
        with asking():
            found = self.v1.subscriptions.update(subscription, {"cancel_at_period_end": True}, once(key))
            return reading.subscription(plain(found))

    def resume(self, key: str, subscription: objects.SubscriptionObject) -> objects.SubscriptionObject:
        """Take the cancellation back, whichever of the two fields says it."""
        asked: wanted.SubscriptionUpdateParams = (
            {"cancel_at_period_end": False} if subscription.cancel_at_period_end else {"cancel_at": ""}
        )
        with asking():
            return reading.subscription(plain(self.v1.subscriptions.update(subscription.id, asked, once(key))))

    def cancel_now(self, key: str, subscription: str, *, prorate: bool) -> objects.SubscriptionObject:
        """At once. ``prorate``: what is left of the period becomes a credit. A second time changes nothing: one that is
        over already is answered as it is."""
        del key  # Stripe keeps none for what it calls a deletion
        demand_time()
        try:
            with asking():
                asked: wanted.SubscriptionCancelParams = {"prorate": prorate, "invoice_now": prorate}
                return reading.subscription(plain(self.v1.subscriptions.cancel(subscription, asked)))
        except errors.Refused:
            found = self.subscription(subscription)
            if found.ended_at is None:
                raise
            return found

    # --- Invoices and notes -------------------------------------------------------------------------------------------

    def preview(self, order: PreviewOrder) -> objects.InvoiceObject:
        """An invoice that nobody gets. It has no id, for there is nothing that could be asked for by it."""
        with asking():
            return self._invoice(plain(self.v1.invoices.create_preview(forms.preview(order))) | {"id": ""})

    def finalize(self, key: str, identifier: str) -> objects.InvoiceObject:
        with asking():
            return self._invoice(plain(self.v1.invoices.finalize_invoice(identifier, {}, once(key))))

    def pay_out_of_band(self, key: str, identifier: str) -> objects.InvoiceObject:
        """A wire came. What Stripe's object says after it has no payment, but an amount paid elsewhere."""
        with asking():
            return self._invoice(plain(self.v1.invoices.pay(identifier, {"paid_out_of_band": True}, once(key))))

    def send_invoice(self, key: str, identifier: str) -> objects.InvoiceObject:
        with asking():
            return self._invoice(plain(self.v1.invoices.send_invoice(identifier, {}, once(key))))

    def void(self, key: str, identifier: str) -> objects.InvoiceObject:
        with asking():
            return self._invoice(plain(self.v1.invoices.void_invoice(identifier, {}, once(key))))

    def mark_uncollectible(self, key: str, identifier: str) -> objects.InvoiceObject:
        with asking():
            return self._invoice(plain(self.v1.invoices.mark_uncollectible(identifier, {}, once(key))))

    def create_credit_note(self, key: str, order: CreditOrder) -> objects.CreditNoteObject:
        asked: wanted.CreditNoteCreateParams = {
            "invoice": order.invoice,
            "amount": order.amount,
            "metadata": dict(order.metadata),
            "expand": ["customer_balance_transaction"],
        }
        if order.reason:
            asked["reason"] = order.reason
        if order.memo:
            asked["memo"] = order.memo
        if order.refund:
            asked["refund_amount"] = order.refund
        if order.to_balance:
            asked["credit_amount"] = order.to_balance
        if order.out_of_band:
            asked["out_of_band_amount"] = order.out_of_band
        with asking():
            return reading_credit.credit_note(plain(self.v1.credit_notes.create(asked, once(key))), self._rate)

    def give_credit(self, key: str, order: BalanceOrder) -> objects.CreditMoveObject:
        """Credit that the customer's next invoice uses."""
        asked: wanted.CustomerBalanceTransactionCreateParams = {
            "amount": -order.amount,
            "currency": order.currency,
            "description": order.description,
            "metadata": dict(order.metadata),
        }
        with asking():
            made = self.v1.customers.balance_transactions.create(order.customer, asked, once(key))
            return reading_credit.credit_move(plain(made))

    # --- Where Stripe tells us ----------------------------------------------------------------------------------------

    def create_endpoint(self, key: str, url: str, events: Iterable[Any]) -> tuple[objects.EndpointObject, str]:
        """With its secret, which is told this once. It speaks the version that we do. ``events`` are types of them,
        which the library would have us write out one by one."""
        asked: wanted.WebhookEndpointCreateParams = {
            "url": url,
            "enabled_events": list(events),
            "api_version": VERSION,  # type: ignore[typeddict-item]  # the library lists every version, and checks it as text
        }
        with asking():
            tree = plain(self.v1.webhook_endpoints.create(asked, once(key)))
            return reading.endpoint(tree), reading.text(tree, "secret")

    def update_endpoint(self, identifier: str, *, url: str, events: Iterable[Any]) -> objects.EndpointObject:
        asked: wanted.WebhookEndpointUpdateParams = {"url": url, "enabled_events": list(events), "disabled": False}
        with asking():
            return reading.endpoint(plain(self.v1.webhook_endpoints.update(identifier, asked)))


# --- Which one --------------------------------------------------------------------------------------------------------

_instead: list[Gateway] = []
"""What tests use, the last one first: for all threads, as a gateway is."""


def gateway() -> Gateway:
    """The one that the settings describe, or that a test uses instead."""
    return _instead[-1] if _instead else _configured(settings.FREEHOLD_STRIPE)


@lru_cache(maxsize=2)
def _configured(found: StripeSettings) -> Gateway:
    return Gateway(found)


@contextmanager
def use(instead: Gateway) -> Iterator[Gateway]:
    _instead.append(instead)
    try:
        yield instead
    finally:
        _instead.remove(instead)
