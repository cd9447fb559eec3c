"""``import_projects``: the time and the peak memory of the command, its start included, and of a second run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from bench.cluster import ROOT, Cluster
from bench.report import Goal, note

NAMES = 886_000
SECONDS, MEGABYTES = Goal(at_most=20.0), Goal(at_most=300.0)
_KILOBYTE = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Run:
    seconds: float
    megabytes: float
    says: str


def run(cluster: Cluster, names: int = NAMES, catalogue: Path | None = None) -> None:
    with TemporaryDirectory() as directory:
        generated = Path(directory, "catalogue.tsv")
        _generate(generated, names)
        _measure(cluster, f"{names:,} generated names", generated)
    if catalogue:
        _measure(cluster, catalogue.name, catalogue)


def _measure(cluster: Cluster, title: str, file: Path) -> None:
    print(f"\nImport of {title}\n")
    with cluster.empty("bench_import") as url:
        bare = _bare_copy(url, file)
        first, again = _command(url, file), _command(url, file)
    for name, done in (("into an empty mirror", first), ("again, unchanged", again)):
        note(f"{name}: {done.says}")
        note(f"  {done.seconds:.1f} s ({_verdict(SECONDS, done.seconds)}), {done.seconds / bare:.1f} × a bare COPY")
        note(f"  {done.megabytes:.0f} MB at its peak ({_verdict(MEGABYTES, done.megabytes)})")


def _verdict(goal: Goal, value: float) -> str:
    return f"{goal}: {'met' if goal.is_met(value) else 'MISSED'}"


def _generate(file: Path, count: int) -> None:
    """Names of one to four parts with a time, in no order."""
    tails = ("", "", "-client", "-sdk", "-core-utils", "-api-core-io")
    with file.open("w", encoding="ascii") as output:
        output.write("name\tfirst_uploaded\n")
        for number in range(count):
            mixed = number * 2_654_435_761 % 2**32  # spread, and each number once
            output.write(f"p{mixed:x}{tails[number % 6]}\t20{10 + number % 15}-0{1 + number % 9}-01T00:00:00Z\n")


def _bare_copy(url: str, file: Path) -> float:
    """Seconds for the file's lines into a table without index or type: what cannot be saved."""
    begun = time.perf_counter()
    with psycopg.connect(url) as connection, file.open("rb") as source:
        connection.execute("CREATE TEMPORARY TABLE bare (line text)")
        with connection.cursor().copy("COPY bare FROM STDIN (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')") as copy:
            while block := source.read(1 << 18):
                copy.write(block)
    return time.perf_counter() - begun


def _command(url: str, file: Path) -> Run:
    command = [sys.executable, "manage.py", "import_projects", str(file), "--no-progress"]
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"DATABASE_URL": url}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    said = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(said)
    return Run(seconds, usage.ru_maxrss * _KILOBYTE / 1e6, said.strip().splitlines()[-1])
