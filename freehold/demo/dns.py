"""The demo's DNS: answers from the file that the demo's page writes, and asks this machine's servers for the rest.

    python -m freehold.demo.dns --port=8053 --records=var/demo-dns.json

UDP and TCP, on loopback only. It does not import Django. Below the names that are reserved for examples (RFC 2606,
RFC 6761) nothing is asked for elsewhere: what is not in the file is not there.
"""

from __future__ import annotations

import argparse
import socket
import socketserver
import struct
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset

from freehold.demo import records

HOST = "127.0.0.1"
TTL = 5  # seconds
OURS = tuple(dns.name.from_text(name) for name in ("example", "test", "invalid", "localhost"))
EXAMPLES = tuple(dns.name.from_text(f"example.{top}") for top in ("com", "net", "org"))
PATIENCE = 2.0  # seconds, for one server of this machine
TCP_SECONDS = 10.0


class Zone:
    """What is answered. ``upstream`` are addresses of servers that are asked for what is not ours."""

    def __init__(self, path: Path, upstream: Sequence[str]) -> None:
        self._path = path
        self._upstream = upstream

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """For a query with one question; any other is refused."""
        if query.opcode() != 0 or len(query.question) != 1:
            return _failure(query, dns.rcode.REFUSED)
        name, kind = query.question[0].name, query.question[0].rdtype
        published = self._published()
        if name in published:
            return _made(query, published[name] if kind == dns.rdatatype.TXT else [])
        if any(known.is_subdomain(name) for known in published):
            return _made(query, [])
        if any(name.is_subdomain(ours) for ours in (*OURS, *EXAMPLES)):
            return _failure(query, dns.rcode.NXDOMAIN)
        return self._asked(query)

    def _published(self) -> dict[dns.name.Name, list[str]]:
        found = {}
        for name, values in records.read(self._path).items():
            with suppress(dns.exception.DNSException):
                found[dns.name.from_text(name)] = values
        return found

    def _asked(self, query: dns.message.Message) -> dns.message.Message:
        for server in self._upstream:
            try:
                answer, _tcp = dns.query.udp_with_fallback(query, server, PATIENCE)
            except (dns.exception.DNSException, OSError, EOFError):
                continue
            return answer
        return _failure(query, dns.rcode.SERVFAIL)


def _made(query: dns.message.Message, values: Sequence[str]) -> dns.message.Message:
    answer = dns.message.make_response(query, recursion_available=True)
    answer.flags |= dns.flags.AA
    if values:
        texts = [" ".join(_quoted(value.encode())) for value in values]
        answer.answer.append(dns.rrset.from_text_list(query.question[0].name, TTL, "IN", "TXT", texts))
    return answer


def _quoted(value: bytes) -> list[str]:
    """The strings of a record, 255 octets each, as a zone file has them."""
    parts = [value[start : start + 255] for start in range(0, len(value), 255)] or [b""]
    return ['"' + "".join(f"\\{octet:03d}" for octet in part) + '"' for part in parts]


def _failure(query: dns.message.Message, code: dns.rcode.Rcode) -> dns.message.Message:
    answer = dns.message.make_response(query, recursion_available=True)
    answer.flags |= dns.flags.AA if code == dns.rcode.NXDOMAIN else 0
    answer.set_rcode(code)
    return answer


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True
    max_packet_size = 65535


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked has gone."""


def serve(zone: Zone, port: int) -> tuple[_Udp, _Tcp]:
    """Both servers, listening on the port and answering in threads; port 0 is one that is free."""
    tcp = _Tcp((HOST, port), _handler(zone, tcp=True))
    udp = _Udp((HOST, tcp.server_address[1]), _handler(zone, tcp=False))
    for server in (tcp, udp):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    return udp, tcp


def _handler(zone: Zone, *, tcp: bool) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if not tcp:
                wire, sock = self.request
                if reply := _reply(zone, wire, tcp=False):
                    sock.sendto(reply, self.client_address)
                return
            self.request.settimeout(TCP_SECONDS)
            if reply := _reply(zone, _read(self.request), tcp=True):
                self.request.sendall(struct.pack("!H", len(reply)) + reply)

    return Handler


def _read(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as file:
        head = file.read(2)
        return file.read(*struct.unpack("!H", head)) if len(head) == 2 else b""


def _reply(zone: Zone, wire: bytes, *, tcp: bool) -> bytes | None:
    """Nothing for what is no query."""
    try:
        query = dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError):
        return None
    if query.flags & dns.flags.QR:
        return None
    answer = zone.answer(query)
    try:
        return answer.to_wire(max_size=65535 if tcp else max(query.payload, 512))
    except dns.exception.TooBig:
        short = dns.message.make_response(query, recursion_available=True)
        short.flags |= dns.flags.TC
        return short.to_wire()


def upstream() -> list[str]:
    """The servers that this machine asks, if any."""
    try:
        return [str(server) for server in dns.resolver.Resolver().nameservers]
    except dns.resolver.NoResolverConfiguration:
        return []


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m freehold.demo.dns", description="The DNS of the demo")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--records", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    serve(Zone(chosen.records, upstream()), chosen.port)
    threading.Event().wait()


if __name__ == "__main__":
    main()
