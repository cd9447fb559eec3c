"""Refusals in Stripe's own shape (``docs.stripe.com/api/errors``)."""

from __future__ import annotations

from typing import Any


class StripeFault(Exception):
    """An answer that is no 2xx. ``param`` is the parameter at fault, written as it was sent: ``items[0][price]``."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str = "",
        param: str = "",
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.more = more or {}

    def as_json(self) -> dict[str, Any]:
        told = {"type": self.kind, "message": self.message, "code": self.code, "param": self.param, **self.more}
        return {"error": {key: value for key, value in told.items() if value}}


def missing(param: str) -> StripeFault:
    return StripeFault(f"Missing required param: {param}.", code="parameter_missing", param=param)


def unknown(param: str) -> StripeFault:
    return StripeFault(f"Received unknown parameter: {param}", code="parameter_unknown", param=param)


def mistyped(param: str, wanted: str, got: object) -> StripeFault:
    return StripeFault(f"Invalid {wanted}: {got!r}", code=f"parameter_invalid_{wanted.replace(' ', '_')}", param=param)


def no_such(what: str, identifier: str, param: str = "id") -> StripeFault:
    return StripeFault(f"No such {what}: '{identifier}'", status=404, code="resource_missing", param=param)
