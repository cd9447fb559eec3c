"""When to try again what failed."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from freehold.backoff import FIRST_RETRY, LONGEST_RETRY, retry_delay


@given(st.timedeltas(timedelta(0), timedelta(days=5)), st.floats(0, 1))
def test_the_wait_grows_within_limits(failing_for: timedelta, dice: float) -> None:
    delay = retry_delay(failing_for, dice)
    assert FIRST_RETRY / 2 <= delay <= LONGEST_RETRY * 1.5
    assert retry_delay(failing_for, 0) * 3 >= retry_delay(failing_for, 1) - timedelta(microseconds=5)


def test_it_doubles() -> None:
    assert retry_delay(timedelta(0), 0.5) == FIRST_RETRY
    assert retry_delay(timedelta(minutes=4), 0.5) == timedelta(minutes=4)
    assert retry_delay(timedelta(days=1), 0.5) == LONGEST_RETRY
