"""The commands that only a sandbox has, as JSON for programs and as forms for people."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from billing.sandbox import endpoints
from billing.sandbox.clock import DAY
from billing.sandbox.control import COMMANDS
from billing.sandbox.events import Deliverer
from tests.billing.sandbox.shop import START, Shop
from tests.billing.sandbox.visitor import Page, Visitor


class Desk:
    def __init__(self) -> None:
        self.shop = Shop()
        self.sent: list[str] = []
        self.deliverer = Deliverer(self.shop.sandbox, self.take)
        self.visitor = Visitor(self.shop.sandbox, self.deliverer)
        self.customer = self.shop.customer()
        self.sub = self.shop.subscribe(self.customer, (self.shop.price(nickname="seats"), 2))
        self.command = self.visitor.command

    def take(self, url: str, headers: dict[str, str], body: bytes) -> int:
        self.sent.append(url)
        return 200

    def page(self) -> Page:
        return self.visitor.get(f"/_sandbox/customers/{self.customer}")

    def press(self, button: str, page: Page | None = None, typed: dict[str, str] | None = None) -> Page:
        """The form with this button, as it comes with the page."""
        forms = re.findall(r'<form method="post" action="([^"]+)"(.*?)</form>', (page or self.page()).text)
        [(url, inner)] = [(url, inner) for url, inner in forms if f">{button}<" in unescape(inner)][:1]
        fields = {
            name: unescape(value) for name, value in re.findall(r'<input[^>]*?name="([^"]+)" value="([^"]*)"', inner)
        }
        return self.visitor.post(url, {**fields, **(typed or {})})

    @property
    def charge(self) -> Any:
        return self.shop.sandbox.find("charge")[-1]


def test_the_clock_goes_forward_and_what_is_due_happens() -> None:
    desk = Desk()
    assert desk.command("clock/advance", days=32) == {"now": START + 32 * DAY}
    assert len(desk.shop.invoices(desk.customer)) == 2
    assert desk.command("clock/advance", to=START + 40 * DAY)["now"] == START + 40 * DAY


@pytest.mark.parametrize("wrong", [{"seconds": -1}, {"to": START - 1}, {"days": 9999}, {"seconds": "x"}, {"to": [1]}])
def test_it_never_goes_back_nor_out_of_sight(wrong: dict[str, Any]) -> None:
    desk = Desk()
    assert "error" in desk.command("clock/advance", **wrong)
    assert desk.shop.now() == START


def test_faults_are_set_and_cleared() -> None:
    desk = Desk()
    made = desk.command("faults", kind="drop", match="invoice.*", times="always")
    assert made["kind"] == "drop" and desk.shop.sandbox.faults.listed() == [made]
    assert desk.command("faults/clear", id=made["id"]) == {"faults": []}
    desk.command("faults", kind="drop")
    desk.command("faults", kind="error")
    assert desk.command("faults/clear") == {"faults": []}
    assert "error" in desk.command("faults", kind="nonsense")


def test_payments_fail_as_often_as_was_said() -> None:
    desk = Desk()
    desk.command("payments/fail", customer=desk.customer, times=1, code="insufficient_funds")
    desk.command("clock/advance", days=32)
    assert desk.shop.sub(desk.sub)["status"] == "past_due" and desk.charge["failure_code"] == "card_declined"
    desk.command("clock/advance", days=3)
    assert desk.shop.sub(desk.sub)["status"] == "active"


@pytest.mark.parametrize(("after", "status"), [("cancel", "canceled"), ("unpaid", "unpaid"), ("past_due", "past_due")])
def test_what_comes_after_the_last_attempt(after: str, status: str) -> None:
    desk = Desk()
    assert desk.command("dunning", after=after) == {"after": after}
    desk.command("payments/fail", customer=desk.customer, times=9)
    desk.command("clock/advance", days=55)
    assert desk.shop.sub(desk.sub)["status"] == status
    assert "error" in desk.command("dunning", after="nothing")


@pytest.mark.parametrize(("status", "balance"), [("won", -1500), ("lost", -3500)])
def test_a_dispute_from_its_beginning_to_its_end(status: str, balance: int) -> None:
    desk = Desk()
    before = desk.shop.balance()
    dispute = desk.command("disputes", charge=desk.charge["id"])
    assert dispute["status"] == "needs_response" and desk.shop.balance() - before == -3500
    assert desk.command("disputes/close", dispute=dispute["id"], status=status)["status"] == status
    assert desk.shop.balance() - before == balance, "the fee stays"


def test_everything_is_paid_out() -> None:
    desk = Desk()
    balance = desk.shop.balance()
    assert desk.command("payouts")["amount"] == balance > 0
    assert desk.shop.balance() == 0
    assert desk.command("payouts")["error"]["code"] == "balance_insufficient"


def test_a_refund_that_comes_back() -> None:
    desk = Desk()
    refund = desk.command("dashboard", method="POST", path="/v1/refunds", params={"charge": desk.charge["id"]})
    assert desk.charge["amount_refunded"] == 2000
    assert desk.command("refunds/conclude", refund=refund["id"], arrives="no")["status"] == "failed"
    assert desk.charge["amount_refunded"] == 0


def test_what_the_authority_says_later_of_a_number() -> None:
    desk = Desk()
    made = desk.shop.api.customers.tax_ids.create(desk.customer, {"type": "eu_vat", "value": "IE222222222"})
    assert desk.command("tax_ids/verify", tax_id=made.id, status="unverified")["verification"]["status"] == "unverified"


def test_events_are_sent_again() -> None:
    desk = Desk()
    endpoints.enter(desk.shop.sandbox, "http://127.0.0.1:1/hook", secret="whsec_x")
    event = desk.shop.api.events.list().data[0].id
    assert desk.command("events/resend", event=event) == {"event": event}
    assert desk.deliverer.pump() == 1 and desk.sent == ["http://127.0.0.1:1/hook"]


def test_a_secret_is_rolled() -> None:
    desk = Desk()
    made = endpoints.enter(desk.shop.sandbox, "http://127.0.0.1:1/hook", secret="whsec_x")
    assert desk.command("endpoints/roll", endpoint=made["id"], secret="whsec_y") == {"secret": "whsec_y"}


def test_unknown_commands_and_bodies_are_refused_in_json() -> None:
    desk = Desk()
    assert "no command" in desk.command("nonsense")["error"]["message"]
    for body in (b"[]", b"{", b"\xff", b"1"):
        page = desk.visitor.ask("POST", "/_sandbox/faults", body, CONTENT_TYPE="application/json")
        assert page.status == 400
    for name in COMMANDS:
        if name not in {"clock/advance", "faults/clear", "payouts"}:
            assert "error" in desk.command(name), f"{name} needs something"


def test_the_state_of_things() -> None:
    state = Desk().visitor.get("/_sandbox/state").json
    assert state["now"] == START and state["objects"]["subscription"] == 1 and state["dunning"] == "cancel"


# --- For people -------------------------------------------------------------------------------------------------------


def test_a_form_goes_back_to_its_page_and_to_no_other_site() -> None:
    desk = Desk()
    assert desk.press("End at period’s end").location == f"/_sandbox/customers/{desk.customer}"
    assert desk.visitor.post("/_sandbox/faults/clear", {"then": "https://evil.example/"}).location == "/_sandbox/"
    assert desk.visitor.post("/_sandbox/faults/clear", {"then": "//evil.example/"}).location == "/_sandbox/"


def test_a_subscription_is_ended_and_not_and_at_once() -> None:
    desk = Desk()
    desk.press("End at period’s end")
    assert desk.shop.sub(desk.sub)["cancel_at_period_end"]
    desk.press("Don’t end")
    assert not desk.shop.sub(desk.sub)["cancel_at_period_end"]
    desk.press("End now")
    assert desk.shop.sub(desk.sub)["status"] == "canceled"


def test_a_quantity_is_changed() -> None:
    desk = Desk()
    desk.press("Change", typed={"params.quantity": "9"})
    assert desk.shop.sub(desk.sub)["items"]["data"][0]["quantity"] == 9


def test_a_charge_is_refunded_or_disputed() -> None:
    desk = Desk()
    desk.press("Dispute")
    assert desk.charge["disputed"] and "We win the dispute" in desk.page().words
    desk.press("We lose it")
    assert desk.shop.sandbox.find("dispute")[0]["status"] == "lost"
    other = Desk()
    other.press("Refund")
    assert other.charge["refunded"]


def test_an_invoice_is_paid_by_wire_or_given_up() -> None:
    for button, status in (("Paid by wire", "paid"), ("Void", "void"), ("Give up", "uncollectible")):
        desk = Desk()
        desk.press("Let them fail")
        assert "The next 1 will fail" in desk.page().words
        desk.command("clock/advance", days=32)
        desk.press(button)
        assert desk.shop.invoices(desk.customer)[-1]["status"] == status


def test_a_customer_is_deleted() -> None:
    desk = Desk()
    desk.press("Delete the customer")
    assert desk.shop.api.customers.retrieve(desk.customer).to_dict()["deleted"]
    assert desk.page().status == 410


def test_the_first_page() -> None:
    desk = Desk()
    desk.shop.sandbox.faults.add("drop", match="invoice.*")
    home = desk.visitor.get("/_sandbox/")
    for text in ("10 Jan 2026, 12:00 UTC", "Example", "Active", "invoice.paid", "drop"):
        assert text in home.words
    desk.press("A day", home)
    assert desk.shop.now() == START + DAY
    desk.press("Remove", home)
    assert desk.shop.sandbox.faults.listed() == []
    desk.press("Set the fault", home, {"kind": "error", "times": "always", "chance": "0.5"})
    assert desk.shop.sandbox.faults.listed()[0]["times"] is None
