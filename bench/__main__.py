"""``python -m bench``: what the upload check costs, as ratios, side by side in one run."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.cluster import ROOT, Cluster, Size, running

PARTS = ("statement", "endpoint", "latency", "consistency", "imports")
BUSY = 10  # per cent
DIRECTORY = Path(os.environ.get("FREEHOLD_VAR") or ROOT / "var").resolve() / "bench"


@dataclass(frozen=True, slots=True)
class Length:
    """How much is measured: rounds and seconds of each slice."""

    sizes: list[Size]
    rounds: int
    slice: float
    statement_slice: float
    latency_rounds: int
    flips: int
    names: int


FULL = Length([Size(n, 5_000_000) for n in (1_000, 100_000, 1_000_000)], 10, 2.0, 0.3, 6, 12, 886_000)
QUICK = Length([Size(n, 200_000) for n in (1_000, 100_000)], 5, 0.5, 0.1, 2, 10, 100_000)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    length = QUICK if options.quick else FULL
    parts = options.parts or PARTS
    with running(DIRECTORY) as cluster:
        _set_up_django(cluster)
        _describe_machine()
        for part in PARTS:
            if part in parts:
                _PARTS[part](cluster, length, options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[*PARTS, []], help=f"of {', '.join(PARTS)}; all")
    parser.add_argument("--quick", action="store_true", help="small databases and few, short rounds: is it alive?")
    parser.add_argument("--catalogue", type=Path, metavar="FILE", help="a real catalogue of projects to import as well")
    return parser


def _describe_machine() -> None:
    busy = psutil.cpu_percent(interval=1.0)
    print(f"{psutil.cpu_count()} processors, {busy:.0f} % busy before the start")
    if busy > BUSY:
        print("Other work goes on here: what follows is noise to that extent.")


def _set_up_django(cluster: Cluster) -> None:
    os.environ["DATABASE_URL"] = cluster.url("postgres")  # each part says for itself which database it means
    os.environ["DJANGO_SETTINGS_MODULE"] = "freehold.settings"
    import django

    django.setup()


def _statement(cluster: Cluster, length: Length, options: argparse.Namespace) -> None:
    from bench import statement

    statement.run(cluster, length.sizes, length.rounds, length.statement_slice)


def _endpoint(cluster: Cluster, length: Length, options: argparse.Namespace) -> None:
    from bench import endpoint

    with _serving(cluster.of_size(length.sizes[-1])) as (port, url):
        endpoint.run(port, url, length.rounds, length.slice)


def _latency(cluster: Cluster, length: Length, options: argparse.Namespace) -> None:
    from bench import latency

    with _serving(cluster.of_size(length.sizes[-1])) as (port, url):
        latency.run(port, url, length.latency_rounds, 5 * length.slice)


def _consistency(cluster: Cluster, length: Length, options: argparse.Namespace) -> None:
    from bench import consistency

    with cluster.empty("bench_consistency") as empty, _serving(empty) as (port, url):
        consistency.run(port, url, length.flips)


def _imports(cluster: Cluster, length: Length, options: argparse.Namespace) -> None:
    from bench import imports

    imports.run(cluster, length.names, options.catalogue)


@contextmanager
def _serving(url: str) -> Iterator[tuple[int, str]]:
    from bench import server

    with server.serving(url, DIRECTORY / "web.log") as port:
        yield port, url


_PARTS = {
    "statement": _statement,
    "endpoint": _endpoint,
    "latency": _latency,
    "consistency": _consistency,
    "imports": _imports,
}

if __name__ == "__main__":
    sys.exit(main())
