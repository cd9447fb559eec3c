"""Draw a sample of real project names from a catalogue of a package index.

CATALOGUE is a UTF-8 file of tab-separated values (plain, no quoting). Its first
row names the columns:

  name    the project's name (required)
  month   YYYY-MM, the month of the project's NEWEST release (optional)
  rank*   the first column whose name begins with "rank": the project's place among
          the most downloaded, 1 being the most; 0 or empty: not ranked (optional)

Other columns are ignored. A name that breaks the packaging rule for project names
is skipped and counted; the others are normalized (lower case, each run of "-", "_"
and "." becomes one "-"), and the first row of each normalized name is kept.

Taken are, in this order:

  1. every name in one of the namespaces listed in PREFIXES: namespace foo holds
     "foo" and "foo-bar", never "foobar";
  2. the ranked names, most downloaded first, in at most half of the room left;
  3. an even draw of all remaining names in sorted order, until the size is reached.

OUTPUT is a gzipped TSV sorted by name, with the columns name, first_uploaded and
rank. Nothing is random and the gzip header holds neither time nor file name, so the
same catalogue and size give the same bytes (with the same zlib).

first_uploaded is an RFC 3339 time in UTC, the first instant of the catalogue's
month; it is empty where the catalogue has no month. As that month is the newest
release's, it is only an upper bound, to the month, of the true first upload: many
projects are years older.
"""

from __future__ import annotations

import argparse
import gzip
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

PREFIXES = (
    "apache-airflow-providers",
    "aws-cdk",
    "azure",
    "cupy",
    "django",
    "google-cloud",
    "opentelemetry",
    "scikit",
    "types",
    "typing",
)
HEADER = "name\tfirst_uploaded\trank\n"
DEFAULT_SIZE = 32_000

# Explicit ASCII classes, never re.IGNORECASE: that flag lets U+212A pass for "k".
VALID_NAME = re.compile(r"[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]")
SEPARATORS = re.compile(r"[-_.]+")
MONTH = re.compile(r"[1-9][0-9]{3}-(?:0[1-9]|1[0-2])")
RANK = re.compile(r"[0-9]{1,18}")


class CatalogueError(ValueError):
    """The catalogue, or the size asked of it, cannot be used."""


class Project(NamedTuple):
    """One line of the sample; rank 0 means not ranked."""

    name: str
    first_uploaded: str
    rank: int

    def line(self) -> str:
        """Return the project as a line of the output."""
        return f"{self.name}\t{self.first_uploaded}\t{self.rank or ''}\n"


class Columns(NamedTuple):
    """Where the catalogue's columns are; None for one it does not have."""

    name: int
    month: int | None
    rank: int | None


class Catalogue(NamedTuple):
    """The usable projects, sorted by name, and how many rows were left out."""

    projects: list[Project]
    invalid: int
    repeated: int


def is_valid_name(name: str) -> bool:
    """Tell whether the packaging rule allows the name."""
    return VALID_NAME.fullmatch(name) is not None


def normalize(name: str) -> str:
    """Return the normalized form of a valid name."""
    return SEPARATORS.sub("-", name.lower())


def in_namespace(name: str, prefix: str) -> bool:
    """Tell whether a normalized name is the prefix itself or below it."""
    return name == prefix or name.startswith(f"{prefix}-")


def is_covered(name: str) -> bool:
    """Tell whether a normalized name is in one of the listed namespaces."""
    return any(in_namespace(name, prefix) for prefix in PREFIXES)


def first_index(header: Sequence[str], wanted: Callable[[str], bool]) -> int | None:
    """Return the place of the first wanted column, if there is one."""
    return next((place for place, column in enumerate(header) if wanted(column)), None)


def find_columns(header: Sequence[str]) -> Columns:
    """Find the columns by the names in the catalogue's first row."""
    name = first_index(header, lambda column: column == "name")
    if name is None:
        raise CatalogueError('the first row of the catalogue has no column "name"')
    month = first_index(header, lambda column: column == "month")
    return Columns(name, month, first_index(header, lambda column: column.startswith("rank")))


def cell(row: Sequence[str], place: int | None) -> str:
    """Return a field of a row, empty if the column or the field is missing."""
    return row[place] if place is not None and place < len(row) else ""


def parse_month(text: str) -> str:
    """Return the month's first instant, or nothing if the text is not a month."""
    return f"{text}-01T00:00:00Z" if MONTH.fullmatch(text) else ""


def parse_rank(text: str) -> int:
    """Return the rank, 0 if there is none."""
    return int(text) if RANK.fullmatch(text) else 0


def parse_row(row: Sequence[str], columns: Columns) -> Project | None:
    """Return the row's project, None if its name is not valid."""
    name = cell(row, columns.name)
    if not is_valid_name(name):
        return None
    uploaded = parse_month(cell(row, columns.month))
    return Project(normalize(name), uploaded, parse_rank(cell(row, columns.rank)))


def split_rows(lines: Iterable[str]) -> Iterator[list[str]]:
    """Split each line that is not blank at its tabs."""
    for line in lines:
        bare = line.removesuffix("\n").removesuffix("\r")
        if bare:
            yield bare.split("\t")


def read_catalogue(lines: Iterable[str]) -> Catalogue:
    """Read the catalogue's lines, the header first."""
    rows = split_rows(lines)
    columns = find_columns(next(rows, []))
    parsed = [parse_row(row, columns) for row in rows]
    valid = [project for project in parsed if project is not None]
    unique: dict[str, Project] = {}
    for project in valid:
        unique.setdefault(project.name, project)
    return Catalogue(sorted(unique.values()), len(parsed) - len(valid), len(valid) - len(unique))


def draw_evenly(projects: Sequence[Project], count: int) -> list[Project]:
    """Return count projects spread evenly over the sequence, all if it is shorter."""
    wanted = min(count, len(projects))
    return [projects[place * len(projects) // wanted] for place in range(wanted)]


def draw_popular(projects: Iterable[Project], count: int) -> list[Project]:
    """Return the count most downloaded of the ranked projects."""
    ranked = [project for project in projects if project.rank]
    return sorted(ranked, key=lambda project: (project.rank, project.name))[:count]


def draw(projects: Sequence[Project], size: int) -> list[Project]:
    """Draw the sample from projects sorted by name; see the module's docstring."""
    covered = [project for project in projects if is_covered(project.name)]
    room = size - len(covered)
    if room < 0:
        raise CatalogueError(f"the namespaces alone hold {len(covered)} names: raise --size")
    others = [project for project in projects if not is_covered(project.name)]
    popular = draw_popular(others, room // 2)
    taken = {project.name for project in popular}
    rest = [project for project in others if project.name not in taken]
    return sorted(covered + popular + draw_evenly(rest, room - len(popular)))


def pack(projects: Iterable[Project]) -> bytes:
    """Return the output file's bytes."""
    text = HEADER + "".join(project.line() for project in projects)
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as stream:
        stream.write(text.encode("ascii"))
    return packed.getvalue()


def report(catalogue: Catalogue, sample: Sequence[Project]) -> str:
    """Describe what was read and drawn."""
    covered = sum(is_covered(project.name) for project in sample)
    ranked = sum(project.rank > 0 for project in sample)
    undated = sum(not project.first_uploaded for project in sample)
    return (
        f"read {len(catalogue.projects)} names; skipped {catalogue.invalid} invalid"
        f" and {catalogue.repeated} repeated\n"
        f"drew {len(sample)} names: {covered} in the namespaces, {ranked} ranked, {undated} without a month"
    )


def run(catalogue_path: Path, output_path: Path, size: int) -> str:
    """Draw the sample from one file into another and describe it."""
    with catalogue_path.open(encoding="utf-8-sig", errors="replace", newline="\n") as lines:
        catalogue = read_catalogue(lines)
    sample = draw(catalogue.projects, size)
    output_path.write_bytes(pack(sample))
    return report(catalogue, sample)


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalogue", metavar="CATALOGUE", type=Path, help="the TSV file to draw from")
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="the .tsv.gz file to write or replace")
    parser.add_argument(
        "--size",
        metavar="N",
        type=int,
        default=DEFAULT_SIZE,
        help="names to draw in all, the namespaces' included (default: %(default)s)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = build_parser().parse_args(argv)
    try:
        print(run(options.catalogue, options.output, options.size))
    except (CatalogueError, OSError) as error:
        print(f"draw_sample: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
