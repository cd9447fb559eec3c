"""The structured log: standard logging, with the event and its fields in ``record.freehold``."""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger("freehold_client")


def fields(event: str, **values: Any) -> dict[str, dict[str, Any]]:
    """What to pass as ``extra``: one attribute, so that no field can clash with those of a log record."""
    return {"freehold": {"event": event, **values}}
