"""What the sandbox takes for a request: exactly what the SDK's own types describe (BILLING, Facts)."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from stripe.params import (
    CustomerCreateParams,
    InvoiceCreateParams,
    PriceCreateParams,
    SubscriptionCreateParams,
    SubscriptionUpdateParams,
)
from stripe.params.checkout import SessionCreateParams

from billing.sandbox.errors import StripeFault
from billing.sandbox.parameters import parse


def sent(params: dict[str, Any]) -> list[tuple[str, str]]:
    """As the SDK writes it into the body of a request."""
    return parse_qsl(urlencode(list(stripe._encode._api_encode(params))), keep_blank_values=True)


@pytest.mark.parametrize(
    ("wanted", "params"),
    [
        (CustomerCreateParams, {"email": "a@b.example", "address": {"country": "DE"}, "metadata": {"org": "1"}}),
        (CustomerCreateParams, {"address": ""}),
        (
            CustomerCreateParams,
            {"tax_id_data": [{"type": "eu_vat", "value": "DE1"}], "tax": {"validate_location": "immediately"}},
        ),
        (SubscriptionCreateParams, {"customer": "cus_1", "items": [{"price": "p1", "quantity": 2}, {"price": "p2"}]}),
        (SubscriptionCreateParams, {"customer": "cus_1", "cancel_at": 1790000000, "automatic_tax": {"enabled": True}}),
        (SubscriptionCreateParams, {"customer": "cus_1", "cancel_at": "min_period_end", "trial_end": "now"}),
        (SubscriptionUpdateParams, {"cancel_at_period_end": False, "proration_behavior": "always_invoice"}),
        (InvoiceCreateParams, {"customer": "cus_1", "collection_method": "send_invoice", "days_until_due": 30}),
        (PriceCreateParams, {"currency": "usd", "unit_amount": 500, "recurring": {"interval": "month"}}),
        (SessionCreateParams, {"mode": "subscription", "line_items": [{"price": "p1", "quantity": 1}]}),
    ],
)
def test_what_the_sdk_sends_comes_back_as_it_was(wanted: type, params: dict[str, Any]) -> None:
    assert parse(sent(params), wanted) == params


def test_decimals() -> None:
    assert parse([("currency", "usd"), ("unit_amount_decimal", "0.5")], PriceCreateParams)[
        "unit_amount_decimal"
    ] == Decimal("0.5")


@pytest.mark.parametrize(
    ("wanted", "form", "code", "param"),
    [
        (CustomerCreateParams, "nmae=x", "parameter_unknown", "nmae"),
        (CustomerCreateParams, "address[contry]=DE", "parameter_unknown", "address[contry]"),
        (CustomerCreateParams, "api_key=sk", "parameter_unknown", "api_key"),
        (CustomerCreateParams, "idempotency_key=x", "parameter_unknown", "idempotency_key"),
        (CustomerCreateParams, "address=DE", "parameter_invalid_object", "address"),
        (CustomerCreateParams, "email[x]=1", "parameter_invalid_string", "email"),
        (CustomerCreateParams, "tax_id_data[0][type]=eu_vat", "parameter_missing", "tax_id_data[0][value]"),
        (CustomerCreateParams, "tax_id_data[0][type]=eu_bat&tax_id_data[0][value]=1", "parameter_invalid_enum", "tax_id_data[0][type]"),
        (PriceCreateParams, "unit_amount=500", "parameter_missing", "currency"),
        (PriceCreateParams, "currency=usd&unit_amount=5.0", "parameter_invalid_integer", "unit_amount"),
        (PriceCreateParams, "currency=usd&unit_amount=%D9%A3", "parameter_invalid_integer", "unit_amount"),
        (PriceCreateParams, "currency=usd&unit_amount_decimal=NaN", "parameter_invalid_decimal", "unit_amount_decimal"),
        (PriceCreateParams, "currency=usd&recurring[interval]=moon", "parameter_invalid_enum", "recurring[interval]"),
        (SubscriptionUpdateParams, "cancel_at_period_end=yes", "parameter_invalid_boolean", "cancel_at_period_end"),
        (SubscriptionCreateParams, "customer=c&items[1][price]=p", "parameter_invalid_array", "items"),
        (SubscriptionCreateParams, "customer=c&items=p", "parameter_invalid_array", "items"),
        (SubscriptionCreateParams, "customer=c&collection_method=later", "parameter_invalid_enum", "collection_method"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(wanted: type, form: str, code: str, param: str) -> None:
    with pytest.raises(StripeFault) as refused:
        parse(parse_qsl(form, keep_blank_values=True), wanted)
    assert (refused.value.code, refused.value.param, refused.value.status) == (code, param, 400)


@pytest.mark.parametrize(
    "form",
    [
        "name=a&name=b",
        "address=x&address[city]=y",
        "a[b=c",
        "[x]=1",
        "=1",
        "a[][]=1",
        "a" + "[b]" * 20 + "=1",
        "n%00=1",
    ],
)
def test_forms_that_make_no_sense(form: str) -> None:
    with pytest.raises(StripeFault):
        parse(parse_qsl(form, keep_blank_values=True), CustomerCreateParams)


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=10)), max_size=6))
def test_any_form_is_taken_or_refused(pairs: list[tuple[str, str]]) -> None:
    with suppress(StripeFault):
        assert parse(pairs, SubscriptionCreateParams).keys() <= {key.partition("[")[0] for key, _ in pairs}
