"""Real WSGI servers on loopback, and a socket to talk to them in bytes."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import waitress
from cheroot import wsgi as cheroot

App = Callable[..., Any]


class _Quiet(WSGIRequestHandler):
    timeout = 20

    def log_message(self, *_: Any) -> None:
        pass


class _Threaded(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def wsgiref_server(app: App) -> Iterator[int]:
    server = _Threaded(("127.0.0.1", 0), _Quiet)
    server.set_app(app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextlib.contextmanager
def waitress_server(app: App) -> Iterator[int]:
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4, clear_untrusted_proxy_headers=False)
    thread = threading.Thread(target=_run_waitress, args=(server,), daemon=True)
    thread.start()
    try:
        yield server.effective_port
    finally:
        server.task_dispatcher.shutdown()
        server.close()
        thread.join(5)


def _run_waitress(server: Any) -> None:
    with contextlib.suppress(OSError):
        server.run()


@contextlib.contextmanager
def cheroot_server(app: App) -> Iterator[int]:
    server = cheroot.Server(("127.0.0.1", 0), app, numthreads=4, timeout=5, shutdown_timeout=1)
    server.error_log = lambda *_, **__: None
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server.bind_addr[1]
    finally:
        server.stop()
        thread.join(5)


SERVERS = {"wsgiref": wsgiref_server, "waitress": waitress_server, "cheroot": cheroot_server}


def talk(port: int, request: bytes, *, half_close: bool = False, timeout: float = 5.0) -> bytes:
    """Send bytes, return all that comes back until the server closes or says nothing any more."""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(request)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    """All that comes until the end, a reset or a silence."""
    received = b""
    with contextlib.suppress(OSError):
        while piece := connection.recv(65536):
            received += piece
    return received


def status_of(response: bytes) -> int:
    """The status of a response; 0 for a connection that was closed without one."""
    while response.startswith(b"HTTP/1.1 100"):
        response = response.partition(b"\r\n\r\n")[2]
    words = response.split(b"\r\n", 1)[0].split(b" ")
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def wait_until(condition: Callable[[], bool], timeout: float = 5.0) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return condition()
