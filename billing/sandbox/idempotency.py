"""The same key brings the same answer (``docs.stripe.com/api/idempotent_requests``)."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from billing.sandbox.clock import DAY
from billing.sandbox.errors import StripeFault
from billing.sandbox.routing import Request, Response
from billing.sandbox.store import Sandbox

MANY = 1_000
_BOARDING = threading.Lock()
KEPT = DAY
"""Stripe promises a day at least; whoever counts on more finds out here."""


def known(sandbox: Sandbox, request: Request) -> Response | None:
    """The answer that this key already has. Raises ``StripeFault`` if it was for something else."""
    kept = sandbox.answers.get(request.key) if request.key else None
    if kept is None or kept["until"] <= sandbox.clock.now():
        return None
    if kept["asked"] != _print(request):
        raise StripeFault(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{request.key}' if you meant to execute a different request.",
            kind="idempotency_error",
        )
    return Response(kept["status"], kept["body"], {**kept["headers"], "Idempotent-Replayed": "true"})


def keep(sandbox: Sandbox, request: Request, response: Response) -> None:
    """Also a refusal, once the work had begun."""
    if request.key:
        if len(sandbox.answers) % MANY == MANY - 1:
            _forget_old(sandbox)
        sandbox.answers[request.key] = {
            "asked": _print(request),
            "status": response.status,
            "body": response.body,
            "headers": response.headers,
            "until": sandbox.clock.now() + KEPT,
        }


def _forget_old(sandbox: Sandbox) -> None:
    now = sandbox.clock.now()
    sandbox.answers = {key: kept for key, kept in sandbox.answers.items() if kept["until"] > now}


@contextmanager
def alone(sandbox: Sandbox, request: Request) -> Iterator[None]:
    """Two requests with one key at the same time: the second is told to come again."""
    with _BOARDING:
        if request.key in sandbox.in_flight:
            raise StripeFault(
                f"There is currently another in-progress request using this Idempotent Key ({request.key}).",
                status=409,
                kind="idempotency_error",
                code="idempotency_key_in_use",
            )
        if request.key:
            sandbox.in_flight.add(request.key)
    try:
        yield
    finally:
        sandbox.in_flight.discard(request.key)


def _print(request: Request) -> str:
    """What was asked for, as a short text."""
    asked = json.dumps([request.method, request.path, sorted(request.pairs)])
    return hashlib.sha256(asked.encode()).hexdigest()
