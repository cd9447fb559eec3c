"""What the commands have in common: where Freehold is, what is printed, and what can't be carried out."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any


class UsageError(Exception):
    """The command can't be carried out as it was given."""


def freehold_url(options: argparse.Namespace) -> str:
    """``--url``, or ``FREEHOLD_URL``. Raises ``UsageError`` without either."""
    url = options.url or os.environ.get("FREEHOLD_URL")
    if not url:
        raise UsageError("Say where Freehold is: set FREEHOLD_URL, or give --url.")
    return str(url)


def configured(make: Any) -> Any:
    """What is made; ``UsageError`` where it was given what it can't use."""
    try:
        return make()
    except ValueError as error:
        raise UsageError(str(error)) from error


def write(line: str) -> None:
    """One line on standard output."""
    sys.stdout.write(line + "\n")
