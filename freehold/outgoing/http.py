"""Fetching from, and posting to, addresses that users give.

The name is looked up once, every address that it leads to must be public, and the connection goes to one of those; the
same anew for each redirect. Nothing is kept between requests: no cookies, no connections; proxies are not asked for.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import httpcore
from django.conf import settings
from django.utils.translation import gettext as _

from freehold.outgoing import dns, targets
from freehold.outgoing.deadline import Deadline
from freehold.outgoing.errors import Elsewhere, Refused, TooMuch, Unreachable
from freehold.outgoing.targets import Target
from freehold.outgoing.wire import HEADER_BYTES, Wire

_DNS_SECONDS = 5.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FRAMING = 8  # times its own length that a body may take on the wire: sent in chunks of a byte, it takes six


@dataclass(frozen=True)
class Reply:
    """``headers`` by lower-case name, several of one name joined by commas; ``url`` is where it came from at last."""

    status: int
    headers: dict[str, str]
    body: bytes
    url: str


def get(
    url: str,
    *,
    accept: str = "*/*",
    max_bytes: int = 65536,
    seconds: float = 10.0,
    redirects: int = 3,
    follows: Callable[[str], bool] | None = None,
    headers: Mapping[str, str] | None = None,
    insecure: bool = False,
) -> Reply:
    """Whatever is answered, of any status but a redirect's; ``seconds`` are for all of it. Raises ``OutgoingError``.

    ``follows`` says of each place that it redirects to whether to go there; ``Elsewhere`` is raised where not.
    ``headers`` go to the URL's own host and to no other that it redirects to. ``insecure`` allows http.
    """
    deadline, sent = Deadline(seconds), dict(headers or {})
    target = targets.parse(url, insecure=insecure)
    for _hop in range(redirects + 1):
        with _asked("GET", target, {**sent, "Accept": accept}, None, deadline) as answer:
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or location is None:
                return answer.read(max_bytes)
        following = targets.follow(target, location, insecure=insecure)
        if follows is not None and not follows(following.url):
            raise Elsewhere(_("It redirects to another site."), following.url)
        if following.origin != target.origin:
            sent = {}
        target = following
    raise Refused(_("It redirects more than %(count)d times.") % {"count": redirects})


def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    max_bytes: int = 4096,
    seconds: float = 10.0,
    insecure: bool = False,
) -> Reply:
    """Whatever is answered, redirects too: none is followed. Raises ``OutgoingError``."""
    target = targets.parse(url, insecure=insecure)
    with _asked("POST", target, headers, body, Deadline(seconds)) as answer:
        return answer.read(max_bytes)


def send(url: str, *, body: bytes, headers: Mapping[str, str], seconds: float = 10.0, insecure: bool = False) -> int:
    """As ``post``, for whom only the status counts: the answer's body is not read, however long it is."""
    target = targets.parse(url, insecure=insecure)
    with _asked("POST", target, headers, body, Deadline(seconds)) as answer:
        return answer.status


@dataclass(frozen=True)
class _Answer:
    """Its head has been read; the body is still on the wire."""

    status: int
    headers: dict[str, str]
    response: httpcore.Response
    wire: Wire
    url: str

    def read(self, max_bytes: int) -> Reply:
        if self.headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
            raise Refused(_("The answer is compressed, which we did not ask for."))
        self.wire.allow(_FRAMING * max_bytes + HEADER_BYTES)
        body = bytearray()
        for chunk in self.response.iter_stream():
            body += chunk
            if len(body) > max_bytes:
                raise TooMuch(_("The answer is longer than %(count)d bytes.") % {"count": max_bytes})
        return Reply(self.status, self.headers, bytes(body), self.url)


@contextmanager
def _asked(
    method: str, target: Target, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
) -> Iterator[_Answer]:
    """The answer while its connection is open."""
    request = _request(method, target, headers, body)
    wire = Wire(_addresses(target, deadline), deadline)
    connection = httpcore.HTTPConnection(
        httpcore.Origin(target.scheme.encode(), target.host.encode(), target.port),
        ssl_context=_tls(settings.FREEHOLD_OUTGOING_CA) if target.scheme == "https" else None,
        network_backend=wire,
    )
    try:
        response = connection.handle_request(request)
        yield _Answer(response.status, _lower(response.headers), response, wire, target.url)
    except httpcore.LocalProtocolError as error:
        raise Refused(_("That can't be sent: a header has characters that none may have.")) from error
    except (httpcore.ProtocolError, httpcore.NetworkError, httpcore.TimeoutException) as error:
        raise Unreachable(_("It broke off, or its answer is not HTTP.")) from error
    finally:
        wire.close()


def _addresses(target: Target, deadline: Deadline) -> list[str]:
    """Looked up once and checked; nothing after this asks again."""
    if target.is_literal:
        found = [target.host]
    elif target.host == "localhost":  # excepted, or it had not come here; the DNS need not know it (RFC 6761)
        found = ["127.0.0.1", "::1"]
    else:
        found = dns.addresses(target.host, seconds=min(_DNS_SECONDS, deadline.left()))
    targets.admit(target, found)
    return found


def _request(method: str, target: Target, headers: Mapping[str, str], body: bytes | None) -> httpcore.Request:
    sent = {name.lower(): value for name, value in headers.items()} | {
        "host": target.authority,
        "user-agent": "Freehold",
        "accept-encoding": "identity",
        "connection": "close",
    }
    if body is not None:
        sent["content-length"] = str(len(body))
    try:
        encoded = [(name.encode("ascii"), value.encode("ascii")) for name, value in sent.items()]
    except UnicodeEncodeError as error:
        raise Refused(_("That can't be sent: a header must be ASCII.")) from error
    url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
    return httpcore.Request(method, url, headers=encoded, content=body)


def _lower(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("ascii").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


@cache
def _tls(extra: str) -> ssl.SSLContext:
    """The system's roots, and those in the file, if there is one."""
    context = ssl.create_default_context()
    if extra:
        context.load_verify_locations(extra)
    return context
