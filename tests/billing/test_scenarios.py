"""The catalogue of failures to survive has 58 entries; each is a test that bears its number."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
SCENARIOS = range(1, 59)


def named() -> Counter[int]:
    found = re.compile(r"^\s*def test_scenario_(\d\d)_", re.MULTILINE)
    files = (path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    return Counter(int(number) for text in files for number in found.findall(text))


def test_every_scenario_has_a_test() -> None:
    assert sorted(set(SCENARIOS) - set(named())) == []


def test_no_test_bears_a_number_that_there_is_not() -> None:
    assert sorted(set(named()) - set(SCENARIOS)) == []
