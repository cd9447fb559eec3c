"""The door: keys, versions, idempotency, expansion, pages, faults; and that every answer is shaped as the SDK says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import stripe

from billing.sandbox.app import App
from billing.sandbox.clock import DAY, Clock
from billing.sandbox.routing import ROUTES
from billing.sandbox.store import VERSION, Sandbox
from billing.sandbox.transport import Direct, client
from tests.billing.sandbox.shapes import problems
from tests.billing.sandbox.shop import START, Shop

HEADERS = {"authorization": "Bearer sk_test_freehold", "stripe-version": VERSION}


@pytest.fixture
def shop() -> Shop:
    return Shop()


def keyed(key: str) -> Any:
    return {"idempotency_key": key}


@pytest.mark.parametrize("key", ["sk_live_1", "rk_live_1", "sk_test_other", ""])
def test_only_the_key_of_the_sandbox_is_known(shop: Shop, key: str) -> None:
    app = App(shop.sandbox)
    response = app.handle("GET", "/v1/balance", "", {**HEADERS, "authorization": f"Bearer {key}"}, b"")
    assert (response.status, response.body["error"]["type"]) == (401, "invalid_request_error")


def test_a_live_key_is_refused_even_if_it_is_the_sandbox_s() -> None:
    sandbox = Sandbox(api_key="sk_live_1")
    assert (
        App(sandbox).handle("GET", "/v1/balance", "", {**HEADERS, "authorization": "Bearer sk_live_1"}, b"").status
        == 401
    )


@pytest.mark.parametrize("version", ["2020-08-27", ""])
def test_only_the_pinned_version_is_spoken(shop: Shop, version: str) -> None:
    response = App(shop.sandbox).handle("GET", "/v1/balance", "", {**HEADERS, "stripe-version": version}, b"")
    assert (response.status, VERSION in response.body["error"]["message"]) == (400, True)


def test_an_unknown_address_or_parameter_is_refused(shop: Shop) -> None:
    app = App(shop.sandbox)
    assert app.handle("GET", "/v1/unicorns", "", HEADERS, b"").status == 404
    response = app.handle("POST", "/v1/customers", "", HEADERS, b"nmae=x")
    assert (response.status, response.body["error"]["param"]) == (400, "nmae")
    assert app.handle("POST", "/v1/customers", "", HEADERS, b"\xff=1").status == 400


def test_over_wsgi_it_is_the_same(shop: Shop) -> None:
    sent: list[Any] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/v1/account",
        "HTTP_AUTHORIZATION": "Bearer sk_test_freehold",
        "HTTP_STRIPE_VERSION": VERSION,
    }
    body = b"".join(App(shop.sandbox)(environ, lambda status, headers: sent.extend([status, dict(headers)])))
    assert (sent[0], json.loads(body)["object"]) == ("200 OK", "account")
    assert sent[1]["Request-Id"].startswith("req_")


# --- Idempotency ------------------------------------------------------------------------------------------------------


def test_the_same_key_brings_the_same_answer(shop: Shop) -> None:
    first = shop.api.customers.create({"name": "A"}, keyed("k"))
    again = shop.api.customers.create({"name": "A"}, keyed("k"))
    assert (first.id, len(shop.sandbox.find("customer"))) == (again.id, 1)
    assert first.last_response is not None and again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.last_response.headers


def test_the_same_key_for_something_else_is_an_error(shop: Shop) -> None:
    shop.api.customers.create({"name": "A"}, keyed("k"))
    with pytest.raises(stripe.IdempotencyError):
        shop.api.customers.create({"name": "B"}, keyed("k"))


def test_a_refusal_is_kept_too_unless_the_request_made_no_sense(shop: Shop) -> None:
    customer = shop.customer(card=None)
    order: Any = {"customer": customer, "items": [{"price": shop.price()}]}
    nonsense: Any = {"nmae": "A"}
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
            shop.api.subscriptions.create(order, keyed("k"))
        shop.card(customer, "pm_card_visa")
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.customers.create(nonsense, keyed("m"))
    assert shop.api.customers.create({"name": "A"}, keyed("m")).name == "A"


def test_a_key_is_forgotten_after_a_day(shop: Shop) -> None:
    first = shop.api.customers.create({"name": "A"}, keyed("k"))
    shop.later(seconds=DAY - 1)
    assert shop.api.customers.create({"name": "A"}, keyed("k")).id == first.id
    shop.later(seconds=1)
    assert shop.api.customers.create({"name": "A"}, keyed("k")).id != first.id


def test_a_key_that_is_in_use_is_a_conflict(shop: Shop) -> None:
    """A request goes on until those who listen have heard."""
    app, answers = App(shop.sandbox), []
    asked = ("POST", "/v1/customers", "", {**HEADERS, "idempotency-key": "k"}, b"name=A")
    shop.sandbox.listeners.append(lambda _: answers.append(app.handle(*asked)))
    assert app.handle(*asked).status == 200
    assert [(one.status, one.body["error"]["code"]) for one in answers] == [(409, "idempotency_key_in_use")]
    assert app.handle(*asked).headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(("fault", "made"), [("timeout", 1), ("timeout_after", 1), ("error", 1), ("error_after", 1)])
def test_a_lost_answer_is_asked_for_again(shop: Shop, fault: str, made: int) -> None:
    shop.sandbox.faults.add(fault)
    assert shop.api.customers.create({"name": "A"}).name == "A"
    assert len(shop.sandbox.find("customer")) == made


def test_an_answer_that_never_comes_is_a_connection_error() -> None:
    sandbox = Sandbox(clock=Clock(START))
    sandbox.faults.add("timeout_after", times=3)
    with pytest.raises(stripe.APIConnectionError):
        client(sandbox, retries=0).v1.customers.create({"name": "A"})
    assert len(sandbox.find("customer")) == 1


def test_an_error_that_is_kept_hides_what_was_done(shop: Shop) -> None:
    shop.sandbox.faults.add("error_kept")
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            shop.api.customers.create({"name": "A"}, keyed("k"))
    assert len(shop.sandbox.find("customer")) == 1


def test_listeners_hear_when_all_is_done(shop: Shop) -> None:
    """A receiver that asks back sees what the answer will say."""
    seen: list[str | None] = []
    shop.sandbox.listeners.append(
        lambda event: seen.append(shop.api.customers.retrieve(event["data"]["object"]["id"]).name)
    )
    shop.api.customers.create({"name": "A"})
    assert seen == ["A"]


# --- Lists and expansion ----------------------------------------------------------------------------------------------


def test_pages_follow_each_other(shop: Shop) -> None:
    made = [shop.api.customers.create({"name": str(number)}).id for number in range(5)][::-1]
    first = shop.api.customers.list({"limit": 2})
    assert ([one.id for one in first.data], first.has_more) == (made[:2], True)
    assert [one.id for one in shop.api.customers.list({"limit": 2}).auto_paging_iter()] == made
    before = shop.api.customers.list({"limit": 2, "ending_before": made[3]})
    assert ([one.id for one in before.data], before.has_more) == (made[1:3], True)
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.customers.list({"starting_after": "cus_0"})
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.customers.list({"limit": 101})


def test_lists_by_time(shop: Shop) -> None:
    for name in "ab":
        shop.api.customers.create({"name": name})
        shop.later(seconds=60)
    assert [one.name for one in shop.api.customers.list({"created": {"gte": START + 60}}).data] == ["b"]
    assert [one.name for one in shop.api.customers.list({"created": {"lt": START + 60}}).data] == ["a"]


def test_expansion(shop: Shop) -> None:
    customer, price = shop.customer(), shop.price()
    sub = shop.subscribe(customer, (price, 1))
    told = shop.api.subscriptions.retrieve(
        sub, {"expand": ["customer.tax", "latest_invoice.payments.data.payment", "items.data.price.product"]}
    ).to_dict()
    assert told["customer"]["tax"]["automatic_tax"] == "unrecognized_location"
    assert told["latest_invoice"]["payments"]["data"][0]["payment"]["type"] == "payment_intent"
    assert told["items"]["data"][0]["price"]["product"]["name"] == "Team"
    for path in ("unicorn", "latest_invoice.payments.data.payment.payment_intent"):
        with pytest.raises(stripe.InvalidRequestError):
            shop.api.subscriptions.retrieve(sub, {"expand": [path]})
    assert not problems(told)


def test_what_is_private_stays_private(shop: Shop) -> None:
    shop.subscribe(shop.customer(), (shop.price(), 1), metadata={"_kept": "yes"})

    def names(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(names, value))
        return set(value).union(*map(names, value.values())) if isinstance(value, dict) else set()

    bodies = [
        App(shop.sandbox).handle("GET", f"/v1/{kind}", "", HEADERS, b"").body
        for kind in ("subscriptions", "invoices", "events", "prices")
    ]
    assert {name for body in bodies for name in names(body) if name.startswith("_")} == {"_kept"}


def test_every_route_has_a_method_of_the_sdk_s_shape() -> None:
    """No two answer the same."""
    known = [(route.method, route.pattern.pattern) for route in ROUTES]
    assert len(known) == len(set(known))
    assert {method for method, _ in known} == {"GET", "POST", "DELETE"}


# --- On disk ----------------------------------------------------------------------------------------------------------


def test_what_is_saved_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    def course(path: Path | None) -> object:
        shop = Shop(path=path)
        customer = shop.customer()
        sub = shop.subscribe(customer, (shop.price(), 2))
        if path is not None:
            shop.sandbox.close()
            shop.sandbox = Sandbox(seed=0, clock=Clock(START), path=path)
            shop.api = stripe.StripeClient(shop.sandbox.api_key, http_client=Direct(App(shop.sandbox))).v1
        shop.later(days=40)
        shop.sandbox.close()
        return shop.sub(sub), shop.invoices(customer)

    assert course(tmp_path / "state.json") == course(None)
