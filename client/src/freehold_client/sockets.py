"""Sockets with one time limit over everything that is done with them."""

from __future__ import annotations

import io
import select
import socket
import ssl
import threading
import time
from typing import Any

_Address = tuple[Any, ...]
_BUFFER = 65536


class DeadlinePassed(OSError):
    """The time that was given is used up."""


class Deadline:
    """A moment by which all must be done; of a clock that nobody can set."""

    __slots__ = ("_at",)

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left, more than 0; raises ``DeadlinePassed``."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise DeadlinePassed("The time is up.")
        return left


class _Reader(io.RawIOBase):
    """Reads a socket; each read may take what is left of the time, and no more."""

    def __init__(self, owner: BoundedSocket) -> None:
        self._owner = owner

    def readable(self) -> bool:
        """Yes: ``io.BufferedReader`` asks."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill what can be filled now; 0 at the end."""
        return self._owner.recv_into(buffer)


class BoundedSocket:
    """What ``http.client`` needs of a socket, under a deadline that is set anew for each use."""

    def __init__(self, raw: socket.socket, deadline: Deadline) -> None:
        self.raw = raw
        self.deadline = deadline

    def sendall(self, data: bytes) -> None:
        """Send it all before the deadline. (An SSL socket's own ``sendall`` begins its timeout anew with each part.)"""
        view = memoryview(data)
        while view:
            self.raw.settimeout(self.deadline.remaining())
            view = view[self.raw.send(view) :]

    def recv_into(self, buffer: Any) -> int:
        """Receive something before the deadline; 0 at the end."""
        self.raw.settimeout(self.deadline.remaining())
        return self.raw.recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """The answer as a file. Closing it leaves the socket open."""
        return io.BufferedReader(_Reader(self), _BUFFER)

    def close(self) -> None:
        """Close the socket at once."""
        self.raw.close()


class Resolver:
    """Address look-ups with a limit of time, which the system's own have not.

    A look-up goes on in a thread of its own when its time is over; whoever asks next waits for the same one, so there
    is never more than one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: _LookUp | None = None

    def addresses(self, host: str, port: int, deadline: Deadline) -> list[_Address]:
        """As ``socket.getaddrinfo``. Raises ``OSError``, ``DeadlinePassed``."""
        try:
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:
            pass  # a name, then
        with self._lock:
            lookup = self._running
            if lookup is None or lookup.done.is_set():
                lookup = self._running = _LookUp(host, port)
                lookup.start()
        if not lookup.done.wait(deadline.remaining()):
            raise DeadlinePassed("The look-up of the address took too long.")
        if lookup.error is not None:
            raise OSError(f"the address of {host} can't be found") from lookup.error
        return lookup.found


class _LookUp(threading.Thread):
    def __init__(self, host: str, port: int) -> None:
        super().__init__(name="freehold-address", daemon=True)
        self._host, self._port = host, port
        self.done = threading.Event()
        self.found: list[_Address] = []
        self.error: Exception | None = None

    def run(self) -> None:
        """Look it up, however long the system takes."""
        try:
            self.found = list(socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            self.error = error
        finally:
            self.done.set()


def connect(resolver: Resolver, host: str, port: int, tls: ssl.SSLContext | None, deadline: Deadline) -> BoundedSocket:
    """A connection to the first address that takes one. Raises ``OSError``, ``DeadlinePassed``."""
    addresses = resolver.addresses(host, port, deadline)
    failure: OSError = OSError(f"{host} has no address")
    for position, address in enumerate(addresses):
        try:
            # Each gets its part, lest one that swallows packets leave no time for the others.
            raw = _open(address, deadline.remaining() / (len(addresses) - position))
        except OSError as error:
            failure = error
            continue
        return BoundedSocket(_secure(raw, host, tls, deadline), deadline)
    deadline.remaining()
    raise failure


def _open(address: _Address, seconds: float) -> socket.socket:
    family, kind, protocol, _, name = address
    raw = socket.socket(family, kind, protocol)
    try:
        raw.settimeout(seconds)
        raw.connect(name)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        raw.close()
        raise
    return raw


def _secure(raw: socket.socket, host: str, tls: ssl.SSLContext | None, deadline: Deadline) -> socket.socket:
    if tls is None:
        return raw
    try:
        raw.settimeout(deadline.remaining())  # of the whole handshake: OpenSSL's wrapper counts it so
        return tls.wrap_socket(raw, server_hostname=host)
    except BaseException:
        raw.close()
        raise


def is_stale(sock: BoundedSocket) -> bool:
    """Whether a kept-alive connection is of no more use: the server has closed it, or said what nobody asked."""
    try:
        if isinstance(sock.raw, ssl.SSLSocket) and sock.raw.pending():
            return True
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(sock.raw, select.POLLIN)
            return bool(poll.poll(0))
        return bool(select.select([sock.raw], [], [], 0)[0])
    except (OSError, ValueError):
        return True
