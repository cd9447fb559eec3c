from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from billing.services import syncing
from tests.billing.inbox.letters import BILLING


class Looks(list[tuple[str, str]]):
    """The looks at Stripe that were taken, by type and id, in place of the real ones. ``answer`` is what each finds, or
    what it fails with; ``meanwhile`` is done during each; those at ``failing`` fail."""

    answer: Any = True
    failing: frozenset[str] | set[str] = frozenset()

    def meanwhile(self) -> None:
        """Nothing, until a test says what."""

    def __call__(self, object_type: str, stripe_id: str) -> Any:
        self.append((object_type, stripe_id))
        self.meanwhile()
        if isinstance(self.answer, BaseException):
            raise self.answer
        if stripe_id in self.failing:
            raise RuntimeError("a bug of ours")
        return self.answer


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Looks]:
    taken = Looks()
    monkeypatch.setattr(syncing, "sync_object", taken)
    with override_settings(FREEHOLD_STRIPE=BILLING):
        yield taken
