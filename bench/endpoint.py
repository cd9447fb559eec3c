"""The endpoint's throughput against an empty view behind the same server and middleware, and the usual way to write it.

A closed loop over the same connections for all. Every round takes each endpoint once, in random order, and ratios are
within the round; the empty view runs twice, to show how much of a difference is noise.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from bench import load, questions
from bench.filling import TOKEN
from bench.questions import Json, Questions
from bench.report import Goal, figures, noise, section

CONNECTIONS = 8
CHECK, BATCH, EMPTY, USUAL = "/api/v1/uploads/check", "/api/v1/uploads/check/batch", "/bench/empty", "/bench/usual"
TO_EMPTY, TO_USUAL = Goal(at_least=0.5), Goal(at_least=4.0)
BATCHES = (100, 1000)

Rates = dict[str, float]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``questions`` are asked by one request."""

    name: str
    messages: Sequence[bytes]
    questions: int = 1


def run(port: int, database_url: str, rounds: int, seconds: float) -> None:
    drawn = questions.draw(database_url)
    with load.callers(port, CONNECTIONS) as crew:
        _verify_same_answers(crew[0], drawn)
        endpoints = _endpoints(drawn)
        for endpoint in endpoints:  # connected to the database, prepared, pages read
            load.throughput(crew, endpoint.messages, seconds / 4)
        results = [_round(crew, endpoints, seconds) for _ in range(rounds)]
    _report(results)
    _report_batches(results)


def _verify_same_answers(caller: load.Caller, drawn: Questions) -> None:
    """What is compared must do the same."""
    asked = [question for kind in (drawn.unreserved, drawn.reserved, drawn.holder) for question in kind[:50]]
    asked += [*map(_with_claims, drawn.holder[:50]), *map(_named, drawn.holder[:50])]
    for question in asked:
        ours, usual = (caller.ask(load.request(path, question, TOKEN)) for path in (CHECK, USUAL))
        if ours != usual:
            raise AssertionError(f"The answers to {question} differ: {ours} and {usual}")


def _with_claims(question: Json) -> Json:
    return question | {"publisher": {"claims": {"iss": "https://ci.example", "repository_owner": "org1"}}}


def _named(question: Json) -> Json:
    return question | {"publisher": {"organization": "org1"}}


def _endpoints(drawn: Questions) -> list[Endpoint]:
    def asking(name: str, path: str, asked: list[Json]) -> Endpoint:
        return Endpoint(name, [load.request(path, question, TOKEN) for question in asked])

    mixed = drawn.mixed()
    return [
        asking("empty", EMPTY, mixed),
        asking("empty again", EMPTY, mixed),
        asking("check", CHECK, mixed),
        asking("unreserved", CHECK, drawn.unreserved),
        asking("reserved", CHECK, drawn.reserved),
        asking("holder", CHECK, drawn.holder),
        asking("usual", USUAL, mixed),
        *(_batch(mixed, size) for size in BATCHES),
    ]


def _batch(asked: list[Json], size: int) -> Endpoint:
    """Ten bodies of so many questions each."""
    endless = cycle(asked)
    bodies = [{"questions": list(islice(endless, size))} for _ in range(10)]
    return Endpoint(f"batch of {size}", [load.request(BATCH, body, TOKEN) for body in bodies], size)


def _round(crew: Sequence[load.Caller], endpoints: Sequence[Endpoint], seconds: float) -> Rates:
    """Questions answered a second, by endpoint."""
    shuffled = random.sample(endpoints, len(endpoints))
    return {one.name: one.questions * load.throughput(crew, one.messages, seconds) for one in shuffled}


def _report(results: list[Rates]) -> None:
    section(
        "The endpoint's throughput, as a share of the empty view's",
        f"{CONNECTIONS} connections; the check's questions: half unreserved, a quarter refused, a quarter of holders.",
    )
    figures("the check", _ratios(results, "check", "empty"), TO_EMPTY)
    for name in ("unreserved", "reserved", "holder"):
        figures(f"the check, {name} alone", _ratios(results, name, "empty"), TO_EMPTY)
    figures("the check with Django REST framework and the ORM", _ratios(results, "usual", "empty"))
    noise("the empty view again", _ratios(results, "empty again", "empty"))
    figures("the empty view, answers a second", [result["empty"] for result in results])
    section("The check as a multiple of the one with Django REST framework and the ORM", "The same questions.")
    figures("the check", _ratios(results, "check", "usual"), TO_USUAL)


def _report_batches(results: list[Rates]) -> None:
    section("Questions a second in batches, as a multiple of those asked one by one", "The same mixture.")
    for size in BATCHES:
        figures(f"batch of {size:,}", _ratios(results, f"batch of {size}", "check"))


def _ratios(results: list[Rates], one: str, other: str) -> list[float]:
    return [result[one] / result[other] for result in results]
