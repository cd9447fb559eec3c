"""Somebody with a browser in front of the sandbox's pages, without the browser."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urlencode, urlsplit

from billing.sandbox.events import Deliverer
from billing.sandbox.store import Sandbox
from billing.sandbox.web import Whole


@dataclass(frozen=True)
class Page:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def words(self) -> str:
        """What can be read."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.text)).split())

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Visitor:
    def __init__(self, sandbox: Sandbox, deliverer: Deliverer | None = None) -> None:
        self.app = Whole(sandbox, deliverer)

    def get(self, url: str, **headers: str) -> Page:
        return self.ask("GET", url, b"", **headers)

    def post(self, url: str, form: dict[str, Any] | None = None, **headers: str) -> Page:
        body = urlencode(form or {}).encode()
        return self.ask("POST", url, body, CONTENT_TYPE="application/x-www-form-urlencoded", **headers)

    def command(self, name: str, **params: Any) -> Any:
        page = self.ask("POST", f"/_sandbox/{name}", json.dumps(params).encode(), CONTENT_TYPE="application/json")
        return page.json

    def ask(self, method: str, url: str, body: bytes = b"", **headers: str) -> Page:
        target = urlsplit(url)
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": target.path,
            "QUERY_STRING": target.query,
            "HTTP_HOST": "127.0.0.1:8799",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **headers,
        }
        told: list[Any] = []
        content = b"".join(self.app(environ, lambda status, sent: told.extend((status, sent))))
        return Page(int(told[0].split()[0]), dict(told[1]), content.decode("utf-8", "replace"))
