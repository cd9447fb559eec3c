"""The API from inside: pages and the control do what a call would do, and nothing else."""

from __future__ import annotations

from billing.sandbox.routing import Request, resolve
from billing.sandbox.store import Object, Sandbox


def call(sandbox: Sandbox, method: str, path: str, params: Object | None = None) -> Object:
    """``params`` are values as the parser makes them. The answer is the object itself; raises ``StripeFault``."""
    request = Request(method, path, {}, [], params=dict(params or {}))
    found = resolve(request)
    with sandbox.work():
        return found.answer(sandbox, request)
