"""Sending webhooks as Standard Webhooks has them: signed, with a limit on everything, and no redirect followed.

For addresses that the operator configures, so private ones are allowed; never for addresses that users give.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import ipaddress
import secrets
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from urllib.parse import SplitResult, urlsplit

from freehold.errors import Invalid

CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 10.0
URL_LENGTH = 500
_PREFIX = "whsec_"


class DeliveryFailed(Exception):
    """The receiver did not say that it has the message; the text says what happened, without the address."""


def new_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def headers(keys: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of a message, signed with every one of the secrets, so that a receiver may know either."""
    timestamp = str(int(at.timestamp()))
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        "Content-Type": "application/json",
        "User-Agent": "Freehold",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, content) for secret in keys),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


def check_url(url: str, *, insecure: bool = False) -> None:
    """Raises ``Invalid`` for an address that we would not send to. ``insecure`` allows http to other machines."""
    parts = _split(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise Invalid("A webhook's address begins with https:// and names a host.")
    if parts.username is not None or parts.fragment:
        raise Invalid("A webhook's address has no user, no password and no fragment; messages are signed.")
    if parts.scheme == "http" and not insecure and not _is_loopback(parts.hostname):
        raise Invalid("A webhook's address begins with https://, unless it is on this machine.")


def _split(url: str) -> SplitResult:
    if not (url.isascii() and url.isprintable()) or " " in url or len(url) > URL_LENGTH:
        raise Invalid(f"A webhook's address has at most {URL_LENGTH} ASCII characters and no spaces.")
    try:
        parts = urlsplit(url)
        _ = parts.port  # read to be checked
    except ValueError as error:
        raise Invalid("A webhook's address must be a valid URL.") from error
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def post(url: str, sent: Mapping[str, str], body: bytes, *, seconds: float = TOTAL_SECONDS) -> None:
    """Send it; returns when the receiver answered 2xx, and raises ``DeliveryFailed`` for everything else."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with _opened(parts, seconds) as connection:
        connection.request("POST", path, body, dict(sent))
        with connection.getresponse() as response:
            status = response.status
    if 300 <= status < 400:
        raise DeliveryFailed(f"It answered {status}; redirects are not followed.")
    if not 200 <= status < 300:
        raise DeliveryFailed(f"It answered {status}.")


@contextmanager
def _opened(parts: SplitResult, seconds: float) -> Iterator[http.client.HTTPConnection]:
    """A connection that is cut when the time is up, wherever it is then: a receiver that sends a byte at a time keeps
    every single read short."""
    connection = _connection(parts, min(CONNECT_SECONDS, seconds))
    too_late = threading.Event()
    try:
        connection.connect()
        connection.sock.settimeout(seconds)
        with _cut_after(connection, seconds, too_late):
            yield connection
        if too_late.is_set():  # what was read last may have been cut
            raise TimeoutError
    except (OSError, UnicodeError, http.client.HTTPException) as error:  # UnicodeError: a host that can be none
        if too_late.is_set() or isinstance(error, TimeoutError):
            raise DeliveryFailed(f"It did not answer within {seconds:g} seconds.") from error
        raise DeliveryFailed(f"It broke off, or could not be reached: {error or type(error).__name__}") from error
    finally:
        connection.close()


def _connection(parts: SplitResult, seconds: float) -> http.client.HTTPConnection:
    assert parts.hostname
    if parts.scheme == "https":
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=seconds, context=_tls())
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


@contextmanager
def _cut_after(connection: http.client.HTTPConnection, seconds: float, too_late: threading.Event) -> Iterator[None]:
    sock = connection.sock

    def cut() -> None:
        too_late.set()
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:  # it is closed already
            return

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
