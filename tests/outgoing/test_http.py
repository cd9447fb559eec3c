"""Fetching and posting: what comes back, and how little of it a server can make us take."""

from __future__ import annotations

import socket
import ssl
import time
import tracemalloc
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freehold.outgoing import http
from freehold.outgoing.errors import NotThere, OutgoingError, Refused, TooMuch, Unreachable
from tests import dnsserver, webserver
from tests.outgoing.conftest import BUDGET
from tests.webserver import WebServer

pytestmark = pytest.mark.slow

InTime = Callable[[], AbstractContextManager[None]]


def at(server: WebServer, path: str = "/x") -> str:
    return server.url(path, "forge.example")


class TestFetching:
    def test_what_is_there(self, web: WebServer) -> None:
        web.reply("/x", b"text", X_Answer="42", Content_Type="text/plain")
        reply = http.get(at(web))
        assert (reply.status, reply.body, reply.url) == (200, b"text", at(web))
        assert (reply.headers["x-answer"], reply.headers["content-type"]) == ("42", "text/plain")

    @pytest.mark.parametrize("status", [201, 304, 400, 401, 403, 404, 410, 429, 500, 503])
    def test_any_status_is_an_answer(self, web: WebServer, status: int) -> None:
        web.reply("/x", b"", status)
        assert http.get(at(web)).status == status

    def test_what_we_say(self, web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
        """One spelling of the host, nothing compressed, no cookies, nothing of the environment."""
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        http.get(at(web, "/x?a=b%20c#part").replace("forge", "FORGE"), accept="text/plain", headers={"X-One": "1"})
        (request,) = web.requests
        assert (request.method, request.target, request.body) == ("GET", "/x?a=b%20c", b"")
        assert request.headers == {
            "host": f"forge.example:{web.port}",
            "user-agent": "Freehold",
            "accept": "text/plain",
            "accept-encoding": "identity",
            "connection": "close",
            "x-one": "1",
        }

    def test_what_a_caller_may_not_say(self, web: WebServer) -> None:
        http.get(at(web), headers={"HOST": "inner.example", "Accept-Encoding": "gzip", "user-agent": "me"})
        (request,) = web.requests
        assert request.headers["host"] == f"forge.example:{web.port}"
        assert (request.headers["accept-encoding"], request.headers["user-agent"]) == ("identity", "Freehold")

    @pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\0", "\u00fc"])
    def test_a_header_that_would_be_two(self, web: WebServer, value: str) -> None:
        with pytest.raises(Refused):
            http.get(at(web), headers={"X-One": value})
        assert not web.requests

    def test_several_headers_of_one_name(self, web: WebServer) -> None:
        web.behave("/x", webserver.raw(b"HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nContent-Length: 0\r\n\r\n"))
        assert http.get(at(web)).headers["a"] == "1, 2"

    def test_a_body_in_chunks(self, web: WebServer) -> None:
        web.behave(
            "/x", webserver.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n")
        )
        assert http.get(at(web)).body == b"abcd"

    def test_a_body_that_ends_with_the_connection(self, web: WebServer) -> None:
        web.behave("/x", webserver.raw(b"HTTP/1.0 200 OK\r\n\r\nabc"))
        assert http.get(at(web)).body == b"abc"

    def test_a_name_in_any_script(
        self, dns: dnsserver.DnsServer, settings: Any, authority: webserver.Authority
    ) -> None:
        with webserver.serving(authority, "xn--bcher-kva.example") as server:
            dns.set("xn--bcher-kva.example", "A", "127.0.0.1")
            settings.FREEHOLD_OUTGOING_CA = authority.path
            settings.FREEHOLD_OUTGOING_ALLOW = [f"xn--bcher-kva.example:{server.port}"]
            server.reply("/", b"here")
            assert http.get(server.url("/", "b\u00fccher.example.")).body == b"here"

    def test_the_next_address_when_one_does_not_answer(self, web: WebServer, dns: dnsserver.DnsServer) -> None:
        dns.set("forge.example", "A", "127.0.0.9", "127.0.0.1")  # at the first, nobody listens
        web.reply("/x", b"here")
        assert http.get(at(web)).body == b"here"
        dns.set("forge.example", "A", "127.0.0.9")
        with pytest.raises(Unreachable):
            http.get(at(web))

    def test_connections_are_closed(self, web: WebServer) -> None:
        """A resource warning is an error in this suite; here it would come late, so descriptors are counted."""
        web.reply("/x", b"text")
        web.behave("/endless", webserver.endless)
        before = next_descriptor()
        for _ in range(5):
            http.get(at(web))
            with pytest.raises(TooMuch):
                http.get(at(web, "/endless"), max_bytes=10)
            with pytest.raises(Refused):
                http.get(at(web), headers={"A": "\n"})
        assert next_descriptor() - before < 10


def next_descriptor() -> int:
    with socket.socket() as probe:
        return probe.fileno()


class TestPosting:
    def test_it_arrives(self, web: WebServer) -> None:
        web.reply("/x", b"thanks", 202)
        reply = http.post(at(web), body=b'{"a": 1}', headers={"Content-Type": "application/json"})
        assert (reply.status, reply.body) == (202, b"thanks")
        (request,) = web.requests
        assert (request.method, request.body) == ("POST", b'{"a": 1}')
        assert request.headers["content-type"] == "application/json"

    def test_a_body_of_nothing(self, web: WebServer) -> None:
        web.reply("/x")
        assert http.post(at(web), body=b"", headers={}).status == 200
        assert web.requests[0].headers["content-length"] == "0"

    def test_redirects_are_answers(self, web: WebServer) -> None:
        web.behave("/x", webserver.redirect("/y"))
        assert http.post(at(web), body=b"", headers={}).status == 302
        assert len(web.requests) == 1

    def test_an_answer_before_we_have_said_all(self, plain: WebServer) -> None:
        """The server refuses a long body at once and goes; its answer is not lost for our not being heard out."""

        def behave(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 413 X\r\nContent-Length: 0\r\n\r\n")
            time.sleep(0.2)

        plain.on_connect = behave
        assert http.post(plain.url(), body=b"x" * 20_000_000, headers={}, insecure=True).status == 413

    def test_a_server_that_does_not_take_it(self, plain: WebServer, in_time: InTime) -> None:
        plain.on_connect = lambda _connection: time.sleep(2 * BUDGET)
        with in_time(), pytest.raises(Unreachable, match=r"within 0\.5 seconds"):
            http.post(plain.url(), body=b"x" * 20_000_000, headers={}, seconds=BUDGET, insecure=True)

    def test_the_status_alone(self, web: WebServer) -> None:
        web.behave("/x", webserver.endless)
        assert http.send(at(web), body=b"", headers={}) == 200


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_they_are_followed(self, web: WebServer, status: int) -> None:
        web.behave("/x", webserver.redirect("y?a=b", status))
        web.reply("/y", b"here")
        reply = http.get(at(web))
        assert (reply.body, reply.url) == (b"here", at(web, "/y?a=b"))

    def test_but_not_often(self, web: WebServer, in_time: InTime) -> None:
        web.behave("*", webserver.redirect_for_ever)
        with in_time(), pytest.raises(Refused, match="more than 3 times"):
            http.get(at(web))
        assert len(web.requests) == 4

    def test_nor_at_all_where_the_caller_wants_none(self, web: WebServer) -> None:
        web.behave("/x", webserver.redirect("/y"))
        with pytest.raises(Refused):
            http.get(at(web), redirects=0)
        assert len(web.requests) == 1

    def test_one_that_leads_nowhere_is_an_answer(self, web: WebServer) -> None:
        web.reply("/x", b"choose", 302)
        assert http.get(at(web)).status == 302

    def test_the_body_of_one_is_not_read(self, web: WebServer) -> None:
        def behave(connection: socket.socket, request: webserver.Request) -> None:
            connection.sendall(b"HTTP/1.1 302 X\r\nLocation: /y\r\nContent-Length: 99999999999\r\n\r\n")
            webserver._for_long(lambda: connection.sendall(b"x" * 1000))

        web.behave("/x", behave)
        web.reply("/y", b"here")
        assert http.get(at(web)).body == b"here"

    def test_the_caller_s_headers_stay_with_the_host_they_are_for(
        self, web: WebServer, dns: dnsserver.DnsServer, settings: Any, authority: webserver.Authority
    ) -> None:
        with webserver.serving(authority, "other.example") as second:
            dns.set("other.example", "A", "127.0.0.1")
            settings.FREEHOLD_OUTGOING_ALLOW += [f"other.example:{second.port}"]
            web.behave("/x", webserver.redirect("/y"))
            web.behave("/y", webserver.redirect(second.url("/z", "other.example")))
            http.get(at(web), accept="text/plain", headers={"Authorization": "Bearer x"})
            assert [request.headers.get("authorization") for request in web.requests] == ["Bearer x"] * 2
            assert "authorization" not in second.requests[0].headers
            assert second.requests[0].headers["accept"] == "text/plain"

    def test_the_time_is_for_all_of_them(self, web: WebServer, in_time: InTime) -> None:
        def behave(connection: socket.socket, request: webserver.Request) -> None:
            time.sleep(BUDGET / 3)
            webserver.redirect_for_ever(connection, request)

        web.behave("*", behave)
        with in_time(), pytest.raises(Unreachable, match=r"within 0\.5 seconds"):
            http.get(at(web), seconds=BUDGET, redirects=1000)


class TestTime:
    """The budget is for everything together, however short each wait is."""

    @pytest.mark.parametrize(
        "behaviour",
        [
            webserver.silent,
            webserver.slow_headers,
            webserver.slow_body,
            webserver.dripping(b"H" * 1000),
            webserver.dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1000),
            webserver.dripping(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
        ],
        ids=["silent", "headers", "body", "line", "chunks", "continue"],
    )
    def test_a_server_that_takes_its_time(
        self, web: WebServer, behaviour: webserver.Behaviour, in_time: InTime
    ) -> None:
        web.behave("/x", behaviour)
        with in_time(), pytest.raises(Unreachable, match=r"within 0\.5 seconds"):
            http.get(at(web), seconds=BUDGET)

    @pytest.mark.parametrize("on_connect", [webserver.silence, webserver.dribble])
    def test_a_handshake_that_does_not_end(
        self, web: WebServer, on_connect: Callable[[socket.socket], None], in_time: InTime
    ) -> None:
        web.on_connect = on_connect
        with in_time(), pytest.raises(Unreachable, match=r"within 0\.5 seconds"):
            http.get(at(web), seconds=BUDGET)

    def test_a_name_that_is_not_answered(self, web: WebServer, dns: dnsserver.DnsServer, in_time: InTime) -> None:
        dns.behave("*", dnsserver.drop)
        with in_time(), pytest.raises(Unreachable):
            http.get(at(web), seconds=BUDGET)
        assert not web.connections

    @pytest.mark.slow
    def test_a_name_of_which_half_is_not_answered(self, web: WebServer, dns: dnsserver.DnsServer) -> None:
        """There is time left for the other half."""

        def behave(server: dnsserver.DnsServer, query: Any, asked: dnsserver.Query) -> Any:
            return dnsserver.answer(server, query, asked) if asked.kind == "A" else None

        dns.behave("*", behave)
        assert http.get(at(web), seconds=2).status == 404

    def test_an_address_that_is_not_answered(self, dns: dnsserver.DnsServer, settings: Any, in_time: InTime) -> None:
        """A queue that is full: the system lets nobody in, and says nothing."""
        with socket.socket() as full, socket.socket() as first, socket.socket() as second:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for waiting in (first, second):
                waiting.setblocking(False)
                waiting.connect_ex(full.getsockname())
            dns.set("forge.example", "A", "127.0.0.1")
            settings.FREEHOLD_OUTGOING_ALLOW = [f"forge.example:{full.getsockname()[1]}"]
            with in_time(), pytest.raises(Unreachable):
                http.get(f"https://forge.example:{full.getsockname()[1]}/", seconds=BUDGET)

    def test_no_time_at_all(self, web: WebServer) -> None:
        with pytest.raises(Unreachable):
            http.get(at(web), seconds=0)
        assert not web.connections


class TestSize:
    def test_up_to_the_limit(self, web: WebServer) -> None:
        web.reply("/x", b"x" * 100)
        assert len(http.get(at(web), max_bytes=100).body) == 100
        with pytest.raises(TooMuch, match="99 bytes"):
            http.get(at(web), max_bytes=99)

    @pytest.mark.parametrize(
        "behaviour",
        [
            webserver.endless,
            webserver.endless_chunks,
            webserver.endless_headers,
            webserver.endless_line,
            webserver.endless_continues,
            webserver.raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 40_000 + b"\r\nContent-Length: 0\r\n\r\n"),
        ],
        ids=["body", "chunks", "headers", "line", "continue", "long header"],
    )
    def test_what_does_not_end(self, web: WebServer, behaviour: webserver.Behaviour, in_time: InTime) -> None:
        web.behave("/x", behaviour)
        with in_time(), pytest.raises(TooMuch):
            http.get(at(web), seconds=2.5)

    def test_memory_is_limited(self, web: WebServer) -> None:
        web.behave("/x", webserver.endless)
        tracemalloc.start()
        try:
            with pytest.raises(TooMuch):
                http.get(at(web), max_bytes=1_000_000)
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 5_000_000  # what the server holds is in it

    @pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "identity, gzip", "x"])
    def test_what_is_compressed_is_not_opened(self, web: WebServer, encoding: str) -> None:
        web.reply("/x", b"...", Content_Encoding=encoding)
        with pytest.raises(Refused, match="compressed"):
            http.get(at(web))

    def test_a_bomb(self, web: WebServer, in_time: InTime) -> None:
        web.behave("/x", webserver.gzip_bomb)
        with in_time(), pytest.raises(Refused):
            http.get(at(web))

    def test_what_says_that_it_is_not(self, web: WebServer) -> None:
        web.reply("/x", b"text", Content_Encoding="Identity")
        assert http.get(at(web)).body == b"text"


BROKEN = [
    b"",
    b"\r\n\r\n",
    b"garbage\r\n\r\n",
    b"\0" * 1000,
    b"HTTP/1.1 abc\r\n\r\n",
    b"HTTP/1.1 99999 OK\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 5000 + b"\r\nx",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    b"HTTP/1.1 200 OK\r\nA\0B: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA : x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.6\r\n",
]


class TestBroken:
    @pytest.mark.parametrize("answer", BROKEN)
    def test_what_is_no_http_could_not_be_checked(self, web: WebServer, answer: bytes) -> None:
        web.behave("/x", webserver.raw(answer))
        with pytest.raises(Unreachable):
            http.get(at(web), seconds=5)

    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nc",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nextra",
        ],
    )
    def test_nothing_counts_after_the_end(self, web: WebServer, answer: bytes) -> None:
        web.behave("/x", webserver.raw(answer))
        assert http.get(at(web)).body == b"ab"

    @pytest.mark.slow
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        answer=st.binary(max_size=200),
        head=st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 302 X\r\nLocation: "]),
    )
    def test_any_bytes_are_an_answer_or_an_error_of_ours(self, web: WebServer, head: bytes, answer: bytes) -> None:
        web.behave("*", webserver.raw(head + answer))
        with suppress(OutgoingError):
            http.get(at(web), seconds=5)

    def test_nobody_listens(self, settings: Any, dns: dnsserver.DnsServer) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            dns.set("forge.example", "A", "127.0.0.1")
            settings.FREEHOLD_OUTGOING_ALLOW = [f"forge.example:{port}"]
            with pytest.raises(Unreachable, match="no connection"):
                http.get(f"https://forge.example:{port}/")


class TestNames:
    """ "Could not be looked up" and "does not exist" stay apart."""

    def test_a_name_that_does_not_exist(self, dns: dnsserver.DnsServer) -> None:
        with pytest.raises(NotThere):
            http.get("https://gone.example/")

    @pytest.mark.parametrize("behaviour", [dnsserver.servfail, dnsserver.refused])
    def test_a_name_that_could_not_be_looked_up(self, dns: dnsserver.DnsServer, behaviour: dnsserver.Behaviour) -> None:
        dns.behave("*", behaviour)
        with pytest.raises(Unreachable):
            http.get("https://gone.example/")


class TestCertificates:
    def test_of_an_authority_that_nobody_knows(self, web: WebServer, settings: Any) -> None:
        settings.FREEHOLD_OUTGOING_CA = ""
        with pytest.raises(Unreachable, match="certificate is not valid"):
            http.get(at(web))
        assert not web.requests

    def test_of_another_name(self, web: WebServer, dns: dnsserver.DnsServer, settings: Any) -> None:
        dns.set("other.example", "A", "127.0.0.1")
        settings.FREEHOLD_OUTGOING_ALLOW = [f"other.example:{web.port}"]
        with pytest.raises(Unreachable, match="certificate is not valid"):
            http.get(web.url("/x", "other.example"))
        assert not web.requests

    def test_of_yesterday(
        self, dns: dnsserver.DnsServer, settings: Any, authority: webserver.Authority, web: WebServer
    ) -> None:
        with webserver.serving(authority, "forge.example", expired=True) as server:
            settings.FREEHOLD_OUTGOING_ALLOW = [f"forge.example:{server.port}"]
            with pytest.raises(Unreachable, match="expired"):
                http.get(at(server))

    def test_the_name_is_what_is_asked_for(self, web: WebServer, authority: webserver.Authority) -> None:
        """SNI has the name, though the connection goes to an address."""
        asked: list[str | None] = []
        context = authority.context("forge.example")
        context.sni_callback = lambda _socket, name, _context: asked.append(name)

        def behave(connection: socket.socket) -> None:
            with context.wrap_socket(connection, server_side=True) as secure:
                webserver._read(secure)
                webserver.replying(b"here")(secure, webserver.Request("", "", {}, b""))

        web.on_connect = behave
        assert http.get(at(web)).body == b"here"
        assert asked == ["forge.example"]

    def test_a_server_without_tls(self, settings: Any, dns: dnsserver.DnsServer) -> None:
        with webserver.serving() as plain:
            # At once: what a greeting of TLS says has an end of line only by chance, and a server waits for one.
            plain.on_connect = lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            dns.set("forge.example", "A", "127.0.0.1")
            settings.FREEHOLD_OUTGOING_ALLOW = [f"forge.example:{plain.port}"]
            with pytest.raises(Unreachable, match="no secure connection"):
                http.get(f"https://forge.example:{plain.port}/", seconds=10)

    def test_an_old_protocol(self, web: WebServer, authority: webserver.Authority) -> None:
        context = authority.context("forge.example")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.maximum_version = ssl.TLSVersion.TLSv1_1

        def behave(connection: socket.socket) -> None:
            context.wrap_socket(connection, server_side=True)

        web.on_connect = behave
        with pytest.raises(Unreachable, match="no secure connection"):
            http.get(at(web))
