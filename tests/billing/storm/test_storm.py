"""A seeded storm over everything that is bought, and the calm after it (the headline test of billing)."""

from __future__ import annotations

import os
import time

import pytest

from freehold.stripe_settings import StripeSettings
from tests.billing.storm.place import place
from tests.billing.storm.storm import Storm

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

STORMS = ((1, 400), (2, 200))
"""Seed and operations. An operation costs from sixty to a hundred milliseconds of a processor, most of it some ninety
queries: so these are short, and the whole storm, of five thousand, is a command."""


def _asked() -> tuple[tuple[int, int], ...]:
    """By ``python -m tests.billing.storm --seed N --operations N``."""
    asked = os.environ.get("FREEHOLD_STORM", "")
    if not asked:
        return STORMS
    seed, operations = asked.split(":")
    return ((int(seed), int(operations)),)


@pytest.mark.parametrize(("seed", "operations"), _asked())
def test_after_a_storm_nothing_is_lost_doubled_or_wrong(
    seed: int, operations: int, billing_settings: StripeSettings
) -> None:
    began = time.process_time()
    with place(seed, billing_settings) as hands:
        storm = Storm(hands, seed)
        try:
            storm.rage(operations)
            raged = time.process_time() - began
            storm.settle()
            first = storm.compare()
            print(f"the first comparison: {first.compared} compared, {first.repaired} repaired, {first.open} left")
            storm.check()
        finally:
            print(storm.figures())
            print(storm.times())
        print(f"{raged:.1f} s of processor for the storm, {time.process_time() - began:.1f} s in all")
