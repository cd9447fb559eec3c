"""A real DNS server on a loopback port, UDP and TCP, for tests: records that can be set while it runs, and all that a
server may do to us.

    with dnsserver.serving() as server:
        settings.FREEHOLD_DNS_SERVERS = [server.address]
        server.set("_freehold.acme.example", "TXT", "freehold=abc")
        server.behave("slow.example", dnsserver.servfail)
"""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

TTL = 60


@dataclass(frozen=True)
class Query:
    name: str
    kind: str
    tcp: bool


@dataclass
class DnsServer:
    """Knows nothing at first: every name is NXDOMAIN. ``queries`` are all that came, in order."""

    address: str = ""
    queries: list[Query] = field(default_factory=list)
    records: dict[tuple[str, str], list[list[str]]] = field(default_factory=dict)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)

    def set(self, name: str, kind: str, *values: str) -> None:
        """The records of this kind, from now on: addresses, a target for CNAME, for TXT the text."""
        self.records[_key(name), kind] = [list(values)]

    def script(self, name: str, kind: str, *answers: list[str]) -> None:
        """A different answer to each query; the last one stays."""
        self.records[_key(name), kind] = list(answers)

    def remove(self, name: str, kind: str) -> None:
        self.records.pop((_key(name), kind), None)

    def behave(self, name: str, behaviour: Behaviour) -> None:
        """Answer all queries for this name so; ``"*"`` is every name. ``answer`` is the honest behaviour."""
        self.behaviours[_key(name)] = behaviour

    def asked(self, name: str, kind: str | None = None) -> int:
        """How often."""
        return sum(query.name == _key(name) and kind in {None, query.kind} for query in self.queries)

    def _next(self, name: str, kind: str) -> list[str] | None:
        answers = self.records.get((name, kind))
        if not answers:
            return None
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def _knows(self, name: str) -> bool:
        return any(known == name or known.endswith(f".{name}") for known, _kind in self.records)


def _key(name: str) -> str:
    return name.lower().removesuffix(".")


# What makes the answer to a query: a message, or bytes to send as they are, or several of these, or nothing at all.
Answer = dns.message.Message | bytes
Behaviour = Callable[[DnsServer, dns.message.QueryMessage, Query], Answer | list[Answer] | None]


def answer(server: DnsServer, query: dns.message.QueryMessage, asked: Query) -> dns.message.Message:
    """As a resolver does: aliases are followed, what is not known is NXDOMAIN, or NOERROR if other records are."""
    response = dns.message.make_response(query, recursion_available=True)
    name = asked.name
    for _hop in range(20):
        if (values := server._next(name, asked.kind)) is not None:
            _add(response, name, asked.kind, values)
            return response
        if (target := server._next(name, "CNAME")) is None:
            if not server._knows(name):
                response.set_rcode(dns.rcode.NXDOMAIN)
            return response
        _add(response, name, "CNAME", target)
        name = _key(target[0])
    return response


def _add(response: dns.message.Message, name: str, kind: str, values: list[str]) -> None:
    if values:
        response.answer.append(dns.rrset.from_text_list(f"{name}.", TTL, "IN", kind, [_text(kind, v) for v in values]))


def _text(kind: str, value: str) -> str:
    if kind != "TXT":
        return f"{_key(value)}." if kind == "CNAME" else value
    octets = value.encode()
    parts = [octets[start : start + 255] for start in range(0, len(octets), 255)] or [b""]
    return " ".join('"' + "".join(f"\\{octet:03d}" for octet in part) + '"' for part in parts)


def failing(code: dns.rcode.Rcode) -> Behaviour:
    def behave(server: DnsServer, query: dns.message.QueryMessage, asked: Query) -> dns.message.Message:
        response = dns.message.make_response(query, recursion_available=True)
        response.set_rcode(code)
        return response

    return behave


servfail = failing(dns.rcode.SERVFAIL)
refused = failing(dns.rcode.REFUSED)


def drop(server: DnsServer, query: dns.message.QueryMessage, asked: Query) -> None:
    """No answer ever."""


def referral(server: DnsServer, query: dns.message.QueryMessage, asked: Query) -> dns.message.Message:
    """NOERROR and nothing else, by a server that neither recurses nor is the authority."""
    return dns.message.make_response(query)


def garbage(server: DnsServer, query: dns.message.QueryMessage, asked: Query) -> bytes:
    return query.to_wire()[:2] + b"\xff" * 40


def stranger(server: DnsServer, query: dns.message.QueryMessage, asked: Query) -> dns.message.Message:
    """The right answer, with a wrong id: as somebody else would send it."""
    response = answer(server, query, asked)
    response.id ^= 1
    return response


def strangers_first(server: DnsServer, query: dns.message.QueryMessage, asked: Query) -> list[Answer]:
    """Two that somebody else sends, before the answer."""
    return [garbage(server, query, asked), stranger(server, query, asked), answer(server, query, asked)]


def truncated(server: DnsServer, query: dns.message.QueryMessage, asked: Query) -> dns.message.Message:
    """Nothing by UDP; all of it by TCP."""
    if asked.tcp:
        return answer(server, query, asked)
    response = dns.message.make_response(query, recursion_available=True)
    response.flags |= dns.flags.TC
    return response


def truncated_then(behaviour: Behaviour) -> Behaviour:
    """By UDP only that there is more; then, by TCP, this."""

    def behave(server: DnsServer, query: dns.message.QueryMessage, asked: Query) -> Any:
        return behaviour(server, query, asked) if asked.tcp else truncated(server, query, asked)

    return behave


def slow(seconds: float) -> Behaviour:
    def behave(server: DnsServer, query: dns.message.QueryMessage, asked: Query) -> dns.message.Message:
        time.sleep(seconds)
        return answer(server, query, asked)

    return behave


def aliases_without_end(server: DnsServer, query: dns.message.QueryMessage, asked: Query) -> dns.message.Message:
    """Each answer is one alias of a name that was never heard of, below the same name."""
    response = dns.message.make_response(query, recursion_available=True)
    below = asked.name.split(".", 1)[1] if asked.name[0] == "n" else asked.name
    _add(response, asked.name, "CNAME", [f"n{len(server.queries)}.{below}"])
    return response


@contextmanager
def serving() -> Iterator[DnsServer]:
    """``address`` is ``127.0.0.1:port``, for both protocols."""
    server = DnsServer()
    tcp, udp = _bound(server)
    port = tcp.server_address[1]
    server.address = f"127.0.0.1:{port}"
    threads = [threading.Thread(target=each.serve_forever, kwargs={"poll_interval": 0.02}) for each in (tcp, udp)]
    for thread in threads:
        thread.start()
    try:
        yield server
    finally:
        for each in (tcp, udp):
            each.shutdown()
        for thread in threads:
            thread.join()
        for each in (tcp, udp):
            each.server_close()


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client has gone, as it should in some tests."""


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True
    block_on_close = False
    max_packet_size = 65535


def _bound(server: DnsServer) -> tuple[_Tcp, _Udp]:
    """Both on one port that happens to be free for both."""
    for _attempt in range(20):
        tcp = _Tcp(("127.0.0.1", 0), _handler(server, tcp=True))
        try:
            return tcp, _Udp(("127.0.0.1", tcp.server_address[1]), _handler(server, tcp=False))
        except OSError:
            tcp.server_close()
    raise RuntimeError("no port is free for UDP and TCP")


def _handler(server: DnsServer, *, tcp: bool) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if tcp:
                self.request.settimeout(10)
                for reply in _replies(server, _read_tcp(self.request), tcp=True):
                    self.request.sendall(struct.pack("!H", len(reply)) + reply)
                return
            wire, sock = self.request
            for reply in _replies(server, wire, tcp=False):
                sock.sendto(reply, self.client_address)

    return Handler


def _read_tcp(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as file:
        (length,) = struct.unpack("!H", file.read(2))
        return file.read(length)


def _replies(server: DnsServer, wire: bytes, *, tcp: bool) -> list[bytes]:
    query = dns.message.from_wire(wire)
    assert isinstance(query, dns.message.QueryMessage)
    question = query.question[0]
    asked = Query(_key(question.name.to_text()), dns.rdatatype.to_text(question.rdtype), tcp)
    server.queries.append(asked)
    behave = server.behaviours.get(asked.name) or _above(server, asked.name) or answer
    made = behave(server, query, asked)
    answers = made if isinstance(made, list) else [made] if made is not None else []
    return [each if isinstance(each, bytes) else _wire(each, query, tcp=tcp) for each in answers]


def _above(server: DnsServer, name: str) -> Behaviour | None:
    """``"*"``, or ``"*.example.org"`` for names below."""
    labels = name.split(".")
    keys = ["*." + ".".join(labels[up:]) for up in range(1, len(labels))]
    return next((server.behaviours[key] for key in [*keys, "*"] if key in server.behaviours), None)


def _wire(response: dns.message.Message, query: dns.message.Message, *, tcp: bool) -> bytes:
    """What does not fit is cut off, and said to be."""
    try:
        return response.to_wire(max_size=65535 if tcp else max(query.payload, 512))
    except dns.exception.TooBig:
        short = dns.message.make_response(query, recursion_available=True)
        short.flags |= dns.flags.TC
        return short.to_wire()
