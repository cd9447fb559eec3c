"""What listens for our webhooks in tests: a real server on a loopback port, which checks signatures by the text of the
Standard Webhooks specification and by nothing of ours."""

from __future__ import annotations

import base64
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOLERANCE = 300  # seconds that the timestamp may be off


def is_authentic(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Specification, "Signature scheme" and "Verifying webhook authenticity"."""
    if abs(time.time() - int(headers["webhook-timestamp"])) > TOLERANCE:
        return False
    key = base64.b64decode(secret.split("_", 1)[1], validate=True)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body.decode()}"
    expected = base64.b64encode(hmac.new(key, signed.encode(), "sha256").digest()).decode()
    candidates = (part.split(",", 1) for part in headers["webhook-signature"].split(" "))
    return any(version == "v1" and hmac.compare_digest(value, expected) for version, value in candidates)


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def payload(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def keys(self) -> list[str]:
        return list(self.payload["data"]["keys"])

    @property
    def revision(self) -> int:
        return int(self.payload["data"]["revision"])


@dataclass
class Receiver:
    """``behave`` gets the handler of each message and answers it; without one the answer is 204."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    behave: Callable[[BaseHTTPRequestHandler], None] | None = None
    on_message: Callable[[Received], None] | None = None

    def answer(self, status: int, **headers: str) -> None:
        """From now on, answer so."""

        def behave(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        self.behave = behave


@contextmanager
def listening() -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.answer(204)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver))
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/purge"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            message = Received(self.path, headers, body)
            receiver.received.append(message)
            if receiver.on_message:
                receiver.on_message(message)
            assert receiver.behave
            receiver.behave(self)

        def log_message(self, *_: Any) -> None:
            """Be silent."""

    return Handler
