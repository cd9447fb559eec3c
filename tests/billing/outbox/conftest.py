"""What the tests of calls share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from billing.sandbox.store import Sandbox
from tests.billing.outbox.troubles import Do


@pytest.fixture
def two_days(ahead: Do, settle: Do, sandbox: Sandbox) -> Callable[[], None]:
    """The trouble ends, and Stripe forgets every key."""

    def passes() -> None:
        sandbox.faults.clear()
        ahead(days=2)
        settle()

    return passes
