"""How long callers wait at a given rate: requests are due at random instants, and the wait counts from then."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench import load, questions
from bench.endpoint import CHECK, EMPTY
from bench.filling import TOKEN
from bench.report import Goal, figures, section

CONNECTIONS = 32
RATES = (200, 500)
PERCENTILES = (50, 95, 99)
P99_AT_200 = Goal(at_most=10.0)

Waits = dict[str, list[float]]


def run(port: int, database_url: str, rounds: int, seconds: float) -> None:
    mixed = questions.draw(database_url).mixed()
    messages = {path: [load.request(path, question, TOKEN) for question in mixed] for path in (EMPTY, CHECK)}
    with load.callers(port, CONNECTIONS) as crew:
        for of_path in messages.values():
            load.throughput(crew, of_path, 0.5)
        for rate in RATES:
            _report(rate, [_round(crew, messages, rate, seconds, seed) for seed in range(rounds)])


def _round(
    crew: Sequence[load.Caller], messages: dict[str, list[bytes]], rate: float, seconds: float, seed: int
) -> Waits:
    """Milliseconds of each request; both endpoints at the same instants, the one that goes first by turns."""
    order = sorted(messages, reverse=seed % 2 == 0)
    return {path: [1e3 * wait for wait in load.latencies(crew, messages[path], rate, seconds, seed)] for path in order}


def _report(rate: int, results: list[Waits]) -> None:
    section(f"Milliseconds at {rate} requests a second", "Poisson arrivals; from the instant each request was due.")
    for percentile in PERCENTILES:
        for path, name in ((EMPTY, "the empty view"), (CHECK, "the check")):
            is_goal = (rate, percentile, path) == (200, 99, CHECK)
            values = [_percentile(result[path], percentile) for result in results]
            figures(f"{name}, p{percentile}", values, P99_AT_200 if is_goal else None)


def _percentile(values: Sequence[float], percentile: int) -> float:
    return statistics.quantiles(values, n=100)[percentile - 1]
