"""The sandbox as one site on one port: the API below ``/v1/``, everything else for people; and the server for it."""

from __future__ import annotations

import io
import socket
import traceback
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from billing.sandbox.app import App, Hangup
from billing.sandbox.events import Deliverer, is_here
from billing.sandbox.hosted import PAGES
from billing.sandbox.hosted.site import Site
from billing.sandbox.store import Sandbox

assert PAGES, "the pages have entered their addresses"

LARGEST = 1_000_000
PATIENCE = 30
"""Seconds that a connection may be idle."""


class Whole:
    """A WSGI application. ``Hangup`` goes through: the server then closes the connection without an answer."""

    def __init__(self, sandbox: Sandbox, deliverer: Deliverer | None = None) -> None:
        self.api = App(sandbox)
        self.site = Site(sandbox, deliverer)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(("/v1/", "/v2/")):
            return self.api(environ, start_response)
        return self.site(environ, start_response)


def serve(app: Whole, host: str, port: int) -> ThreadingHTTPServer:
    """Listening, not serving yet. ``port`` 0 takes any; refuses what is not this machine."""
    if not is_here(host):
        raise ValueError(f"The sandbox listens on this machine only, not on {host}.")

    class Handler(_Handler):
        application = app

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True
        request_queue_size = 256

    return Server((host, port), Handler)


class _Handler(BaseHTTPRequestHandler):
    """WSGI over HTTP/1.1: connections are kept, and an answer leaves in one piece."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Sandbox", ""
    timeout = PATIENCE
    disable_nagle_algorithm = True
    wbufsize = -1
    application: Whole

    def answer(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or int(length) > LARGEST:
            self.close_connection = True
            self.send_error(413)
            return
        body = self.rfile.read(int(length))
        answered: list[Any] = []
        try:
            content = self.application(self._environ(body), lambda status, headers: answered.extend((status, headers)))
        except Hangup:
            self.close_connection = True
            return
        except Exception:
            traceback.print_exc()
            self.close_connection = True
            self.send_error(500, "The sandbox has a fault of its own, see its log")
            return
        status, headers = answered
        code, _, phrase = status.partition(" ")
        self.send_response(int(code), phrase)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"".join(content))
        self.wfile.flush()

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        for name, value in self.headers.items():
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
        return environ

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- its name in the base class
        """Be silent."""


for method in ("GET", "HEAD", "POST", "DELETE"):
    setattr(_Handler, f"do_{method}", _Handler.answer)
