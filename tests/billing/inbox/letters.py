"""What Stripe would send, made by hand: events, and their signatures."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from typing import Any

from django.test import Client

from freehold.programs import SANDBOX_SECRET
from freehold.stripe_settings import SANDBOX_BASE, SANDBOX_KEY, StripeSettings

PATH = "/billing/stripe/webhook"
BILLING = StripeSettings(enabled=True, key=SANDBOX_KEY, secrets=(SANDBOX_SECRET,), base=SANDBOX_BASE)
_numbers = itertools.count(1)


def event(
    kind: str = "customer.subscription.updated", about: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    return {
        "id": f"evt_{next(_numbers)}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "data": {"object": about or {"id": "sub_1", "object": "subscription", "customer": "cus_1"}},
        "livemode": False,
        "pending_webhooks": 1,
        "type": kind,
    } | fields


def signed(body: bytes, *secrets: str, at: float | None = None) -> str:
    moment = int(time.time() if at is None else at)
    content = b"%d." % moment + body
    made = [hmac.new(secret.encode(), content, hashlib.sha256).hexdigest() for secret in secrets or (SANDBOX_SECRET,)]
    return ",".join([f"t={moment}", *(f"v1={one}" for one in made)])


def send(value: Any, *, signature: str | None = None, at: float | None = None) -> Any:
    """Post it; bytes as they are, all else as JSON."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    header = signed(body, at=at) if signature is None else signature
    client = Client(raise_request_exception=False)
    return client.post(PATH, body, content_type="application/json", headers={"Stripe-Signature": header})
