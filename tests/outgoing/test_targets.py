"""Where nobody may lead us: each trick is refused, and the server that it aims at shows that no connection came."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from dns import message
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from freehold.outgoing import http, targets
from freehold.outgoing.errors import NotThere, OutgoingError, Refused, Unreachable
from tests import dnsserver, webserver
from tests.outgoing.conftest import BUDGET
from tests.webserver import WebServer


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every TCP connection that our client tries, none of which is made."""
    tried: list[tuple[str, int]] = []

    def connect(address: str, port: int, seconds: float) -> socket.socket:
        tried.append((address, port))
        raise ConnectionRefusedError

    monkeypatch.setattr("freehold.outgoing.wire._connected", connect)
    return tried


# Every address that leads to this machine, to its network or to nowhere, as somebody may write it.
TRICKS = {
    "userinfo": [
        "https://user@forge.example/",
        "https://user:secret@forge.example/",
        "https://forge.example@127.0.0.1/",
        "https://@forge.example/",
        "https://forge.example%40127.0.0.1/",
        "https://forge.example:443@inner.example/",
    ],
    "loopback": ["https://127.0.0.1/", "https://127.255.255.254/", "https://0.0.0.0/", "https://0/"],
    "short": ["https://127.1/", "https://127.0.1/", "https://10.1/"],
    "decimal": ["https://2130706433/", "https://3232235777/"],
    "octal": ["https://0177.0.0.1/", "https://017700000001/", "https://0177.1/"],
    "hexadecimal": ["https://0x7f000001/", "https://0x7f.0.0.1/", "https://0X7F.1/", "https://127.0.0.0x1/"],
    "IPv6": [
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[0:0:0:0:0:0:0:1]/",
        "https://[fe80::1%25lo]/",
        "https://[fe80::1%lo]/",
        "https://[::1%25]/",
        "https://[::1/",
        "https://::1/",
        "https://[v1.x]/",
        "https://[127.0.0.1]/",
        "https://[]/",
        "https://[::1]x/",
        "https://x[::1]/",
    ],
    "public, but a number": ["https://8.8.8.8/", "https://[2606:4700::1]/", "https://1.1.1.1./"],
    "metadata": ["https://169.254.169.254/latest/meta-data/", "https://[fd00:ec2::254]/"],
    "localhost": [
        "https://localhost/",
        "https://LOCALHOST/",
        "https://localhost./",
        "https://a.localhost/",
        "https://intranet/",
        "https://ｌｏｃａｌｈｏｓｔ/",
        "https://ⓛocalhost/",
    ],
    "final dots": ["https://127.0.0.1./", "https://forge.example../", "https://./", "https://.forge.example/"],
    "look-alikes": [
        "https://１２７.0.0.1/",
        "https://127。0。0。1/",
        "https://①②⑦.⓪.⓪.①/",
        "https://127.0.0.1\u3002/",
        "https://forge.example\u2100inner.example/",
        "https://forge.example\uff0finner.example/",
        "https://forge.example\uff20inner.example/",
        "https://forge\u200b.localhost/",
        "https://xn--/",
    ],
    "CR and LF": [
        "https://forge.example/\r\nHost: inner.example",
        "https://forge.example\r\n.inner.example/",
        "https://forge.example/%0d%0a\r",
        "\nhttps://forge.example/",
        "https://forge.example/\t",
        "https://forge.ex\nample/",
    ],
    "NUL": ["https://forge.example\0.inner.example/", "https://forge.example/\0", "\0https://forge.example/"],
    "percent": ["https://%31%32%37.0.0.1/", "https://forge%2eexample/", "https://127.0.0.1%00.forge.example/"],
    "backslash": [
        "https://forge.example\\@127.0.0.1/",
        "https:\\\\127.0.0.1/",
        "https://forge.example\\.inner.example/",
        "https://127.0.0.1\\forge.example/",
    ],
    "spaces": [
        "https://forge.example /",
        " https://forge.example/",
        "https:// forge.example/",
        "https://forge.example/a b",
    ],
    "ports": [
        "https://forge.example:22/",
        "https://forge.example:80/",
        "https://forge.example:0/",
        "https://forge.example:65536/",
        "https://forge.example:-1/",
        "https://forge.example:４４３/",
        "https://forge.example:443:25/",
        "https://forge.example:+443/",
        "https://forge.example:4_43/",
    ],
    "schemes": [
        "http://forge.example/",
        "ftp://forge.example/",
        "gopher://forge.example:70/_",
        "file:" + "///etc/passwd",
        "dict://forge.example/",
        "unix:/run/x",
        "javascript:alert(1)",
        "data:,x",
        "//forge.example/",
        "/etc/passwd",
        "forge.example",
        "https:forge.example",
        "https:/forge.example",
        "https:///forge.example",
        "https://",
        "",
        "view-source:https://forge.example/",
        "https+unix://forge.example/",
    ],
    "lengths": [
        "https://forge.example/" + "x" * 2000,
        "https://" + "x" * 300 + ".example/",
        "https://" + "a." * 300 + "x/",
    ],
    "other scripts in the path": [
        "https://forge.example/\u00fc",
        "https://forge.example/?\u00fc",
        "https://forge.example/\ud800",
    ],
}


@pytest.mark.parametrize(("trick", "url"), [(trick, url) for trick, urls in TRICKS.items() for url in urls])
def test_tricks_with_urls(trick: str, url: str, dns: dnsserver.DnsServer, connected: list[tuple[str, int]]) -> None:
    """Refused before anything is looked up, though the DNS has an answer for everything."""
    dns.behave("*", anything)
    with pytest.raises(Refused):
        http.get(url)
    assert not connected and not dns.queries


@pytest.mark.parametrize(
    "trick", ["loopback", "short", "decimal", "octal", "hexadecimal", "IPv6", "localhost", "look-alikes"]
)
def test_http_opens_none_of_them(trick: str, dns: dnsserver.DnsServer, connected: list[tuple[str, int]]) -> None:
    for url in TRICKS[trick]:
        with pytest.raises(Refused):
            http.get(url.replace("https:", "http:"), insecure=True)
        with pytest.raises(Refused):
            http.post(url, body=b"", headers={})
        with pytest.raises(Refused):
            http.send(url, body=b"", headers={})
    assert not connected


def anything(server: dnsserver.DnsServer, query: Any, asked: dnsserver.Query) -> Any:
    """Every name there is leads to this machine."""
    response = message.make_response(query, recursion_available=True)
    dnsserver._add(response, asked.name, asked.kind, ["127.0.0.1" if asked.kind == "A" else "::1"])
    return response


class TestWhereANameLeads:
    @pytest.mark.parametrize(
        ("kind", "address"),
        [
            ("A", "127.0.0.1"),
            ("A", "10.1.2.3"),
            ("A", "169.254.169.254"),
            ("A", "100.64.0.1"),
            ("A", "0.0.0.0"),
            ("AAAA", "::1"),
            ("AAAA", "fd00::1"),
            ("AAAA", "fe80::1"),
            ("AAAA", "::ffff:10.0.0.1"),
            ("AAAA", "64:ff9b::7f00:1"),
        ],
    )
    def test_not_to_what_is_not_public(
        self, dns: dnsserver.DnsServer, connected: list[tuple[str, int]], kind: str, address: str
    ) -> None:
        dns.set("forge.example", kind, address)
        with pytest.raises(Refused, match="not public"):
            http.get("https://forge.example/")
        assert not connected

    def test_one_that_is_not_public_spoils_all(
        self, dns: dnsserver.DnsServer, connected: list[tuple[str, int]]
    ) -> None:
        dns.set("forge.example", "A", "93.184.216.34", "93.184.216.35")
        dns.set("forge.example", "AAAA", "2606:2800::1", "::1")
        with pytest.raises(Refused, match="not public"):
            http.get("https://forge.example/")
        assert not connected

    def test_to_what_is_public_by_address_and_port(
        self, dns: dnsserver.DnsServer, connected: list[tuple[str, int]]
    ) -> None:
        dns.set("forge.example", "A", "93.184.216.34")
        dns.set("forge.example", "AAAA", "2606:2800::1")
        with pytest.raises(Unreachable):
            http.get("https://forge.example/")
        assert connected == [("93.184.216.34", 443), ("2606:2800::1", 443)]
        with pytest.raises(Unreachable):
            http.get("http://forge.example/", insecure=True)
        assert connected[2:] == [("93.184.216.34", 80), ("2606:2800::1", 80)]

    def test_a_name_with_a_hundred_addresses_is_tried_a_few_times(
        self, dns: dnsserver.DnsServer, connected: list[tuple[str, int]]
    ) -> None:
        dns.set("forge.example", "A", *(f"93.184.216.{number}" for number in range(100)))
        with pytest.raises(Unreachable):
            http.get("https://forge.example/")
        assert 1 < len(connected) < 10


class TestAnswersThatChange:
    """DNS rebinding: public when it is checked, 127.0.0.1 when it is used. It is never looked up twice."""

    def test_the_address_that_was_checked_is_the_one_that_is_used(
        self, dns: dnsserver.DnsServer, settings: Any, other: WebServer, authority: webserver.Authority
    ) -> None:
        """127.0.0.2 stands for the public address here: it is excepted, by address."""
        with webserver.serving(authority, "rebind.example", host="127.0.0.2", port=other.port) as seen:
            seen.reply("/", b"seen")
            settings.FREEHOLD_OUTGOING_CA = authority.path
            settings.FREEHOLD_OUTGOING_ALLOW = [f"127.0.0.2:{other.port}"]
            dns.script("rebind.example", "A", ["127.0.0.2"], ["127.0.0.1"])
            assert http.get(other.url("/", "rebind.example")).body == b"seen"
            assert dns.asked("rebind.example", "A") == 1 and not other.connections
            with pytest.raises(Refused):
                http.get(other.url("/", "rebind.example"))
            assert seen.connections == 1 and not other.connections

    def test_an_address_that_fails_is_not_looked_up_again(
        self, dns: dnsserver.DnsServer, connected: list[tuple[str, int]]
    ) -> None:
        dns.script("rebind.example", "A", ["93.184.216.34"], ["127.0.0.1"])
        with pytest.raises(Unreachable):
            http.get("https://rebind.example/", seconds=BUDGET)
        assert connected == [("93.184.216.34", 443)]
        assert dns.asked("rebind.example", "A") == 1

    def test_a_redirect_to_the_same_name_is_checked_anew(
        self, web: WebServer, dns: dnsserver.DnsServer, settings: Any
    ) -> None:
        settings.FREEHOLD_OUTGOING_ALLOW = [f"127.0.0.1:{web.port}"]
        dns.script("forge.example", "A", ["127.0.0.1"], ["10.0.0.1"])
        web.behave("/x", webserver.redirect("/y"))
        with pytest.raises(Refused, match="not public"):
            http.get(web.url("/x", "forge.example"))
        assert [request.target for request in web.requests] == ["/x"]

    def test_an_alias_that_changes(self, dns: dnsserver.DnsServer, connected: list[tuple[str, int]]) -> None:
        dns.script("rebind.example", "CNAME", ["outer.example"], ["inner.example"])
        dns.set("outer.example", "A", "93.184.216.34")
        dns.set("inner.example", "AAAA", "::1")
        with pytest.raises(Refused):
            http.get("https://rebind.example/")
        assert not connected


class TestRedirects:
    """Each is judged as if somebody had typed it."""

    @pytest.fixture(autouse=True)
    def names(self, dns: dnsserver.DnsServer, other: WebServer) -> Iterator[None]:
        dns.set("inner.example", "A", "127.0.0.1")
        yield
        assert not other.connections

    @pytest.mark.parametrize(
        "location",
        [
            "https://127.0.0.1:{port}/",
            "https://inner.example:{port}/",
            "//inner.example:{port}/",
            "https://inner.example/",
            "https://localhost:{port}/",
            "https://[::1]/",
            "https://169.254.169.254/latest/meta-data/",
            "http://169.254.169.254/latest/meta-data/",
            "http://forge.example/",
            "file:" + "///etc/passwd",
            "gopher://127.0.0.1:{port}/_",
            "https://user:secret@forge.example/",
            "\\\\127.0.0.1:{port}\\x",
            "/\\127.0.0.1:{port}/x",
            "https://forge.example\\@127.0.0.1:{port}/",
            "https://2130706433:{port}/",
            "https://[::1",
            "https://\xa0127.0.0.1/",
            "/" + "x" * 3000,
        ],
    )
    def test_not_to_what_is_refused(self, web: WebServer, other: WebServer, location: str) -> None:
        web.behave("/x", webserver.redirect(location.format(port=other.port)))
        with pytest.raises(Refused):
            http.get(web.url("/x", "forge.example"))
        assert len(web.requests) == 1

    @pytest.mark.parametrize(
        "location", ["/a\tb", "ht\ntps://forge.example/", " /x", "/x ", "https://forge.example/\r", "\0/"]
    )
    def test_nothing_is_stripped_from_one(self, location: str) -> None:
        here = targets.parse("https://forge.example/a")
        with pytest.raises(Refused):
            targets.follow(here, location, insecure=False)

    def test_nor_by_detours(self, web: WebServer, other: WebServer) -> None:
        web.behave("/x", webserver.redirect("/y"))
        web.behave("/y", webserver.redirect(other.url("/", "inner.example")))
        with pytest.raises(Refused):
            http.get(web.url("/x", "forge.example"))

    def test_a_name_that_is_not_there_is_told_apart(self, web: WebServer) -> None:
        web.behave("/x", webserver.redirect("https://gone.example/"))
        with pytest.raises(NotThere):
            http.get(web.url("/x", "forge.example"))

    def test_from_https_to_http_only_where_the_caller_allows_it(
        self, web: WebServer, dns: dnsserver.DnsServer, settings: Any
    ) -> None:
        with webserver.serving() as plain:
            plain.reply("/y", b"plain")
            settings.FREEHOLD_OUTGOING_ALLOW += [f"forge.example:{plain.port}"]
            web.behave("/x", webserver.redirect(plain.url("/y", "forge.example")))
            with pytest.raises(Refused):
                http.get(web.url("/x", "forge.example"))
            assert not plain.connections
            assert http.get(web.url("/x", "forge.example"), insecure=True).body == b"plain"


class TestExceptions:
    """What the operator names need not be public; nothing beside it is opened by that."""

    def test_a_name_with_its_port(self, web: WebServer) -> None:
        assert http.get(web.url("/", "Forge.Example.")).status == 404
        with pytest.raises(Refused):
            http.get("https://forge.example/")  # the port that is excepted is another
        with pytest.raises(Refused):
            http.get(web.url("/", "other.example"))
        with pytest.raises(Refused):
            http.get(web.url("/", "127.0.0.1"))  # the name is excepted, its address is not
        with pytest.raises(Refused):
            http.get(web.url("/", "a.forge.example"))
        assert web.connections == 1

    def test_an_address_with_its_port(self, web: WebServer, dns: dnsserver.DnsServer, settings: Any) -> None:
        settings.FREEHOLD_OUTGOING_ALLOW = [f"127.0.0.1:{web.port}"]
        assert http.get(web.url("/", "127.0.0.1")).status == 404
        assert http.get(web.url("/", "forge.example")).status == 404
        dns.set("forge.example", "AAAA", "::1")
        with pytest.raises(Refused, match="not public"):
            http.get(web.url("/", "forge.example"))
        dns.set("forge.example", "A", "93.184.216.34")
        dns.remove("forge.example", "AAAA")
        with pytest.raises(Refused, match="port"):  # public, but at a port that is excepted for another address
            http.get(web.url("/", "forge.example"))

    def test_an_ipv6_address(self, authority: webserver.Authority, settings: Any) -> None:
        with webserver.serving(authority, host="::1") as server:
            settings.FREEHOLD_OUTGOING_CA = authority.path
            settings.FREEHOLD_OUTGOING_ALLOW = [f"[::1]:{server.port}"]
            assert http.get(server.url("/x", "[0:0:0::1]")).status == 404
            assert server.requests[0].headers["host"] == f"[::1]:{server.port}"

    def test_localhost_is_this_machine_whatever_the_dns_says(self, settings: Any, dns: dnsserver.DnsServer) -> None:
        dns.set("localhost", "A", "93.184.216.34")
        with webserver.serving() as plain:
            settings.FREEHOLD_OUTGOING_ALLOW = [f"localhost:{plain.port}"]
            assert http.get(plain.url("/", "localhost"), insecure=True).status == 404
        assert not dns.queries

    def test_http_is_no_part_of_it(self, settings: Any, dns: dnsserver.DnsServer) -> None:
        with webserver.serving() as plain:
            settings.FREEHOLD_OUTGOING_ALLOW = [f"127.0.0.1:{plain.port}"]
            with pytest.raises(Refused):
                http.get(plain.url())
            assert not plain.connections
            assert http.get(plain.url(), insecure=True).status == 404


hosts = st.sampled_from(["forge.example", "127.0.0.1", "[::1]", "localhost", "a..b", "ü.example", "0x7f.1", "x@y"])
urls = st.one_of(
    st.text(max_size=80),
    st.builds("https://{}{}{}".format, hosts, st.sampled_from(["", ":443", ":", ":1", ":x"]), st.text(max_size=40)),
    st.builds("{}://{}/".format, st.text(max_size=6), st.text(max_size=60)),
    st.builds("https://{}/".format, st.text(alphabet="0123456789.xabcdef:[]%@\\/", max_size=40)),
    st.builds("https://{}".format, st.text(max_size=60)),
)


class TestAnyText:
    @pytest.mark.slow
    @settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(url=urls)
    @example(url="https://[::1]:x/")
    @example(url="https://\ud800/")
    @example(url="https://xn--a/")
    def test_is_an_error_of_ours_and_no_connection(
        self, dns: dnsserver.DnsServer, connected: list[tuple[str, int]], url: str
    ) -> None:
        with pytest.raises(OutgoingError) as caught:
            http.get(url, seconds=5)
        assert caught.value.message
        assert not connected

    @settings(max_examples=400, deadline=None)
    @given(url=urls)
    def test_what_is_accepted_reads_the_same_again(self, url: str) -> None:
        """One meaning, so that no other parser finds another."""
        try:
            target = targets.parse(url, insecure=True)
        except Refused:
            return
        assert targets.parse(target.url, insecure=True) == target
        assert target.host.isascii() and target.port in {80, 443}

    @settings(max_examples=200, deadline=None)
    @given(location=urls)
    def test_is_refused_or_judged_as_a_redirect(self, location: str) -> None:
        here = targets.parse("https://forge.example/a/b")
        try:
            target = targets.follow(here, location, insecure=False)
        except Refused:
            return
        assert target.scheme == "https" and target.port == 443 and not target.is_literal
