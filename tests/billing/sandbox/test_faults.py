"""Faults strike what they are meant for, as often as they are told, and the same every time."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from billing.sandbox.errors import StripeFault
from billing.sandbox.faults import EventTrouble, Faults, RequestTrouble
from billing.sandbox.transport import client
from tests.billing.sandbox.shop import Shop


def test_a_fault_strikes_what_matches_as_often_as_it_says() -> None:
    faults = Faults()
    faults.add("error", match="POST /v1/customers*", times=2)
    assert not faults.of_request("GET", "/v1/customers").kinds
    assert [faults.of_request("POST", "/v1/customers").kinds for _ in range(3)] == [{"error"}, {"error"}, set()]
    assert faults.listed() == []


def test_some_may_go_by_first() -> None:
    faults = Faults()
    faults.add("drop", match="invoice.*", skip=1)
    assert [list(faults.of_event("invoice.paid")) for _ in range(3)] == [[], ["drop"], []]


def test_a_fault_without_an_end() -> None:
    faults = Faults()
    fault = faults.add("duplicate", times=None)
    assert all(faults.of_event("x") for _ in range(20))
    faults.clear(fault.id)
    assert not faults.of_event("x")


def test_chance_is_the_same_for_the_same_seed_only() -> None:
    def struck(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add("drop", times=None, chance=0.5)
        return [bool(faults.of_event("x")) for _ in range(64)]

    assert struck(1) == struck(1) != struck(2)
    assert 16 < sum(struck(1)) < 48


def test_requests_and_events_have_faults_of_their_own() -> None:
    faults = Faults()
    faults.add("drop", times=None)
    faults.add("error", times=None)
    assert faults.of_request("POST", "/v1/x").kinds == {"error"}
    assert set(faults.of_event("x")) == {"drop"}
    assert not set(RequestTrouble) & set(EventTrouble)


@pytest.mark.parametrize(
    "form", [{}, {"kind": "nonsense"}, {"kind": "drop", "times": "x"}, {"kind": "drop", "colour": "red"}]
)
def test_what_is_no_fault_is_refused(form: dict[str, Any]) -> None:
    with pytest.raises(StripeFault):
        Faults().read(form)


def test_a_form_and_json_say_the_same() -> None:
    faults = Faults()
    faults.read({"kind": "delay", "times": "always", "chance": "0.5", "seconds": "30", "match": ""})
    faults.read({"kind": "delay", "times": None, "chance": 0.5, "seconds": 30})
    first, second = faults.listed()
    assert first | {"id": 0} == second | {"id": 0}
    assert first["times"] is None and first["seconds"] == 30 and first["match"] == "*"


# --- What the library makes of them -----------------------------------------------------------------------------------


def made(shop: Shop) -> int:
    return len(shop.sandbox.find("customer"))


@pytest.mark.parametrize("kind", ["error", "timeout", "error_after", "timeout_after"])
def test_a_retry_gets_through_and_makes_one_customer(kind: str) -> None:
    shop = Shop()
    shop.sandbox.faults.add(kind)
    assert shop.api.customers.create({"name": "A"}).name == "A"
    assert made(shop) == 1


@pytest.mark.parametrize(
    ("kind", "error", "done"),
    [
        ("error", stripe.APIError, 0),
        ("error_after", stripe.APIError, 1),
        ("error_kept", stripe.APIError, 1),
        ("timeout", stripe.APIConnectionError, 0),
        ("timeout_after", stripe.APIConnectionError, 1),
        ("rate_limit", stripe.RateLimitError, 0),
        ("revoked_key", stripe.AuthenticationError, 0),
    ],
)
def test_what_one_attempt_finds(kind: str, error: type[Exception], done: int) -> None:
    shop = Shop()
    shop.sandbox.faults.add(kind, match="POST /v1/customers")
    with pytest.raises(error):
        client(shop.sandbox, retries=0).v1.customers.create({"name": "A"})
    assert made(shop) == done


def test_an_error_that_is_kept_comes_again_for_the_same_key() -> None:
    shop = Shop()
    shop.sandbox.faults.add("error_kept")
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            shop.api.customers.create({"name": "A"}, {"idempotency_key": "k"})
    assert made(shop) == 1
