"""A Freehold on the loopback interface that does as it is told, faults included, and clocks that go as they are told."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from freehold_client import NamespaceClient, Publisher
from freehold_client.clock import Clock

TOKEN = "fh_sTESTTOKEN"
LONG_AGO = "2025-01-01T00:00:00.000000Z"
ALICE, BOB = Publisher(user="alice"), Publisher(user="bob")


def grant(name: str, owner: str, **members: Any) -> dict[str, Any]:
    return {
        "name": name,
        "state": "active",
        "effective_at": LONG_AGO,
        "owner": owner,
        "root": None,
        "shares": [],
        "publishers": [],
        **members,
    }


def organization(name: str, *publishers: str, **members: Any) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "company",
        "state": "active",
        "standing": "good",
        "publishers": list(publishers),
        "trusted_publishers": [],
        **members,
    }


def answer(project: str, reason: str = "holder", **members: Any) -> dict[str, Any]:
    allowed = reason in {"unreserved", "holder", "grandfathered", "existing"}
    namespace = None if reason == "unreserved" else project.split("-", maxsplit=1)[0]
    return {
        "allowed": allowed,
        "status": 200 if allowed else 409,
        "reason": reason,
        "project": project,
        "namespace": namespace,
        "organization": "acme" if reason == "holder" else None,
        "message": f"Because of {reason}.",
        "url": None,
        "namespaces": [],
        "revision": 7,
        **members,
    }


class TestClock:
    """Two clocks that stand still until they are moved."""

    __test__ = False

    def __init__(self) -> None:
        self.elapsed, self.wall = 1000.0, 1_800_000_000.0

    def go_on(self, seconds: float) -> None:
        self.elapsed += seconds
        self.wall += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.elapsed, lambda: self.wall)


class FakeFreehold:
    """``grants`` and ``organizations`` are its state; ``change`` alters it and notes so in the feed.

    ``decide`` answers checks: from the question to the answer's JSON. ``misbehave``: called with the handler in place
    of any answer while it is set. ``requests`` are those that came: method, path, body.
    """

    def __init__(self) -> None:
        self.revision = 7
        self.grants: dict[str, dict[str, Any]] = {}
        self.organizations: dict[str, dict[str, Any]] = {}
        self.changes: list[dict[str, Any]] = []
        self.page = 1000
        self.decide: Callable[[dict[str, Any]], Any] = lambda question: answer(question["project"], "reserved")
        self.misbehave: Callable[[BaseHTTPRequestHandler], Any] | None = None
        self.requests: list[tuple[str, str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.token = TOKEN
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def checks(self) -> list[Any]:
        return [body for method, path, body in self.requests if path.endswith("/uploads/check")]

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.requests]

    def put(self, *things: dict[str, Any]) -> None:
        for thing in things:
            (self.grants if "effective_at" in thing else self.organizations)[thing["name"]] = thing

    def change(self, kind: str, name: str, value: dict[str, Any] | None) -> None:
        self.revision += 1
        state = {"grant": self.grants, "organization": self.organizations}.get(kind, {})
        state.pop(name, None)
        if value is not None:
            state[name] = value
        self.changes.append({"revision": self.revision, "kind": kind, "name": name, "at": LONG_AGO, "value": value})

    def respond(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path == "/api/v1/snapshot":
            return 200, {
                "revision": self.revision,
                "grants": list(self.grants.values()),
                "organizations": list(self.organizations.values()),
            }
        if path.startswith("/api/v1/changes?after="):
            return self._changes(int(parse_qs(urlsplit(path).query)["after"][0]))
        if (method, path) == ("POST", "/api/v1/uploads/check"):
            return 200, self.decide(body)
        if path == "/simple/namespaces":
            entries = [{"name": g["name"], "parent": None, "owner": g["owner"]} for g in self.grants.values()]
            return 200, {"meta": {"api-version": "1.5"}, "namespaces": entries}
        if path.startswith("/api/v1/projects/"):
            return 200, self._project(path.rsplit("/", 1)[1])
        return self._index(path.split("/")[3]) if path.startswith("/index/simple/") else (404, {})

    @staticmethod
    def _index(name: str) -> tuple[int, Any]:
        """An index that knows better than the mirror who owns what."""
        marks = [{"name": "acme", "owned": name == "acme-old"}]
        return (404, {}) if name == "acme-gone" else (200, {"name": name, "namespaces": marks, "files": []})

    def _changes(self, after: int) -> tuple[int, Any]:
        if after > self.revision:
            return 410, {}
        page = [change for change in self.changes if change["revision"] > after][: self.page]
        revision = page[-1]["revision"] if page else self.revision
        return 200, {"revision": revision, "more": revision < self.revision, "changes": page}

    def _project(self, name: str) -> Any:
        around = [g for n, g in sorted(self.grants.items()) if name == n or name.startswith(n + "-")]
        marks = [{"name": g["name"], "owned": name not in g.get("outsiders", ())} for g in around]
        return {"meta": {"api-version": "1.5"}, "name": name, "namespaces": marks or None}


@contextmanager
def serving(fake: FakeFreehold, port: int = 0) -> Iterator[FakeFreehold]:
    server = _Server(("127.0.0.1", port), _Handler)
    server.fake = fake
    fake.port = server.server_address[1]
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    fake: FakeFreehold

    def handle_error(self, *_: Any) -> None:
        pass  # callers that hang up are what the tests are about


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        self.server.fake.connections += 1
        super().setup()

    def do_GET(self) -> None:
        fake = self.server.fake
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        fake.requests.append((self.command, self.path, body))
        fake.headers.append({name.lower(): value for name, value in self.headers.items()})
        if fake.misbehave is not None:
            fake.misbehave(self)
        elif self.path.startswith(("/api/v1/projects", "/simple", "/index/simple")):
            reply(self, *fake.respond(self.command, self.path, body))
        elif self.headers.get("Authorization") != f"Bearer {fake.token}":
            reply(self, 401, {"title": "Unauthorized"})
        else:
            reply(self, *fake.respond(self.command, self.path, body))

    do_POST = do_GET  # noqa: N815 -- the name is the base class's

    def log_message(self, *_: Any) -> None:
        pass


def reply(handler: BaseHTTPRequestHandler, status: int, value: Any) -> None:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    handler.send_response(status)
    if "gzip" in (handler.headers.get("Accept-Encoding") or ""):
        body = gzip.compress(body)
        handler.send_header("Content-Encoding", "gzip")
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def raw(handler: BaseHTTPRequestHandler, data: bytes) -> None:
    """Send these very bytes and hang up."""
    handler.wfile.write(data)
    handler.close_connection = True


def drip(handler: BaseHTTPRequestHandler, data: bytes, pause: float = 0.02) -> None:
    """Send byte by byte: each comes long before any timeout of a single read."""
    handler.close_connection = True
    try:
        for position in range(len(data)):
            handler.wfile.write(data[position : position + 1])
            time.sleep(pause)
    except OSError:
        pass


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@contextmanager
def black_hole() -> Iterator[str]:
    """The address of a server that takes no connection: its queue is full. Its system answers no packet."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        filling = []
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(listening.getsockname())
            filling.append(sock)
        time.sleep(0.05)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            for sock in filling:
                sock.close()


def down(handler: BaseHTTPRequestHandler) -> None:
    """Misbehave as a server with a fault of its own."""
    reply(handler, 500, {})


def reason(client: NamespaceClient, name: str, publisher: Publisher = BOB) -> str:
    """Why a new project of that name is allowed or not."""
    return client.check_upload(name, publisher, exists=False).reason


def wait_for(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)
