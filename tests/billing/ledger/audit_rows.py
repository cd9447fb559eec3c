"""What services of the ledger leave in the audit trail: the arguments of each, and its events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

Row = tuple[Callable[[], dict[str, Any]], list[tuple[str, str]]]

ROWS: dict[str, Row] = {
    "close_month": (lambda: {"month": date(2026, 1, 1)}, [("ledger.month_closed", "")]),
}
