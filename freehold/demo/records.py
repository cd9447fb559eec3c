"""The TXT records that visitors of the demo publish: a small file that its page writes and its DNS reads.

Nothing here imports Django, for the DNS is a process of its own and stays small.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOST_NAMES, MOST_VALUES = 200, 20

Records = dict[str, list[str]]


class Full(Exception):
    """There is no room for another record; the message says so to people."""


def read(path: Path) -> Records:
    """Values by name; empty for a file that is not there or makes no sense."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(name): [str(value) for value in values] for name, values in found.items() if isinstance(values, list)}


def publish(path: Path, name: str, value: str) -> None:
    """Add a record; raises ``Full``."""
    with _changing(path) as records:
        values = records.setdefault(name, [])
        if value not in values:
            values.append(value)
        if len(records) > MOST_NAMES or len(values) > MOST_VALUES:
            raise Full("The demo's DNS is full. Remove records that are not needed.")


def remove(path: Path, name: str, value: str) -> None:
    """Take a record away; one that is not there is none."""
    with _changing(path) as records:
        values = [other for other in records.pop(name, []) if other != value]
        if values:
            records[name] = values


@contextmanager
def _changing(path: Path) -> Iterator[Records]:
    """The records, written back in one piece. Nobody else changes them meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        records = read(path)
        yield records
        written = path.with_suffix(".new")
        written.write_text(json.dumps(records, ensure_ascii=False, indent=1), encoding="utf-8")
        written.replace(path)
