"""What the matrices have in common."""

from __future__ import annotations

import pytest
from stripe import HTTPClient


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no Stripe here. Pages that ask it are to find that out at once, and not after the pauses between three
    attempts."""
    monkeypatch.setattr(HTTPClient, "_sleep_time_seconds", lambda *_: 0)
