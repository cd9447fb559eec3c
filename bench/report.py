"""Figures as they are printed: ratios with their spread over the rounds, beside the goal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

NAME_WIDTH = 58


@dataclass(frozen=True, slots=True)
class Goal:
    """``at_least`` and ``at_most`` bound the median; "≥ 0.50" or "≤ 3.00" in the table."""

    at_least: float | None = None
    at_most: float | None = None

    def is_met(self, value: float) -> bool:
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"


def section(title: str, explanation: str) -> None:
    print(f"\n{title}\n{explanation}\n")
    print(f"  {'':{NAME_WIDTH}} {'median':>8} {'min':>8} {'max':>8}   goal")


def figures(name: str, values: Sequence[float], goal: Goal | None = None, unit: str = "") -> None:
    """One line: the median of the rounds, and how far they lie apart."""
    middle = statistics.median(values)
    spread = "".join(f" {_number(value):>8}" for value in (middle, min(values), max(values)))
    print(f"  {name:{NAME_WIDTH}}{spread}   {_verdict(middle, goal)}{unit}", flush=True)


def noise(name: str, values: Sequence[float], limit: float = 0.10) -> None:
    """The line of what is measured twice: when the two differ, the run says nothing."""
    figures(name, values)
    if abs(statistics.median(values) - 1) > limit:
        print("  INCONCLUSIVE: the same thing measured twice differs by more than a tenth. Run it on an idle machine.")


def note(text: str) -> None:
    print(f"  {text}", flush=True)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 100 else f"{value:.2f}"


def _verdict(value: float, goal: Goal | None) -> str:
    if goal is None:
        return ""
    return f"{goal}: {'met' if goal.is_met(value) else 'MISSED'} "
