"""HTTP for one server, where a time limit is a limit: look-up, connection, TLS, request and answer together.

The standard library's ``http.client`` over sockets of our own. Neither it nor ``urllib3`` has such a limit: their
timeouts begin anew with each packet, so a server that drips keeps its caller for ever, and neither bounds the look-up
of the address. Putting the limit under ``http.client`` takes a page of code, and spares the index a dependency.
Redirects are not followed, proxies of the environment are not used, cookies are not kept.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import zlib
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from freehold_client._version import __version__
from freehold_client.counters import Counters
from freehold_client.errors import FreeholdUnavailable
from freehold_client.sockets import BoundedSocket, Deadline, DeadlinePassed, Resolver, connect, is_stale

_IDLE_CONNECTIONS = 16
_PIECE = 65536
# Until Python 3.10 socket.timeout was no TimeoutError.
_TIMEOUTS = (DeadlinePassed, TimeoutError, socket.timeout)
# What a kept-alive connection says that the server has closed.
_CLOSED = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


class _Message(NamedTuple):
    method: str
    path: str
    body: bytes | None
    headers: dict[str, str]


class Response(NamedTuple):
    """An answer. ``headers`` have lower-case names; ``body`` is without content coding."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Connection(http.client.HTTPConnection):
    """The protocol of ``http.client`` over a socket that is open already; it never opens one itself."""

    auto_open = 0

    def __init__(self, at: Endpoint, sock: BoundedSocket) -> None:
        super().__init__(at.host, at.port)
        self.default_port = 443 if at.secure else 80  # left out of the Host header
        self.bounded = sock
        self.sock = sock  # it has what http.client uses of one


class Endpoint(NamedTuple):
    """Where the server is: what ``https://name:8443/base`` says."""

    secure: bool
    host: str
    port: int
    base: str

    @classmethod
    def parse(cls, url: str) -> Endpoint:
        """Raises ``ValueError`` for what is no plain http or https address."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or not url.isascii() or not url.isprintable():
            raise ValueError(f"{url!a} is not an http or https address.")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("Freehold's address has no user name, query or fragment.")
        secure = parts.scheme == "https"
        return cls(secure, parts.hostname, parts.port or (443 if secure else 80), parts.path.rstrip("/"))


class Transport:
    """A pool of kept-alive connections to one server, for any number of threads, safe across a fork."""

    def __init__(
        self, url: str, token: str | None, counters: Counters, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        if token is not None and not (token.isascii() and token.isprintable() and token and " " not in token):
            raise ValueError("The token is not one word of ASCII.")
        self._endpoint = Endpoint.parse(url)
        self._tls = (ssl_context or ssl.create_default_context()) if self._endpoint.secure else None
        self._counters = counters
        self._headers = {"User-Agent": f"freehold-client/{__version__}"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self.after_fork()

    def after_fork(self) -> None:
        """Leave the parent's connections alone: two processes on one would read each other's answers."""
        self._resolver = Resolver()
        self._idle: list[_Connection] = []  # append and pop are atomic

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop().close()

    def request(
        self,
        method: str,
        path: str,
        *,
        deadline: Deadline,
        limit: int,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The server's answer, of any status, with at most ``limit`` bytes of body. Raises ``FreeholdUnavailable``.

        A kept-alive connection that turns out to be closed is replaced once, within the same time.
        """
        message = _Message(method, self._endpoint.base + path, body, {**self._headers, **(headers or {})})
        try:
            return self._attempt(message, deadline, limit)
        except _TIMEOUTS as error:
            raise FreeholdUnavailable("timeout", "Freehold did not answer in time.") from error
        except OSError as error:
            raise FreeholdUnavailable("refused", f"Freehold can't be reached: {error}.") from error
        except (http.client.HTTPException, ValueError, zlib.error) as error:
            raise FreeholdUnavailable("protocol", f"Freehold's answer can't be read: {error!r}.") from error

    def _attempt(self, message: _Message, deadline: Deadline, limit: int) -> Response:
        connection = self._reusable()
        if connection is not None:
            connection.bounded.deadline = deadline
            try:
                return self._exchange(connection, message, limit)
            except _CLOSED:
                self._counters.add("retries")
        return self._exchange(self._connect(deadline), message, limit)

    def _reusable(self) -> _Connection | None:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if not is_stale(connection.bounded):
                return connection
            connection.close()
        return None

    def _connect(self, deadline: Deadline) -> _Connection:
        at = self._endpoint
        return _Connection(at, connect(self._resolver, at.host, at.port, self._tls, deadline))

    def _exchange(self, connection: _Connection, message: _Message, limit: int) -> Response:
        try:
            connection.request(*message)
            response = connection.getresponse()
            body = _read(response, limit)
        except BaseException:
            connection.close()
            raise
        if response.will_close or not response.isclosed() or len(self._idle) >= _IDLE_CONNECTIONS:
            connection.close()
        else:
            self._idle.append(connection)
        return Response(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


def _read(response: http.client.HTTPResponse, limit: int) -> bytes:
    """The body without its content coding, of which we take gzip only; raises ``ValueError`` over ``limit`` bytes."""
    coding = (response.getheader("Content-Encoding") or "identity").strip().lower()
    if coding not in {"identity", "gzip"}:
        raise ValueError("a content coding that was not asked for")
    if (response.length or 0) > limit:
        raise ValueError("the body is too large")
    unzip = zlib.decompressobj(16 + zlib.MAX_WBITS) if coding == "gzip" else None
    pieces, size = [], 0
    while piece := response.read(_PIECE):
        plain = piece if unzip is None else unzip.decompress(piece, limit + 1 - size)
        size += len(plain)
        if size > limit or (unzip is not None and unzip.unconsumed_tail):
            raise ValueError("the body is too large")
        pieces.append(plain)
    if response.length or (unzip is not None and not unzip.eof and size):
        raise ValueError("the body is cut short")
    return b"".join(pieces)
