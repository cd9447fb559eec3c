"""What Stripe is asked, and what may become of asking it. Only this module and ``calls`` import Stripe's library."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import stripe
from stripe import params as wanted

from billing.gateway import errors, objects, reading, reading_credit
from billing.gateway.reading import seconds
from freehold.stripe_settings import StripeSettings

VERSION = "2026-10-28.endive"
"""The API that all of this was written against. Stripe serves it for as long as we ask for it."""
RETRIES = 2
TIMEOUT = (4.0, 20.0)
"""Seconds to connect, and to wait for an answer: a page may wait for it."""
PAGE = 100

stripe.enable_telemetry = False
stripe.set_app_info("Freehold")
logging.getLogger("stripe").setLevel(logging.WARNING)  # it would write a line for each request, and the ids in it

_ONCE_MORE = frozenset({"lock_timeout", "idempotency_key_in_use", "rate_limit"})


class _Dumped(Protocol):
    def to_dict(self, recursive: bool = True, for_json: bool = False) -> dict[str, Any]: ...


def plain(found: _Dumped) -> dict[str, Any]:
    """The one place where an object of the library becomes a dict, which can be kept as JSON."""
    return found.to_dict(for_json=True)


@contextmanager
def asking() -> Iterator[None]:
    """What goes wrong comes out as one of ``billing.gateway.errors``."""
    try:
        yield
    except stripe.StripeError as error:
        raise translated(error) from error


def translated(error: stripe.StripeError) -> errors.GatewayError:
    message = error.user_message or str(error)
    kind = _kind(error, message)
    if isinstance(error, stripe.APIConnectionError):
        message = _unheard(message)
    return kind(message, code=error.code or "", param=getattr(error, "param", None) or "")


def _unheard(message: str) -> str:
    """In a sentence: the library also says what to write to whom, and quotes the address with all that was asked."""
    _, _, cause = message.partition("(Network error: ")
    return f"Stripe does not answer ({cause.partition(':')[0]})." if cause else message


def _kind(error: stripe.StripeError, message: str) -> type[errors.GatewayError]:
    status = error.http_status or 0
    denied = isinstance(error, stripe.AuthenticationError | stripe.PermissionError)
    unheard = isinstance(error, stripe.APIConnectionError | stripe.RateLimitError) or status >= 500 or status == 409
    refused = isinstance(error, stripe.InvalidRequestError | stripe.IdempotencyError) or 400 <= status < 500
    kinds: tuple[tuple[bool, type[errors.GatewayError]], ...] = (
        (denied, errors.Misconfigured),
        (isinstance(error, stripe.CardError), errors.Declined),
        (unheard or error.code in _ONCE_MORE, errors.Unavailable),
        ("similar object exists in" in message, errors.WrongMode),
        (error.code == "resource_missing" or status == 404, errors.NotThere),
        (refused, errors.Refused),
    )
    return next((kind for holds, kind in kinds if holds), errors.Unavailable)


def client(settings: StripeSettings, http: stripe.HTTPClient | None = None) -> stripe.StripeClient:
    """``http`` is what carries the requests; the usual one by default."""
    return stripe.StripeClient(
        settings.key,
        stripe_version=VERSION,
        max_network_retries=RETRIES,
        http_client=http or stripe.RequestsClient(timeout=TIMEOUT),
        base_addresses={"api": settings.base} if settings.base else None,
    )


class Reads:
    """Each answers with our own records and raises ``billing.gateway.errors``; lists come page by page as they are
    walked."""

    def __init__(self, settings: StripeSettings, http: stripe.HTTPClient | None = None) -> None:
        self.settings = settings
        self.v1 = client(settings, http).v1
        self._rates: dict[str, reading.Tree] = {}

    # --- The account --------------------------------------------------------------------------------------------------

    def account(self) -> objects.AccountObject:
        with asking():
            return reading.account(plain(self.v1.accounts.retrieve_current()))

    def balance(self) -> objects.BalanceObject:
        with asking():
            return reading.balance(plain(self.v1.balance.retrieve()))

    def clock(self) -> datetime | None:
        """What time it is at Stripe, to the second; None if it does not say."""
        with asking():
            response = self.v1.balance.retrieve().last_response
        told = (response.headers or {}).get("Date") if response else None
        return parsedate_to_datetime(told) if told else None

    def endpoints(self) -> Iterator[objects.EndpointObject]:
        with asking():
            for found in self.v1.webhook_endpoints.list({"limit": PAGE}).auto_paging_iter():
                yield reading.endpoint(plain(found))

    def events(self, since: datetime | None = None, types: Iterable[str] = ()) -> Iterator[objects.EventObject]:
        """The newest first; Stripe keeps them for thirty days."""
        asked: wanted.EventListParams = {"limit": PAGE}
        if since:
            asked["created"] = {"gte": seconds(since)}
        if types:
            asked["types"] = list(types)
        with asking():
            for found in self.v1.events.list(asked).auto_paging_iter():
                yield reading.event(plain(found))

    def event(self, identifier: str) -> objects.EventObject:
        with asking():
            return reading.event(plain(self.v1.events.retrieve(identifier)))

    # --- What is sold -------------------------------------------------------------------------------------------------

    def products(self) -> Iterator[objects.ProductObject]:
        with asking():
            for found in self.v1.products.list({"limit": PAGE}).auto_paging_iter():
                yield reading.product(plain(found))

    def prices(self, lookup_keys: Iterable[str] = ()) -> Iterator[objects.PriceObject]:
        """Those that have one of the keys, ten of which are asked for at once, or all."""
        keys = list(lookup_keys)
        for begin in range(0, len(keys) or 1, 10):
            asked: wanted.PriceListParams = {"limit": PAGE}
            if keys:
                asked["lookup_keys"] = keys[begin : begin + 10]
            with asking():
                for found in self.v1.prices.list(asked).auto_paging_iter():
                    yield reading.price(plain(found))

    # --- Who buys -----------------------------------------------------------------------------------------------------

    def customer(self, identifier: str) -> objects.CustomerObject:
        """One that was deleted is still answered, and says so."""
        with asking():
            return reading.customer(plain(self.v1.customers.retrieve(identifier, {"expand": ["tax_ids"]})))

    def customers(self, email: str = "", since: datetime | None = None) -> Iterator[objects.CustomerObject]:
        asked: wanted.CustomerListParams = {"limit": PAGE, "expand": ["data.tax_ids"]}
        if email:
            asked["email"] = email
        if since:
            asked["created"] = {"gte": seconds(since)}
        with asking():
            for found in self.v1.customers.list(asked).auto_paging_iter():
                yield reading.customer(plain(found))

    def session(self, identifier: str) -> objects.SessionObject:
        with asking():
            return reading.session(plain(self.v1.checkout.sessions.retrieve(identifier)))

    def sessions(self, customer: str) -> Iterator[objects.SessionObject]:
        with asking():
            for found in self.v1.checkout.sessions.list({"limit": PAGE, "customer": customer}).auto_paging_iter():
                yield reading.session(plain(found))

    def subscription(self, identifier: str) -> objects.SubscriptionObject:
        with asking():
            return reading.subscription(plain(self.v1.subscriptions.retrieve(identifier)))

    def subscriptions(self, customer: str = "", since: datetime | None = None) -> Iterator[objects.SubscriptionObject]:
        """In every status; ``since`` is when they were made."""
        asked: wanted.SubscriptionListParams = {"limit": PAGE, "status": "all"}
        if customer:
            asked["customer"] = customer
        if since:
            asked["created"] = {"gte": seconds(since)}
        with asking():
            for found in self.v1.subscriptions.list(asked).auto_paging_iter():
                yield reading.subscription(plain(found))

    # --- Invoices and notes -------------------------------------------------------------------------------------------

    def invoice(self, identifier: str) -> objects.InvoiceObject:
        with asking():
            expand = ["payments.data.payment.payment_intent"]
            return self._invoice(plain(self.v1.invoices.retrieve(identifier, {"expand": expand})))

    def invoices(
        self, *, customer: str = "", subscription: str = "", since: datetime | None = None, status: str = ""
    ) -> Iterator[objects.InvoiceObject]:
        """Without the charges of their payments: a list has no room for that."""
        asked: wanted.InvoiceListParams = {"limit": PAGE, "expand": ["data.payments"]}
        if customer:
            asked["customer"] = customer
        if subscription:
            asked["subscription"] = subscription
        if since:
            asked["created"] = {"gte": seconds(since)}
        if status:
            asked["status"] = status
        with asking():
            for found in self.v1.invoices.list(asked).auto_paging_iter():
                yield self._invoice(plain(found))

    def _invoice(self, tree: dict[str, Any]) -> objects.InvoiceObject:
        """With all of its lines: of a long invoice the object itself has the first ten."""
        if tree.get("id") and (tree.get("lines") or {}).get("has_more"):
            lines = self.v1.invoices.line_items.list(tree["id"], {"limit": PAGE}).auto_paging_iter()
            tree["lines"] = {"data": [plain(line) for line in lines]}
        return reading.invoice(tree, self._rate)

    def _rate(self, identifier: str) -> reading.Tree:
        """Stripe names tax rates by their id only. They don't change, so each is asked for once. One that is not there
        does not keep an invoice from being read."""
        if identifier not in self._rates:
            try:
                self._rates[identifier] = plain(self.v1.tax_rates.retrieve(identifier))
            except stripe.InvalidRequestError:
                return {}
        return self._rates[identifier]

    def credit_note(self, identifier: str) -> objects.CreditNoteObject:
        with asking():
            found = self.v1.credit_notes.retrieve(identifier, {"expand": ["customer_balance_transaction"]})
            return reading_credit.credit_note(plain(found), self._rate)

    def credit_notes(self, invoice: str = "", since: datetime | None = None) -> Iterator[objects.CreditNoteObject]:
        asked: wanted.CreditNoteListParams = {"limit": PAGE, "expand": ["data.customer_balance_transaction"]}
        if invoice:
            asked["invoice"] = invoice
        if since:
            asked["created"] = {"gte": seconds(since)}
        with asking():
            for found in self.v1.credit_notes.list(asked).auto_paging_iter():
                yield reading_credit.credit_note(plain(found), self._rate)

    def credit_moves(self, customer: str) -> Iterator[objects.CreditMoveObject]:
        """Everything that changed the customer's credit, the newest first; ``NotThere`` of a deleted one."""
        with asking():
            found = self.v1.customers.balance_transactions.list(customer, {"limit": PAGE})
            for each in found.auto_paging_iter():
                yield reading_credit.credit_move(plain(each))

    # --- Money --------------------------------------------------------------------------------------------------------

    def charge(self, identifier: str) -> objects.ChargeObject:
        with asking():
            return reading.charge(plain(self.v1.charges.retrieve(identifier)))

    def charges(self, customer: str = "", since: datetime | None = None) -> Iterator[objects.ChargeObject]:
        asked: wanted.ChargeListParams = {"limit": PAGE}
        if customer:
            asked["customer"] = customer
        if since:
            asked["created"] = {"gte": seconds(since)}
        with asking():
            for found in self.v1.charges.list(asked).auto_paging_iter():
                yield reading.charge(plain(found))

    def refund(self, identifier: str) -> objects.RefundObject:
        with asking():
            return reading.refund(plain(self.v1.refunds.retrieve(identifier)))

    def refunds(self, charge: str = "", since: datetime | None = None) -> Iterator[objects.RefundObject]:
        asked: wanted.RefundListParams = {"limit": PAGE}
        if charge:
            asked["charge"] = charge
        if since:
            asked["created"] = {"gte": seconds(since)}
        with asking():
            for found in self.v1.refunds.list(asked).auto_paging_iter():
                yield reading.refund(plain(found))

    def dispute(self, identifier: str) -> objects.DisputeObject:
        with asking():
            return reading.dispute(plain(self.v1.disputes.retrieve(identifier)))

    def disputes(self, since: datetime | None = None) -> Iterator[objects.DisputeObject]:
        asked: wanted.DisputeListParams = {"limit": PAGE}
        if since:
            asked["created"] = {"gte": seconds(since)}
        with asking():
            for found in self.v1.disputes.list(asked).auto_paging_iter():
                yield reading.dispute(plain(found))

    def balance_transaction(self, identifier: str) -> objects.BalanceTransactionObject:
        with asking():
            return reading.balance_transaction(plain(self.v1.balance_transactions.retrieve(identifier)))

    def balance_transactions(
        self, *, since: datetime | None = None, payout: str = "", source: str = ""
    ) -> Iterator[objects.BalanceTransactionObject]:
        asked: wanted.BalanceTransactionListParams = {"limit": PAGE}
        if since:
            asked["created"] = {"gte": seconds(since)}
        if payout:
            asked["payout"] = payout
        if source:
            asked["source"] = source
        with asking():
            for found in self.v1.balance_transactions.list(asked).auto_paging_iter():
                yield reading.balance_transaction(plain(found))

    def payout(self, identifier: str) -> objects.PayoutObject:
        with asking():
            return reading.payout(plain(self.v1.payouts.retrieve(identifier)))

    def payouts(self, since: datetime | None = None) -> Iterator[objects.PayoutObject]:
        asked: wanted.PayoutListParams = {"limit": PAGE}
        if since:
            asked["created"] = {"gte": seconds(since)}
        with asking():
            for found in self.v1.payouts.list(asked).auto_paging_iter():
                yield reading.payout(plain(found))
