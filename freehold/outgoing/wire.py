"""The network under the HTTP client: connects to addresses that were checked and to nothing else, by a deadline."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Sequence
from typing import Any

import httpcore
from django.utils.translation import gettext as _

from freehold.outgoing.deadline import Deadline
from freehold.outgoing.errors import OutgoingError, TooMuch, Unreachable

HEADER_BYTES = 32 * 1024
_ATTEMPTS = 6  # addresses tried of one name
_CHUNK = 4096  # read at once, so that a limit is passed by no more


class Wire(httpcore.NetworkBackend):
    """For one request. The addresses take the place of the host's name: it is never looked up here."""

    def __init__(self, addresses: Sequence[str], deadline: Deadline) -> None:
        self._addresses = addresses[:_ATTEMPTS]
        self._deadline = deadline
        self._stream: Stream | None = None

    def connect_tcp(
        self,
        host: str,  # for the certificate, not for us
        port: int,
        timeout: float | None = None,  # the deadline takes its place, here and in the stream
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> Stream:
        failure: OSError | None = None
        for waiting, address in zip(range(len(self._addresses), 0, -1), self._addresses, strict=True):
            try:
                connected = _connected(address, port, self._deadline.left() / waiting)
            except OSError as error:
                failure = error
            else:
                self._stream = Stream(connected, self._deadline)
                return self._stream
        raise _no_connection(failure, self._deadline) from failure

    def allow(self, count: int) -> None:
        """So many bytes more may come in."""
        if self._stream is not None:
            self._stream.allowance = count

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()


def _connected(address: str, port: int, seconds: float) -> socket.socket:
    connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect((address, port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection


def _no_connection(failure: OSError | None, deadline: Deadline) -> OutgoingError:
    if isinstance(failure, TimeoutError):
        return deadline.missed()
    return Unreachable(_("There was no connection."))


class Stream(httpcore.NetworkStream):
    """A socket of which every single wait ends at the deadline. ``allowance``: how many bytes more may come in."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._socket = connection
        self._deadline = deadline
        self.allowance = HEADER_BYTES

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self.allowance <= 0:
            raise TooMuch(_("The answer is too long."))
        try:
            self._socket.settimeout(self._deadline.left())
            received = self._socket.recv(min(max_bytes, self.allowance, _CHUNK))
        except TimeoutError as error:
            raise self._deadline.missed() from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error
        self.allowance -= len(received)
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        try:
            while view:
                self._socket.settimeout(self._deadline.left())
                view = view[self._socket.send(view) :]
        except TimeoutError as error:
            raise self._deadline.missed() from error
        except OSError as error:  # httpcore then looks whether there is an answer all the same
            raise httpcore.WriteError(str(error)) from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Stream:
        try:
            self._socket.settimeout(self._deadline.left())  # of the handshake as a whole
            self._socket = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except ssl.SSLCertVerificationError as error:
            raise Unreachable(
                _("Its certificate is not valid: %(reason)s.") % {"reason": error.verify_message}
            ) from error
        except TimeoutError as error:
            raise self._deadline.missed() from error
        except (OSError, ValueError) as error:  # ValueError: a host's name that no certificate can have
            raise Unreachable(_("There was no secure connection.")) from error
        return self

    def close(self) -> None:
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        """Nothing is known; so httpcore speaks HTTP/1.1."""
        return None
