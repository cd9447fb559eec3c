"""Measure how common words are in what authors say of their projects, from a catalogue of a package index.

CATALOGUE is a UTF-8 file of tab-separated values whose first row names the columns: `name` and `summary` are read, the
others ignored. A word is common when many projects describe themselves with it that are not called by it. Counted is,
for each word of three to twenty ASCII letters, in how many projects' summaries it stands in lower case, not as the
first word, and without being part of the project's name. Left out are words that fewer than LEAST projects use, and
those that are written with a capital as often as not: they are names of things, such as Django, not words.

OUTPUT is a gzipped TSV sorted by word, with the columns word and projects. Nothing is random, and the gzip header holds
neither time nor file name, so the same catalogue gives the same bytes (with the same zlib).
"""

from __future__ import annotations

import argparse
import gzip
import io
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

LEAST = 8
LOWER_SHARE = 0.6
HEADER = "word\tprojects\n"
_TOKEN = re.compile(r"(?<![A-Za-z0-9_./@-])[A-Za-z][a-z]{2,19}(?![A-Za-z0-9_/@-])")


def read_rows(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The name and the summary of each project."""
    rows = (line.rstrip("\r\n").split("\t") for line in lines)
    header = next(rows)
    name, summary = header.index("name"), header.index("summary")
    return ((row[name], row[summary]) for row in rows if len(row) > max(name, summary) and row[summary])


def words_of(name: str, summary: str) -> set[str]:
    """The words of a summary as they are written, without its first and without those in the project's name."""
    bare = re.sub(r"[-_.]", "", name.lower())
    found = {match.group() for match in _TOKEN.finditer(summary) if match.start()}
    return {word for word in found if word.lower() not in bare}


def count(rows: Iterable[tuple[str, str]]) -> dict[str, int]:
    """How many projects use each word, of those that are kept."""
    seen = Counter(word for name, summary in rows for word in words_of(name, summary))
    kept = {}
    for word, lower in seen.items():
        capital = seen[word.capitalize()]
        if word.islower() and lower >= LEAST and lower >= LOWER_SHARE * (lower + capital):
            kept[word] = lower
    return dict(sorted(kept.items()))


def pack(counts: dict[str, int]) -> bytes:
    """The output file's bytes."""
    text = HEADER + "".join(f"{word}\t{projects}\n" for word, projects in counts.items())
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as stream:
        stream.write(text.encode("ascii"))
    return packed.getvalue()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalogue", metavar="CATALOGUE", type=Path, help="the TSV file to measure")
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="the .tsv.gz file to write or replace")
    options = parser.parse_args(argv)
    with options.catalogue.open(encoding="utf-8-sig", errors="replace", newline="\n") as lines:
        counts = count(read_rows(lines))
    options.output.write_bytes(pack(counts))
    print(f"{len(counts)} words")
    return 0


if __name__ == "__main__":
    sys.exit(main())
