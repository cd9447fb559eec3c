"""What the services of the costs leave in the trail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.billing.sustainability.rows import CSV, entered, parsed

Row = tuple[Callable[[], dict[str, Any]], list[tuple[str, str]]]

ROWS: dict[str, Row] = {
    "enter_cost": (lambda: {"cost": parsed()}, [("cost.entered", "")]),
    "remove_cost": (lambda: {"cost": entered("2026-01", 100).pk}, [("cost.removed", "")]),
    "import_costs": (lambda: {"text": CSV}, [("cost.entered", ""), ("cost.entered", "")]),
    "set_openness": (lambda: {"is_public": True, "currency": "eur"}, [("sustainability.set", "")]),
}
