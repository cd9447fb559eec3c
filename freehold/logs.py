"""Logs: one JSON object a line, from structlog and from everything that logs in the standard way."""

from __future__ import annotations

from typing import Any

import structlog

from orgs.tokens import redacted

_STAMPS: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def without_tokens(_logger: Any, _method: str, event: Any) -> Any:
    """Those in an address are logged with it otherwise: the link of an invitation, where a form of it is refused."""
    return {key: redacted(value) if isinstance(value, str) else value for key, value in event.items()}


def configured(level: str) -> dict[str, Any]:
    """Set up structlog; the value of Django's ``LOGGING`` that goes with it."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *_STAMPS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": "structlog.stdlib.ProcessorFormatter",
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    without_tokens,
                    structlog.processors.JSONRenderer(),
                ],
                "foreign_pre_chain": _STAMPS,
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {"django.request": {"level": "ERROR"}},
    }
