"""The check's statement against ``SELECT 1``: both prepared, both by the way that the check goes to the database."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from itertools import cycle, repeat
from typing import Any

from bench import databases, questions
from bench.cluster import Cluster, Size
from bench.filling import TOKEN
from bench.report import Goal, figures, noise, section
from freehold.prepared import Prepared
from namespaces.api.questions import parse
from namespaces.facts import prepare
from orgs import tokens

ONE = Prepared("bench_one", "SELECT 1", 0, tuple)
FLOOR, FLOOR_AGAIN = "SELECT 1", "SELECT 1, again"
KINDS = {
    "an unreserved name": "unreserved",
    "a reserved name, refused": "reserved",
    "a holder": "holder",
}
COST, GROWTH = Goal(at_most=3.0), Goal(at_most=1.3)

Microseconds = dict[tuple[Size, str], float]


class Bed:
    """A database of one size, a connection to it, and what is asked there."""

    def __init__(self, cluster: Cluster, size: Size) -> None:
        url = cluster.of_size(size)
        self.size = size
        self._database = databases.wrapper(url)
        drawn, digest = questions.draw(url), tokens.digest(TOKEN)
        self._work: dict[str, Iterator[tuple[Prepared[Any], list[bytes]]]] = {
            FLOOR: repeat((ONE, [])),
            FLOOR_AGAIN: repeat((ONE, [])),
        }
        for name, kind in KINDS.items():
            self._work[name] = cycle([prepare(digest, [parse(question)]) for question in getattr(drawn, kind)])

    @property
    def names(self) -> list[str]:
        return list(self._work)

    def measure(self, name: str, seconds: float) -> float:
        """Microseconds for one execution."""
        databases.use(self._database)
        begun, count, passed = time.perf_counter(), 0, 0.0
        for statement, parameters in self._work[name]:
            statement.fetch(parameters)
            count += 1
            if (passed := time.perf_counter() - begun) >= seconds:
                break
        return passed / count * 1e6

    def close(self) -> None:
        self._database.close()


def run(cluster: Cluster, sizes: list[Size], rounds: int, seconds: float) -> None:
    beds = [Bed(cluster, size) for size in sizes]
    try:
        for bed in beds:
            for name in bed.names:  # prepared, and its pages read
                bed.measure(name, seconds)
        results = [_round(beds, seconds) for _ in range(rounds)]
    finally:
        for bed in beds:
            bed.close()
    _report_cost(sizes, results)
    _report_growth(sizes, results)


def _round(beds: list[Bed], seconds: float) -> Microseconds:
    slices = [(bed, name) for bed in beds for name in bed.names]
    random.shuffle(slices)
    return {(bed.size, name): bed.measure(name, seconds) for bed, name in slices}


def _report_cost(sizes: list[Size], results: list[Microseconds]) -> None:
    section(
        f"The check's statement, as a multiple of SELECT 1 ({sizes[0].projects:,} projects)",
        "Each ratio is to the SELECT 1 of the same round on the same database.",
    )
    for size in sizes:
        for name in KINDS:
            figures(f"{size}: {name}", [r[size, name] / r[size, FLOOR] for r in results], COST)
        noise(f"{size}: {FLOOR_AGAIN}", [r[size, FLOOR_AGAIN] / r[size, FLOOR] for r in results])
        figures(f"{size}: {FLOOR}, microseconds", [r[size, FLOOR] for r in results])


def _report_growth(sizes: list[Size], results: list[Microseconds]) -> None:
    small, big = sizes[0], sizes[-1]
    section(f"Growth: the same at {big} as a multiple of that at {small}", "Each ratio is within one round.")
    for name in KINDS:
        figures(name, [r[big, name] / r[small, name] for r in results], GROWTH)
