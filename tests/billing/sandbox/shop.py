"""A shop on a sandbox of its own, at a fixed time. What it emits is checked against the shapes of the SDK."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from billing.sandbox.clock import DAY, Clock
from billing.sandbox.jobs import advance
from billing.sandbox.store import Object, Sandbox
from billing.sandbox.transport import client
from tests.billing.sandbox.shapes import problems

START = int(datetime(2026, 1, 10, 12, tzinfo=UTC).timestamp())


class Shop:
    def __init__(self, *, start: int = START, seed: int = 0, **options: Any) -> None:
        self.sandbox = Sandbox(seed=seed, clock=Clock(start), **options)
        self.sandbox.listeners.append(self.check)
        self.api = client(self.sandbox).v1
        self.told: list[str] = []
        """The types of the events since they were last looked at."""

    def check(self, event: Object) -> None:
        wrong = problems(event["data"]["object"])
        assert not wrong, f"{event['type']}: {wrong}"
        self.told.append(event["type"])

    def heard(self) -> list[str]:
        told, self.told = self.told, []
        return told

    def now(self) -> int:
        return self.sandbox.now()

    def later(self, *, days: float = 0, seconds: int = 0, to: int | None = None) -> None:
        advance(self.sandbox, to if to is not None else self.now() + int(days * DAY) + seconds)

    def price(self, amount: int | None = 1000, *, interval: str = "month", **more: Any) -> str:
        product = self.api.products.create({"name": more.pop("name", "Team")})
        recurring = {"interval": interval, **more.pop("recurring", {})}
        params: Any = {"currency": "usd", "product": product.id, "recurring": recurring, **more}
        if amount is not None:
            params["unit_amount"] = amount
        return self.api.prices.create(params).id

    def customer(self, card: str | None = "pm_card_visa", **params: Any) -> str:
        """With a card that is the usual one."""
        told: Any = {"email": "owner@example.com", "name": "Example", **params}
        made = self.api.customers.create(told)
        if card is not None:
            self.card(made.id, card)
        return made.id

    def card(self, customer: str, token: str) -> str:
        method = self.api.payment_methods.attach(token, {"customer": customer})
        self.api.customers.update(customer, {"invoice_settings": {"default_payment_method": method.id}})
        return method.id

    def subscribe(self, customer: str, *items: tuple[str, int | None], **params: Any) -> str:
        rows: list[Any] = [
            {"price": price} if number is None else {"price": price, "quantity": number} for price, number in items
        ]
        told: Any = {"customer": customer, "items": rows, **params}
        return self.api.subscriptions.create(told).id

    def sub(self, identifier: str) -> Object:
        return self.api.subscriptions.retrieve(identifier).to_dict()

    def item(self, sub: str, place: int = 0) -> str:
        return str(self.sub(sub)["items"]["data"][place]["id"])

    def change(self, sub: str, quantity: int, **params: Any) -> Object:
        told: Any = {"items": [{"id": self.item(sub), "quantity": quantity}], **params}
        return self.api.subscriptions.update(sub, told).to_dict()

    def invoices(self, customer: str) -> list[Object]:
        """The oldest first."""
        found = self.api.invoices.list({"customer": customer, "limit": 100}).data
        return [invoice.to_dict() for invoice in reversed(found)]

    def invoice(self, identifier: str) -> Object:
        return self.api.invoices.retrieve(identifier, {"expand": ["payments"]}).to_dict()

    def balance(self) -> int:
        """Available and pending."""
        found = self.api.balance.retrieve().to_dict()
        return sum(part["amount"] for part in (*found["available"], *found["pending"]))


def at(text: str) -> int:
    """``2026-01-31`` or with a time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
