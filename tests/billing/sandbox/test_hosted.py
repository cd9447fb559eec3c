"""Invoices and what else people see; and that none of the pages does what a stranger wants."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest

from billing.sandbox import payments
from billing.sandbox.clock import HOUR
from billing.sandbox.control import COMMANDS
from billing.sandbox.html import Html, h, money
from billing.sandbox.store import Object
from tests.billing.sandbox.buyer import PERSON, Buyer
from tests.billing.sandbox.shop import START, Shop
from tests.billing.sandbox.visitor import Page, Visitor


class Late:
    """A renewal that could not be collected."""

    def __init__(self, code: str = "generic_decline", **params: Any) -> None:
        self.shop = Shop()
        self.customer = self.shop.customer(**params)
        self.sub = self.shop.subscribe(self.customer, (self.shop.price(), 2))
        payments.fail_next(self.shop.sandbox, self.customer, code=code)
        self.shop.later(days=31, seconds=2 * HOUR)
        self.visitor = Visitor(self.shop.sandbox)
        self.url = self.invoice["hosted_invoice_url"].removeprefix("http://127.0.0.1:8799")

    @property
    def invoice(self) -> Object:
        return self.shop.invoices(self.customer)[-1]

    def page(self) -> Page:
        return self.visitor.get(self.url)

    def pay(self, way: str) -> Page:
        return self.visitor.post(self.url, {"way": way})

    def state(self) -> tuple[str, str]:
        return self.invoice["status"], self.shop.sub(self.sub)["status"]


# --- An invoice -------------------------------------------------------------------------------------------------------


def test_an_invoice_to_read() -> None:
    late = Late()
    words = late.page().words
    for text in (late.invoice["number"], "$20.00 due", "2 × Team", "To be paid", "Example", "Pay $20.00"):
        assert text in words


def test_paying_brings_everything_in_order_and_the_card_is_kept() -> None:
    late = Late()
    assert late.state() == ("open", "past_due")
    assert late.pay("succeed").location == late.url
    assert late.state() == ("paid", "active")
    assert "is paid" in late.page().words and "Pay $" not in late.page().words
    assert late.shop.sub(late.sub)["default_payment_method"] is not None


def test_a_decline_leaves_it_open() -> None:
    late = Late()
    page = late.pay("decline")
    assert page.status == 402 and "declined" in page.words
    assert late.state() == ("open", "past_due")
    assert late.pay("nonsense").status == 422


def test_it_is_paid_once() -> None:
    late = Late()
    late.pay("succeed")
    late.pay("succeed")
    assert len([charge for charge in late.shop.sandbox.find("charge") if charge["paid"]]) == 2, "the first, and this"


def test_the_bank_asks_here_too() -> None:
    late = Late()
    assert late.pay("authenticate").location == f"{late.url}/bank"
    assert late.visitor.post(f"{late.url}/bank", {"answer": "refuse"}).status == 402
    assert late.state() == ("open", "past_due")
    late.visitor.post(f"{late.url}/bank", {"answer": "approve"})
    assert late.state() == ("paid", "active")


def test_a_debit_is_on_its_way_and_is_not_paid_again() -> None:
    late = Late()
    late.pay("debit")
    assert "on its way" in late.page().words and late.invoice["status"] == "open"
    late.pay("succeed")
    assert late.invoice["status"] == "open"


@pytest.mark.parametrize(("answer", "state"), [("approve", ("paid", "active")), ("refuse", ("open", "past_due"))])
def test_a_renewal_for_which_the_bank_asks(answer: str, state: tuple[str, str]) -> None:
    late = Late("authenticate")
    intent = late.shop.sandbox.find("payment_intent", status="requires_action")[0]
    url = intent["next_action"]["redirect_to_url"]["url"]
    assert "Do you approve a payment of $20.00" in late.visitor.get(url).words
    assert late.visitor.post(url, {"answer": answer}).location == late.url
    assert late.state() == state
    assert late.visitor.post(url, {"answer": "approve"}).status == 404, "the bank asks once"


def test_the_id_alone_opens_nothing() -> None:
    late = Late()
    for url in (f"/i/{late.invoice['id']}/test_guess", f"/i/{late.invoice['id']}/x/pdf", "/i/in_none/x"):
        assert late.visitor.get(url).status == 404
    assert late.visitor.post(f"/i/{late.invoice['id']}/test_guess", {"way": "succeed"}).status == 404
    intent = late.shop.sandbox.find("payment_intent")[0]
    assert late.visitor.get(f"/authenticate/{intent['id']}/guess").status == 404


def test_a_pdf_that_can_be_read() -> None:
    late = Late(name="Ünïcode (Holding) \\ 会社")
    page = late.visitor.get(f"{late.url}/pdf")
    assert page.headers["Content-Type"] == "application/pdf" and page.text.startswith("%PDF-1.4")
    assert "SPECIMEN" in page.text and r"\(Holding\)" in page.text
    place = int(re.findall(r"startxref\n(\d+)", page.text)[0])
    assert place > 500


def test_a_receipt() -> None:
    late = Late()
    late.pay("succeed")
    charge = late.shop.sandbox.find("charge", paid=True)[-1]
    assert "$20.00" in late.visitor.get(charge["receipt_url"]).words


# --- No stranger ------------------------------------------------------------------------------------------------------


def test_what_is_typed_is_text() -> None:
    buyer = Buyer(tax_id_collection={"enabled": True})
    evil = '"><script>alert(1)</script>'
    page = buyer.look(name=evil, email=evil, city=evil, tax_type="eu_vat", tax_value=evil)
    assert "<script" not in page.text and "&lt;script&gt;" in page.text


def test_values_are_escaped_and_html_is_not() -> None:
    assert (
        h("<p>{a}{b}{c}</p>", a="<&\"'>", b=Html("<i>x</i>"), c=[None, "<"])
        == "<p>&lt;&amp;&quot;&#x27;&gt;<i>x</i>&lt;</p>"
    )


def test_every_page_says_that_no_money_moves_and_lets_nothing_in() -> None:
    buyer = Buyer()
    for url in (buyer.url, "/_sandbox/", "/nowhere"):
        page = buyer.visitor.get(url)
        assert "Sandbox: no money moves" in page.words
        assert "default-src 'none'" in page.headers["Content-Security-Policy"] and "style=" not in page.text
    assert "form-action 'self' https://shop.example" in buyer.page().headers["Content-Security-Policy"]


def test_no_form_needs_a_cookie_and_none_is_set() -> None:
    buyer = Buyer()
    assert "Set-Cookie" not in buyer.page().headers and "Set-Cookie" not in buyer.pay().headers


def test_a_form_on_another_site_does_nothing() -> None:
    buyer = Buyer()
    page = buyer.visitor.post("/_sandbox/clock/advance", {"days": "30"}, HTTP_SEC_FETCH_SITE="cross-site")
    assert page.status == 403 and buyer.shop.now() == START
    assert buyer.visitor.get(buyer.url, HTTP_SEC_FETCH_SITE="cross-site").status == 200, "links may lead here"


def test_a_name_that_is_not_this_machines_is_refused() -> None:
    """Else a page elsewhere could let its own name point here."""
    buyer = Buyer()
    assert buyer.visitor.get(buyer.url, HTTP_HOST="rebound.example").status == 403
    assert buyer.visitor.get(buyer.url, HTTP_HOST="localhost:8799").status == 200
    assert buyer.visitor.get(buyer.url, HTTP_HOST="[::1]:8799").status == 200


@pytest.mark.parametrize("body", [b"\xff=\xff", b"&".join([b"a=1"] * 500), b"=", b"x" * 200_000])
def test_forms_that_make_no_sense(body: bytes) -> None:
    buyer = Buyer()
    page = buyer.visitor.ask("POST", buyer.url, body, CONTENT_TYPE="application/x-www-form-urlencoded")
    assert page.status in {200, 400, 413, 422}


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (123450, "usd", "$1,234.50"),
        (-5, "eur", "−€0.05"),
        (1234, "jpy", "¥1,234"),
        (1234, "kwd", "KWD\N{NO-BREAK SPACE}1.234"),
        (0, "gbp", "£0.00"),
    ],
)
def test_money_as_it_is_written(amount: int, currency: str, text: str) -> None:
    assert money(amount, currency) == text


# --- Nothing breaks ---------------------------------------------------------------------------------------------------

ANYTHING = [
    "",
    "0",
    "-1",
    "x",
    "ü" * 300,
    "\x00",
    "../..",
    "true",
    "1e9",
    "９",
    "in_none",
    "pay",
    "succeed",
    "approve",
    "usd",
]
NAMES = [
    "act",
    "way",
    "answer",
    "code",
    "quantity",
    "then",
    "customer",
    "invoice",
    "times",
    "seconds",
    "days",
    "method",
    "path",
]


def places(late: Late, buyer: Buyer) -> list[str]:
    """Addresses that mean something, and some that don't."""
    portal = late.shop.api.billing_portal.sessions.create({"customer": late.customer}).url.partition("8799")[2]
    intent = late.shop.sandbox.find("payment_intent")[-1]
    commands = [f"/_sandbox/{name}" for name in COMMANDS]
    about = [
        f"/authenticate/{intent['id']}/{intent['client_secret']}",
        f"/receipt/{intent['id']}",
        f"/_sandbox/customers/{late.customer}",
    ]
    inside = [
        f"{portal}{more}" for more in ("", "/pay", "/details", f"/cancel/{late.sub}", "/cancel/x", f"/renew/{late.sub}")
    ]
    return [
        late.url,
        f"{late.url}/bank",
        f"{late.url}/pdf",
        buyer.url,
        f"{buyer.url}/bank",
        "/",
        "/i",
        *about,
        *inside,
        *commands,
    ]


@pytest.mark.slow
def test_whatever_is_sent_is_answered() -> None:
    late, chance = Late("authenticate"), random.Random(7)
    buyer = Buyer(shop=late.shop, tax_id_collection={"enabled": True}, allow_promotion_codes=True)
    for url in places(late, buyer):
        for _ in range(4):
            names = [*NAMES, *PERSON, "tax_type", "tax_value", f"quantity_{buyer.item}"]
            form = {name: chance.choice(ANYTHING) for name in chance.sample(names, 8)}
            assert buyer.visitor.get(url).status < 500
            assert buyer.visitor.post(url, form).status < 500, form
            json_body = json.dumps(
                {name: chance.choice([*ANYTHING, None, [], {}, 1.5, True]) for name in form}
            ).encode()
            assert buyer.visitor.ask("POST", url, json_body, CONTENT_TYPE="application/json").status < 500, json_body


def test_what_a_deleted_customer_left_behind() -> None:
    late = Late()
    portal = late.shop.api.billing_portal.sessions.create({"customer": late.customer}).url.partition("8799")[2]
    session = late.shop.api.checkout.sessions.create(
        {
            "mode": "subscription",
            "customer": late.customer,
            "line_items": [{"price": late.shop.price(), "quantity": 1}],
            "success_url": "https://shop.example/",
        }
    )
    late.shop.api.customers.delete(late.customer)
    assert late.page().status == 200 and late.visitor.get(portal).status == 410
    assert late.pay("succeed").status == 303 and late.invoice["status"] == "paid"
    assert late.visitor.post(f"/c/pay/{session.id}", {**PERSON, "act": "pay", "way": "succeed"}).status == 402
