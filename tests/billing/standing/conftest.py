"""A stopped clock, and a Stripe that is never asked unless a test says what it answers."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from billing.services import ladder
from orgs.models import Organization
from tests.billing.standing.rows import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The subscriptions, and organizations, about which the ladder asked Stripe."""
    found: list[str] = []

    def ask(stripe_id: str, **_: Any) -> None:
        found.append(stripe_id)

    def ask_for_all(*, organization: Organization, **_: Any) -> None:
        found.append(organization.name)
        organization.customers.update(compared_at=timezone.now())

    monkeypatch.setattr(ladder, "sync_subscription", ask)
    monkeypatch.setattr(ladder, "sync_organization", ask_for_all)
    return found
