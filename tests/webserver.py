"""Real web servers on loopback ports for tests, http or https with certificates made at run time, and all that a server
may do to its client.

    authority = webserver.Authority(tmp_path)
    with webserver.serving(authority, "acme.example") as server:
        settings.FREEHOLD_OUTGOING_ALLOW = [f"acme.example:{server.port}"]
        settings.FREEHOLD_OUTGOING_CA = authority.path
        server.reply("/.well-known/x", b"text")
        server.behave("/elsewhere", webserver.redirect("https://127.0.0.1/"))
"""

from __future__ import annotations

import gzip
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFETIME = 20.0  # seconds after which every bad behaviour ends by itself


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes


Behaviour = Callable[[socket.socket, Request], None]


@dataclass
class WebServer:
    """Answers 404 to what it was not told of."""

    scheme: str
    port: int = 0
    connections: int = 0
    requests: list[Request] = field(default_factory=list)
    routes: dict[str, Behaviour] = field(default_factory=dict)
    on_connect: Callable[[socket.socket], None] | None = None
    """Gets each connection before anything else, TLS too; ``silence`` or ``dribble`` make a server that never begins."""

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def reply(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> None:
        self.behave(path, replying(body, status, **headers))

    def behave(self, path: str, behaviour: Behaviour) -> None:
        """From now on, at this path (without the query); ``"*"`` is every path."""
        self.routes[path] = behaviour

    def _route(self, target: str) -> Behaviour:
        return self.routes.get(target.partition("?")[0]) or self.routes.get("*") or replying(b"", 404)


def replying(body: bytes = b"", status: int = 200, **headers: str) -> Behaviour:
    """``Content_Type="…"`` is Content-Type."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    fields.setdefault("Content-Length", str(len(body)))
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return raw(head.encode("latin-1") + b"\r\n" + body)


def raw(answer: bytes) -> Behaviour:
    """These bytes and no others, then the end of the connection."""

    def behave(connection: socket.socket, request: Request) -> None:
        connection.sendall(answer)

    return behave


def redirect(to: str, status: int = 302) -> Behaviour:
    return replying(b"", status, Location=to)


def redirect_for_ever(connection: socket.socket, request: Request) -> None:
    """Each answer leads to another page."""
    redirect(f"{request.target}x")(connection, request)


def endless(connection: socket.socket, request: Request) -> None:
    """A body without end, as fast as it is taken."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    _for_long(lambda: connection.sendall(b"x" * 65536))


def endless_chunks(connection: socket.socket, request: Request) -> None:
    """Chunks of one byte, each with an extension far longer than itself: much on the wire, little in the body."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    _for_long(lambda: connection.sendall(b"1;" + b"x" * 2000 + b"\r\nx\r\n"))


def dripping(answer: bytes, seconds: float = 0.05) -> Behaviour:
    """A byte at a time, each soon enough to be waited for."""

    def behave(connection: socket.socket, request: Request) -> None:
        for octet in answer:
            connection.sendall(bytes([octet]))
            time.sleep(seconds)

    return behave


slow_body = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000)
slow_headers = dripping(b"HTTP/1.1 200 OK\r\n" + b"X-Y: z\r\n" * 1000)


def endless_headers(connection: socket.socket, request: Request) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    _for_long(lambda: connection.sendall(b"X-Y: " + b"z" * 1000 + b"\r\n"))


def endless_line(connection: socket.socket, request: Request) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Y: ")
    _for_long(lambda: connection.sendall(b"z" * 65536))


def endless_continues(connection: socket.socket, request: Request) -> None:
    """Informational answers, and never the one that counts."""
    _for_long(lambda: connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n"))


def gzip_bomb(connection: socket.socket, request: Request) -> None:
    body = gzip.compress(b"\0" * 20_000_000)
    replying(body, 200, Content_Encoding="gzip")(connection, request)


def silent(connection: socket.socket, request: Request) -> None:
    """Never answers."""
    silence(connection)


def silence(connection: socket.socket) -> None:
    """Holds the connection until the client goes."""
    connection.settimeout(LIFETIME)
    while connection.recv(4096):
        pass


def dribble(connection: socket.socket) -> None:
    """A TLS record that comes a byte at a time."""
    connection.sendall(b"\x16\x03\x03\x40\x00")
    for _ in range(int(LIFETIME / 0.05)):
        connection.sendall(b"\x02")
        time.sleep(0.05)


def _for_long(act: Callable[[], object]) -> None:
    end = time.monotonic() + LIFETIME
    while time.monotonic() < end:
        act()


class Authority:
    """A certificate authority that nobody knows; ``path`` is its certificate, in PEM, below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Freehold's tests")])

    @cached_property
    def path(self) -> str:
        path = self._folder / "authority.pem"
        path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        return str(path)

    @cached_property
    def _certificate(self) -> x509.Certificate:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        return (
            self._builder(self._name, self._key.public_key(), timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def _builder(self, name: x509.Name, key: ec.EllipticCurvePublicKey, valid: timedelta) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + valid)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )

    def context(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """For a server of these names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
        certificate = (
            self._builder(x509.Name([]), key.public_key(), timedelta(days=-1 if expired else 1))
            .add_extension(alternatives, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        path = self._folder / f"{certificate.serial_number}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@contextmanager
def serving(
    authority: Authority | None = None, *names: str, host: str = "127.0.0.1", port: int = 0, expired: bool = False
) -> Iterator[WebServer]:
    """A server; https with an authority, whose certificate is for these names (else for ``host``)."""
    context = authority.context(*(names or (host,)), expired=expired) if authority else None
    server = WebServer("https" if context else "http")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listener:
        listener.settimeout(0.02)
        server.port = listener.getsockname()[1]
        stopping = threading.Event()
        open_now: set[socket.socket] = set()
        thread = threading.Thread(target=_accept, args=(server, listener, context, stopping, open_now))
        thread.start()
        try:
            yield server
        finally:
            stopping.set()
            thread.join()
            for connection in list(open_now):  # whoever waits in one of them goes on, and ends
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def _accept(
    server: WebServer,
    listener: socket.socket,
    context: ssl.SSLContext | None,
    stopping: threading.Event,
    open_now: set[socket.socket],
) -> None:
    while not stopping.is_set():
        with suppress(TimeoutError):
            connection, _address = listener.accept()
            server.connections += 1
            open_now.add(connection)
            threading.Thread(target=_serve, args=(server, connection, context, open_now), daemon=True).start()


def _serve(
    server: WebServer, plain: socket.socket, context: ssl.SSLContext | None, open_now: set[socket.socket]
) -> None:
    connection = plain
    try:
        plain.settimeout(LIFETIME)
        if server.on_connect:
            server.on_connect(plain)
            return
        if context:
            connection = context.wrap_socket(plain, server_side=True)
            open_now.add(connection)
        if request := _read(connection):
            server.requests.append(request)
            server._route(request.target)(connection, request)
    except (OSError, ValueError):  # the client has gone, as it should in many tests
        pass
    finally:
        open_now -= {plain, connection}
        _close(connection)
        plain.close()


def _close(connection: socket.socket) -> None:
    """In order: what was not read would make the system cut off what was sent."""
    with suppress(OSError, ValueError):
        if isinstance(connection, ssl.SSLSocket):
            connection.settimeout(1)
            connection.unwrap()
        else:
            connection.shutdown(socket.SHUT_WR)
    connection.close()


def _read(connection: socket.socket) -> Request | None:
    with connection.makefile("rb") as file:
        line = file.readline().decode("latin-1").split(" ")
        if len(line) != 3:
            return None
        headers = {}
        while field_line := file.readline().decode("latin-1").strip():
            name, _, value = field_line.partition(":")
            headers[name.lower()] = value.strip()
        return Request(line[0], line[1], headers, file.read(int(headers.get("content-length", 0))))
