"""A buyer before the page of a checkout session."""

from __future__ import annotations

from typing import Any

import stripe

from billing.sandbox.store import Object
from tests.billing.sandbox.shop import Shop
from tests.billing.sandbox.visitor import Page, Visitor

SUCCESS, CANCEL = "https://shop.example/done?s={CHECKOUT_SESSION_ID}", "https://shop.example/back"
PERSON = {
    "email": "a@b.example",
    "name": "Acme",
    "country": "DE",
    "line1": "Am Weg 1",
    "city": "Bonn",
    "postal_code": "53111",
}


class Buyer:
    """``lines`` are prices and quantities; other parameters go into the session."""

    def __init__(self, *lines: dict[str, Any], shop: Shop | None = None, **params: Any) -> None:
        self.shop = shop or Shop()
        self.visitor = Visitor(self.shop.sandbox)
        self.session_id = self.order(*lines, **params).id

    def order(self, *lines: dict[str, Any], **params: Any) -> stripe.checkout.Session:
        told: Any = {
            "mode": "subscription",
            "success_url": SUCCESS,
            "cancel_url": CANCEL,
            "line_items": list(lines) or [{"price": self.shop.price(), "quantity": 2}],
            **params,
        }
        return self.shop.api.checkout.sessions.create(told)

    @property
    def session(self) -> Object:
        return self.shop.api.checkout.sessions.retrieve(self.session_id, {"expand": ["line_items"]}).to_dict()

    @property
    def url(self) -> str:
        return f"/c/pay/{self.session_id}"

    @property
    def item(self) -> str:
        return str(self.session["line_items"]["data"][0]["id"])

    def page(self) -> Page:
        return self.visitor.get(self.url)

    def look(self, **typed: Any) -> Page:
        return self.visitor.post(self.url, {**PERSON, **typed, "act": "look"})

    def pay(self, way: str = "succeed", **typed: Any) -> Page:
        return self.visitor.post(self.url, {**PERSON, **typed, "act": "pay", "way": way})

    def bank(self, answer: str) -> Page:
        return self.visitor.post(f"{self.url}/bank", {"answer": answer})

    def sub(self) -> Object:
        return self.shop.sub(self.session["subscription"])

    def invoice(self) -> Object:
        return self.shop.invoice(self.session["invoice"])
