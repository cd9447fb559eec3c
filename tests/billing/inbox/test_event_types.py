"""The types of events, beside the list of all that Stripe's library knows at the pinned version."""

from __future__ import annotations

import re

import pytest
from stripe.params import WebhookEndpointCreateParams

from billing.gateway.event_types import FETCHED, WANTED, is_known, subject

LISTED = set(re.findall(r"[\"']([a-z0-9_]+(?:\.[a-z0-9_]+)+)[\"']", str(WebhookEndpointCreateParams.__annotations__)))


def test_the_list_is_read() -> None:
    assert len(LISTED) > 200


def test_stripe_has_all_that_we_want() -> None:
    assert set(WANTED) <= LISTED


def test_what_stripe_has_is_no_news() -> None:
    assert not {kind for kind in LISTED if not is_known(kind)}


@pytest.mark.parametrize("kind", ["customer.subscription.transmogrified", "wormhole.opened", "refund.doubled"])
def test_what_it_has_not_is_news(kind: str) -> None:
    assert not is_known(kind)


@pytest.mark.parametrize("kind", sorted(LISTED - set(WANTED)))
def test_of_what_we_do_not_want_nothing_is_looked_at(kind: str) -> None:
    assert {subject(kind, {"id": "x_1", "object": one}) for one in FETCHED} == {("", "")}
