"""Stripe's own library on a sandbox in the same process, without a socket: for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe

from billing.sandbox.app import App
from billing.sandbox.faults import Hangup
from billing.sandbox.store import Sandbox

_lost: Any = stripe.APIConnectionError
"""The library doesn't say of what types its errors are made."""


class Direct(stripe.HTTPClient):
    """``StripeClient(key, http_client=Direct(App(sandbox)))``. It retries as over HTTP, without the waiting."""

    name = "direct"

    def __init__(self, app: App) -> None:
        super().__init__()
        self.app = app

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        target = urlsplit(url)
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        try:
            response = self.app.handle(method.upper(), target.path, target.query, sent, body)
        except Hangup as error:
            lost: stripe.APIConnectionError = _lost("Request timed out.", should_retry=True)
            raise lost from error
        return json.dumps(response.body), response.status, response.headers

    def close(self) -> None:
        """There is nothing open."""

    def _sleep_time_seconds(self, num_retries: int) -> float:
        return 0.0


def client(sandbox: Sandbox, *, retries: int = 2) -> stripe.StripeClient:
    """The library as an application has it, on this sandbox."""
    return stripe.StripeClient(
        sandbox.api_key,
        http_client=Direct(App(sandbox)),
        max_network_retries=retries,
    )
