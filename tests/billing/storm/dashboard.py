"""What happens at Stripe beside us: cards fail and are mended, banks take money back, and somebody of ours, or the
customer in the portal, presses buttons there."""

from __future__ import annotations

import random
from typing import Any

from billing.sandbox import control, outcomes, payments
from billing.sandbox.store import Object
from billing.sandbox.subscriptions import ENDED
from tests.billing.storm.people import Nothing
from tests.billing.storm.place import Hands
from tests.billing.world import ADDRESS, ASKS, DECLINES, VISA

LATELY = 40


class Dashboard:
    def __init__(self, hands: Hands, dice: random.Random) -> None:
        self.hands, self.dice, self.sandbox = hands, dice, hands.sandbox
        self.strangers: list[str] = []

    def do(self, method: str, path: str, **params: Any) -> Object:
        asked = {"method": method, "path": path, "params": params}
        found: Object = control.run(self.sandbox, "dashboard", asked, self.hands.deliverer)
        return found

    def run(self, name: str, **params: Any) -> None:
        control.run(self.sandbox, name, params, self.hands.deliverer)

    def _one(self, kind: str, **equal: Any) -> Object:
        """One of the latest."""
        found = self.sandbox.find(kind, **equal)[-LATELY:]
        if not found:
            raise Nothing
        return self.dice.choice(found)

    def _live(self) -> Object:
        found = [sub for sub in self.sandbox.find("subscription") if sub["status"] not in ENDED]
        if not found:
            raise Nothing
        return self.dice.choice(found)

    # --- Cards and banks ----------------------------------------------------------------------------------------------

    def break_card(self) -> None:
        self._card(self._live()["customer"], self.dice.choice((DECLINES, ASKS)))

    def mend_card(self) -> None:
        failing = self.sandbox.find("subscription", status="past_due") or [self._live()]
        self._card(self.dice.choice(failing)["customer"], VISA)

    def _card(self, customer: str, token: str) -> None:
        made = self.do("POST", f"/v1/payment_methods/{token}/attach", customer=customer)
        self.do("POST", f"/v1/customers/{customer}", invoice_settings={"default_payment_method": made["id"]})
        for sub in self.sandbox.find("subscription", customer=customer):
            sub["default_payment_method"] = None

    def fail_next(self) -> None:
        payments.fail_next(self.sandbox, self._live()["customer"], self.dice.randrange(1, 4))

    def pay_invoice(self) -> None:
        """On the page that the invoice has, with another card."""
        invoice = self._one("invoice", status="open")
        self.do("POST", f"/v1/invoices/{invoice['id']}/pay", payment_method=self.dice.choice((VISA, VISA, DECLINES)))

    def end_debit(self) -> None:
        intent = self._one("payment_intent", status="processing")
        outcomes.settle_debit(self.sandbox, intent["id"], arrives=self.dice.random() < 0.6)

    def authenticate(self) -> None:
        intent = self._one("payment_intent", status="requires_action")
        outcomes.authenticate(self.sandbox, intent["id"], approved=self.dice.random() < 0.7)

    # --- Money back ---------------------------------------------------------------------------------------------------

    def refund(self) -> None:
        charge = self._one("charge", status="succeeded")
        left = charge["amount"] - charge["amount_refunded"]
        self.do("POST", "/v1/refunds", charge=charge["id"], amount=self.dice.choice((left, max(1, left // 3))))

    def end_refund(self) -> None:
        refund = self._one("refund")
        self.run("refunds/conclude", refund=refund["id"], arrives=self.dice.choice(("yes", "no")))

    def credit(self) -> None:
        invoice = self._one("invoice", status=self.dice.choice(("paid", "paid", "open", "uncollectible")))
        asked: dict[str, Any] = {"invoice": invoice["id"]}
        asked["amount"] = max(1, invoice["total"] // self.dice.choice((1, 2, 5)))
        if invoice["status"] == "paid":
            asked[self.dice.choice(("refund_amount", "credit_amount", "out_of_band_amount"))] = asked["amount"]
        self.do("POST", "/v1/credit_notes", **asked)

    def give_credit(self) -> None:
        """Or take it."""
        customer = self._live()["customer"]
        currency = self.sandbox.get("customer", customer)["currency"] or "usd"
        amount = self.dice.choice((-1_500, -300, 400))
        self.do("POST", f"/v1/customers/{customer}/balance_transactions", amount=amount, currency=currency)

    def void_credit(self) -> None:
        note = self._one("credit_note", status="issued")
        self.do("POST", f"/v1/credit_notes/{note['id']}/void")

    def dispute(self) -> None:
        self.run("disputes", charge=self._one("charge", status="succeeded")["id"])

    def end_dispute(self) -> None:
        dispute = self._one("dispute", status="needs_response")
        self.run("disputes/close", dispute=dispute["id"], status=self.dice.choice(("won", "lost")))

    def pay_out(self) -> None:
        self.run("payouts", currency=self.dice.choice(("usd", "eur", "gbp")))

    # --- Buttons ------------------------------------------------------------------------------------------------------

    def edit_quantity(self) -> None:
        sub = self._live()
        item = self.dice.choice(sub["items"]["data"])
        if "quantity" not in item:
            raise Nothing
        self.do(
            "POST",
            f"/v1/subscriptions/{sub['id']}",
            items=[{"id": item["id"], "quantity": self.dice.randrange(1, 8)}],
            proration_behavior=self.dice.choice(("none", "create_prorations", "always_invoice")),
        )

    def cancel_later(self) -> None:
        sub = self._live()
        self.do("POST", f"/v1/subscriptions/{sub['id']}", cancel_at_period_end=not sub["cancel_at_period_end"])

    def cancel(self) -> None:
        self.do("DELETE", f"/v1/subscriptions/{self._live()['id']}", prorate=self.dice.random() < 0.5)

    def delete_customer(self) -> None:
        self.do("DELETE", f"/v1/customers/{self._live()['customer']}")

    def void(self) -> None:
        self.do("POST", f"/v1/invoices/{self._one('invoice', status='open')['id']}/void")

    def write_off(self) -> None:
        self.do("POST", f"/v1/invoices/{self._one('invoice', status='open')['id']}/mark_uncollectible")

    def finalize(self) -> None:
        self.do("POST", f"/v1/invoices/{self._one('invoice', status='draft')['id']}/finalize")

    def bill_by_hand(self) -> None:
        customer = self._live()["customer"]
        bill = self.do("POST", "/v1/invoices", customer=customer, auto_advance=True)
        self.do("POST", "/v1/invoiceitems", customer=customer, invoice=bill["id"], amount=1_234, currency="usd")
        self.do("POST", f"/v1/invoices/{bill['id']}/finalize")

    def set_dunning(self) -> None:
        self.run("dunning", after=self.dice.choice(("cancel", "unpaid", "past_due")))

    def resend(self) -> None:
        self.run("events/resend", event=self._one("event")["id"])

    def stranger(self) -> None:
        """Somebody of another application on the same account."""
        made = self.do("POST", "/v1/customers", name="Stranger", address=ADDRESS)
        self._card(made["id"], VISA)
        bill = self.do("POST", "/v1/invoices", customer=made["id"])
        self.do("POST", "/v1/invoiceitems", customer=made["id"], invoice=bill["id"], amount=999, currency="usd")
        self.do("POST", f"/v1/invoices/{bill['id']}/pay")
