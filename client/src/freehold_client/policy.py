"""What a consumer asks of the packages that it installs (``freehold audit --policy``)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """(body follows)"""
