"""How the commands on an organization answer: aligned tables for people, JSON for programs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from typing import Any

from freehold_client.options import write


def show(options: argparse.Namespace, rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> None:
    """A table of these members of each row; with ``--json`` all that there is of them, as one list."""
    found = list(rows)
    if options.json:
        write(json.dumps(found, indent=2))
        return
    lines = [[column.replace("_", " ").upper() for column in columns]]
    lines += [[text(row.get(column)) for column in columns] for row in found]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    for line in lines if found else []:
        write("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def show_one(options: argparse.Namespace, row: dict[str, Any]) -> None:
    """A line for each member; with ``--json`` an object."""
    if options.json:
        write(json.dumps(row, indent=2))
        return
    width = max(map(len, row), default=0)
    for name, value in row.items():
        write(f"{name.replace('_', ' ').ljust(width)}  {text(value)}".rstrip())


def done(options: argparse.Namespace, sentence: str, row: dict[str, Any] | None = None) -> None:
    """A sentence; with ``--json`` what came of it, or an empty object."""
    write(json.dumps(row or {}) if options.json else text(sentence))


def text(value: Any) -> str:
    """A value on one line; nothing in it moves the cursor of a terminal."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(text, value)) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{name}={text(member)}" for name, member in value.items()) or "-"
    return "".join(character if character.isprintable() else "?" for character in str(value))
