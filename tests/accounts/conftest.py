"""People who sign in, and what is told about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts import guards
from accounts.models import User
from tests.accounts.people import Person

Told = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture(autouse=True)
def _cheap_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def sam(db: None) -> Person:
    """Has an account, and is not signed in."""
    return Person("sam@example.com")


@pytest.fixture
def told() -> Iterator[Told]:
    """What was told about sign-ins: address, action, facts."""
    events: Told = []

    def listener(user: User, action: str, facts: dict[str, Any]) -> None:
        events.append((user.email, action, facts))

    guards.ON_SECURITY_EVENT.append(listener)
    yield events
    guards.ON_SECURITY_EVENT.remove(listener)
