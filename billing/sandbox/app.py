"""The sandbox's door: a request comes in, goes through the checks that Stripe makes, and is answered in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from billing.sandbox import idempotency, parts
from billing.sandbox.errors import StripeFault
from billing.sandbox.expanding import shown
from billing.sandbox.faults import AFTER, BEFORE, WITHIN, Hangup, Trouble
from billing.sandbox.jobs import catch_up
from billing.sandbox.parameters import parse
from billing.sandbox.routing import Request, Response, Route, resolve
from billing.sandbox.store import VERSION, Sandbox

assert parts.ALL, "the parts have entered their routes"

LARGEST = 1_000_000
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class App:
    """A WSGI application. :meth:`handle` is the same without WSGI; ``Hangup`` says that no answer is to be given."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"}
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(min(length, LARGEST)) if length else b""
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        response = self.handle(method, path, environ.get("QUERY_STRING", ""), headers, body)
        content = json.dumps(response.body, indent=2).encode()
        status = f"{response.status} {HTTPStatus(response.status).phrase}"
        sent = {"Content-Type": "application/json", "Content-Length": str(len(content)), **response.headers}
        start_response(status, list(sent.items()))
        return [content]

    def handle(self, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Response:
        """``headers`` with names in small letters."""
        trouble = self.sandbox.faults.of_request(method, path)
        try:
            self._recognize(headers)
            trouble.strike(BEFORE)
            response = self._checked(Request(method, path.rstrip("/"), headers, _pairs(query, body)), trouble)
            trouble.strike(AFTER)
        except StripeFault as fault:
            response = Response(fault.status, fault.as_json())
        response.headers.setdefault("Request-Id", _request_id(self.sandbox))
        response.headers["Stripe-Version"] = VERSION
        return response

    def _checked(self, request: Request, trouble: Trouble) -> Response:
        found = resolve(request)
        with idempotency.alone(self.sandbox, request), self.sandbox.work():
            catch_up(self.sandbox)
            return self._answered(found, request, trouble)

    def _recognize(self, headers: dict[str, str]) -> None:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            raise StripeFault("You did not provide an API key.", status=401)
        if key != self.sandbox.api_key or key.startswith(("sk_live", "rk_live")):
            raise StripeFault(f"Invalid API Key provided: {key[:8]}…", status=401)
        version = headers.get("stripe-version", "")
        if version != VERSION:
            raise StripeFault(f"This sandbox speaks {VERSION}, not {version or 'whatever is usual'}.")

    def _answered(self, found: Route, request: Request, trouble: Trouble) -> Response:
        known = idempotency.known(self.sandbox, request)
        if known is not None:
            return known
        request.params = parse(request.pairs, found.wanted)
        expand = request.params.pop("expand", [])
        self.sandbox.request = {"id": _request_id(self.sandbox), "idempotency_key": request.key or None}
        try:
            answer = shown(self.sandbox, found.answer(self.sandbox, request), expand)
            trouble.strike(WITHIN)
            response = Response(200, answer)
        except StripeFault as fault:
            response = Response(fault.status, fault.as_json())
        finally:
            told, self.sandbox.request = self.sandbox.request, None
        response.headers["Request-Id"] = told["id"]
        idempotency.keep(self.sandbox, request, response)
        return response


def _pairs(query: str, body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(f"{query}&{body.decode()}" if body else query, keep_blank_values=True)
    except (UnicodeDecodeError, ValueError) as error:
        raise StripeFault("The request is no form.") from error


def _request_id(sandbox: Sandbox) -> str:
    return sandbox.new_id("req", 14)


__all__ = ["App", "Hangup"]
