"""The API of one organization, as its automation sees it: asked, read on to the end, refused with its reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from freehold_client import wire
from freehold_client.counters import Counters
from freehold_client.errors import FreeholdUnavailable
from freehold_client.sockets import Deadline
from freehold_client.transport import Response, Transport

_LIMIT = 2**24
_SECONDS = 30.0
_MOVED = re.compile(r".*/api/v1/organizations/(?P<name>[a-z0-9-]+)(?:[/?].*)?")

Row = dict[str, Any]


class Refusal(Exception):
    """Freehold understood, and will not. The text is its reason; ``status`` is the HTTP status, ``code`` its kind."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code


class OrganizationApi:
    """``name`` is the organization's. Raises ``ValueError`` for an address or a token that can't be one."""

    def __init__(self, url: str, token: str, name: str) -> None:
        self.name = name
        self._transport = Transport(url.rstrip("/"), token, Counters())

    def __enter__(self) -> OrganizationApi:  # noqa: PYI034 -- typing has no Self before Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def get(self, *path: object, **query: object) -> Any:
        """What is there."""
        return self._call("GET", path, None, query)

    def every(self, *path: object, **query: object) -> Iterator[Row]:
        """Every entry of a list, page by page."""
        cursor: dict[str, object] = {}
        while True:
            page = self._call("GET", path, None, {**query, **cursor})
            entries, following = _members(page).get("results"), _members(page).get("next")
            if not isinstance(entries, list):
                raise FreeholdUnavailable("protocol", "Freehold gave an answer that can't be understood: no list.")
            yield from entries
            # Only the cursor is taken from the address of the next page: the token goes nowhere else.
            after = parse_qs(urlsplit(str(following or "")).query).get("after")
            if not after:
                return
            cursor = {"after": after[0]}

    def post(self, *path: object, body: object = None) -> Any:
        """Do it; the answer, or None where there is none."""
        return self._call("POST", path, body, {})

    def put(self, *path: object, body: object = None) -> Any:
        """Make it so."""
        return self._call("PUT", path, body, {})

    def patch(self, *path: object, body: object) -> Any:
        """Change what the body names."""
        return self._call("PATCH", path, body, {})

    def delete(self, *path: object) -> None:
        """End it."""
        self._call("DELETE", path, None, {})

    def _call(self, method: str, path: tuple[object, ...], body: object, query: Mapping[str, object]) -> Any:
        answer = self._send(method, path, body, query)
        if answer.status == 308:
            # A former name: the present one stands in the address. No name is ever given to another.
            moved = _MOVED.fullmatch(answer.headers.get("location", ""))
            if moved is not None and moved["name"] != self.name:
                self.name = moved["name"]
                answer = self._send(method, path, body, query)
        if answer.status in {200, 201}:
            return _value(answer)
        if answer.status == 204:
            return None
        if 400 <= answer.status < 500:
            raise _refusal(answer)
        raise FreeholdUnavailable("status", f"Freehold answered {answer.status}.", answer.status)

    def _send(self, method: str, path: tuple[object, ...], body: object, query: Mapping[str, object]) -> Response:
        parts = ["/api/v1/organizations", quote(self.name, safe=""), *(quote(str(part), safe="") for part in path)]
        address = "/".join(parts) + (f"?{urlencode(dict(query))}" if query else "")
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        deadline = Deadline(_SECONDS)
        return self._transport.request(method, address, deadline=deadline, limit=_LIMIT, body=data, headers=headers)


def _value(answer: Response) -> Any:
    try:
        return wire.loads(answer.body)
    except wire.Malformed as error:
        raise FreeholdUnavailable("protocol", f"Freehold gave an answer that can't be understood: {error}") from error


def _members(value: Any) -> Row:
    return value if isinstance(value, dict) else {}


def _refusal(answer: Response) -> Refusal:
    try:
        problem = _members(wire.loads(answer.body))
    except wire.Malformed:
        problem = {}
    detail = str(problem.get("detail") or f"Freehold answered {answer.status}.")
    errors = problem.get("errors")
    if errors:
        detail = f"{detail} {json.dumps(errors, ensure_ascii=False)}"
    return Refusal(answer.status, str(problem.get("type", "")).rpartition(":")[2], detail)
