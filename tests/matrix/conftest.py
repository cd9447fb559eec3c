"""What the matrices have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from stripe import HTTPClient

from tests.matrix.world import Estate, World, rolled_back


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no Stripe here. Pages that ask it are to find that out at once, and not after the pauses between three
    attempts."""
    monkeypatch.setattr(HTTPClient, "_sleep_time_seconds", lambda *_: 0)


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> None:
    """Everybody signed in when the module began."""
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 86_400


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Made once for a module. Each test has a transaction of its own inside, so that what it does is undone."""
    with django_db_blocker.unblock(), rolled_back():
        yield World()


@pytest.fixture
def estate(world: World) -> Estate:
    return world.estate
