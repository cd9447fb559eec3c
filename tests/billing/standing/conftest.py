"""A stopped clock, and a Stripe that is never asked unless a test says what it answers."""

from __future__ import annotations

from typing import Any

import pytest

from billing.services import ladder
from tests.billing.standing.rows import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The subscriptions about which the ladder asked Stripe."""
    found: list[str] = []

    def ask(stripe_id: str, **_: Any) -> None:
        found.append(stripe_id)

    monkeypatch.setattr(ladder, "sync_subscription", ask)
    return found
