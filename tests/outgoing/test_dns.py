"""Asking the DNS: a real server, and all that one may do to us."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from dns import message, rcode, resolver
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.outgoing import dns as asking
from freehold.outgoing import names
from freehold.outgoing.errors import NotThere, OutgoingError, Refused, TooMuch, Unreachable
from tests import dnsserver
from tests.dnsserver import DnsServer
from tests.outgoing.conftest import BUDGET

pytestmark = pytest.mark.slow

InTime = Callable[[], AbstractContextManager[None]]


class TestTexts:
    def test_every_record(self, dns: DnsServer) -> None:
        dns.set("_freehold.acme.example", "TXT", "one", "two")
        assert sorted(asking.txt("_freehold.acme.example")) == ["one", "two"]

    def test_the_strings_of_one_record_are_joined(self, dns: DnsServer) -> None:
        dns.set("acme.example", "TXT", "x" * 700)
        assert asking.txt("acme.example") == ["x" * 700]

    def test_what_is_no_text_is_shown_as_such(self, dns: DnsServer) -> None:
        dns.set("acme.example", "TXT", "bücher \0")
        assert asking.txt("acme.example") == ["bücher \0"]

    def test_an_alias_is_followed(self, dns: DnsServer) -> None:
        dns.set("acme.example", "CNAME", "dns.host.example")
        dns.set("dns.host.example", "TXT", "here")
        assert asking.txt("acme.example") == ["here"]

    def test_an_alias_that_the_server_does_not_follow(self, dns: DnsServer) -> None:
        dns.set("host.example", "TXT", "here")
        dns.behave("acme.example", only_alias("host.example"))
        assert asking.txt("acme.example") == ["here"]
        assert [query.name for query in dns.queries] == ["acme.example", "host.example"]

    def test_a_name_in_any_script(self, dns: DnsServer) -> None:
        dns.set("xn--bcher-kva.example", "TXT", "here")
        assert asking.txt("Bücher.example") == ["here"]

    def test_capitals_and_a_final_dot_change_nothing(self, dns: DnsServer) -> None:
        dns.set("acme.example", "TXT", "here")
        assert asking.txt("ACME.Example.") == ["here"]


class TestAddresses:
    def test_both_kinds(self, dns: DnsServer) -> None:
        dns.set("acme.example", "A", "192.0.2.1", "192.0.2.2")
        dns.set("acme.example", "AAAA", "2001:db8::1")
        found = asking.addresses("acme.example")
        assert sorted(found[:2]) == ["192.0.2.1", "192.0.2.2"] and found[2:] == ["2001:db8::1"]

    @pytest.mark.parametrize("behaviour", [dnsserver.servfail, dnsserver.refused, dnsserver.drop])
    def test_one_kind_is_enough_where_the_other_fails(
        self, dns: DnsServer, behaviour: dnsserver.Behaviour, in_time: InTime
    ) -> None:
        dns.set("acme.example", "A", "192.0.2.1")
        dns.behave("acme.example", of_kind("AAAA", behaviour))
        with in_time():
            assert asking.addresses("acme.example", seconds=BUDGET) == ["192.0.2.1"]

    def test_ipv6_alone(self, dns: DnsServer) -> None:
        dns.set("acme.example", "AAAA", "2001:db8::1")
        assert asking.addresses("acme.example") == ["2001:db8::1"]

    def test_none_of_one_kind_and_a_failure_of_the_other_is_no_no(self, dns: DnsServer) -> None:
        dns.set("acme.example", "TXT", "x")
        dns.behave("acme.example", of_kind("AAAA", dnsserver.servfail))
        with pytest.raises(Unreachable):
            asking.addresses("acme.example")

    def test_too_many(self, dns: DnsServer) -> None:
        dns.set("acme.example", "A", *(f"192.0.2.{number}" for number in range(101)))
        with pytest.raises(TooMuch):
            asking.addresses("acme.example")


class TestNo:
    """Believed of a server that says so, and of no other."""

    @pytest.mark.parametrize("ask", [asking.txt, asking.addresses])
    def test_no_such_name(self, dns: DnsServer, ask: Callable[[str], Any]) -> None:
        with pytest.raises(NotThere, match="no such name"):
            ask("acme.example")

    @pytest.mark.parametrize("ask", [asking.txt, asking.addresses])
    def test_no_such_record(self, dns: DnsServer, ask: Callable[[str], Any]) -> None:
        dns.set("acme.example", "MX", "10 mail.example.")
        with pytest.raises(NotThere, match="no such record"):
            ask("acme.example")

    def test_an_alias_of_nothing(self, dns: DnsServer) -> None:
        dns.set("acme.example", "CNAME", "gone.example")
        with pytest.raises(NotThere):
            asking.txt("acme.example")

    @pytest.mark.parametrize("ask", [asking.txt, asking.addresses])
    @pytest.mark.parametrize(
        "behaviour",
        [
            dnsserver.servfail,
            dnsserver.refused,
            dnsserver.failing(rcode.NOTIMP),
            dnsserver.failing(rcode.FORMERR),
            dnsserver.referral,
            dnsserver.drop,
            dnsserver.garbage,
            dnsserver.stranger,
            dnsserver.slow(2),
            dnsserver.aliases_without_end,
            dnsserver.truncated_then(dnsserver.servfail),
            dnsserver.truncated_then(dnsserver.drop),
            dnsserver.truncated_then(dnsserver.garbage),
            dnsserver.truncated_then(dnsserver.slow(2)),
        ],
    )
    def test_whatever_else_goes_wrong_could_not_be_checked(
        self, dns: DnsServer, ask: Callable[..., Any], behaviour: dnsserver.Behaviour, in_time: InTime
    ) -> None:
        dns.set("acme.example", "TXT", "x")
        dns.set("acme.example", "A", "192.0.2.1")
        dns.behave("*", behaviour)
        with in_time(), pytest.raises(Unreachable):
            ask("acme.example", seconds=BUDGET)

    def test_nobody_listens(self, settings: Any, in_time: InTime) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            settings.FREEHOLD_DNS_SERVERS = [f"127.0.0.1:{taken.getsockname()[1]}"]
            with in_time(), pytest.raises(Unreachable):
                asking.txt("acme.example", seconds=BUDGET)

    def test_aliases_in_a_circle(self, dns: DnsServer, in_time: InTime) -> None:
        dns.set("a.example", "CNAME", "b.example")
        dns.set("b.example", "CNAME", "a.example")
        with in_time(), pytest.raises(Unreachable):
            asking.txt("a.example")
        assert len(dns.queries) < 10

    def test_aliases_without_end(self, dns: DnsServer) -> None:
        dns.behave("*", dnsserver.aliases_without_end)
        with pytest.raises(Unreachable, match="without end"):
            asking.txt("acme.example")
        assert len(dns.queries) < 10

    def test_a_record_and_no_such_name_at_once_make_no_sense(self, dns: DnsServer) -> None:
        def both(server: DnsServer, query: Any, asked: dnsserver.Query) -> Any:
            response = dnsserver.answer(server, query, asked)
            response.set_rcode(rcode.NXDOMAIN)
            return response

        dns.set("acme.example", "TXT", "x")
        dns.behave("*", both)
        with pytest.raises(Unreachable):
            asking.txt("acme.example")


class TestServers:
    @pytest.mark.parametrize("behaviour", [dnsserver.servfail, dnsserver.refused, dnsserver.drop, dnsserver.referral])
    def test_the_second_is_asked_when_the_first_fails(
        self, dns: DnsServer, settings: Any, behaviour: dnsserver.Behaviour, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(asking, "_TRY_SECONDS", 0.2)
        dns.set("acme.example", "TXT", "here")
        with dnsserver.serving() as broken:
            broken.behave("*", behaviour)
            settings.FREEHOLD_DNS_SERVERS = [broken.address, dns.address]
            assert asking.txt("acme.example") == ["here"]
            assert broken.queries

    def test_an_answer_that_is_lost_is_asked_for_again(self, dns: DnsServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(asking, "_TRY_SECONDS", 0.2)

        def once(server: DnsServer, query: Any, asked: dnsserver.Query) -> Any:
            return dnsserver.answer(server, query, asked) if len(server.queries) > 1 else None

        dns.set("acme.example", "TXT", "here")
        dns.behave("*", once)
        assert asking.txt("acme.example") == ["here"]

    def test_what_somebody_else_sends_is_passed_over(self, dns: DnsServer) -> None:
        dns.set("acme.example", "TXT", "here")
        dns.behave("*", dnsserver.strangers_first)
        assert asking.txt("acme.example") == ["here"]
        assert len(dns.queries) == 1

    def test_those_of_the_system(self, settings: Any, monkeypatch: pytest.MonkeyPatch, dns: DnsServer) -> None:
        class Resolver:
            nameservers = ["192.0.2.53", "2001:db8::53"]

        settings.FREEHOLD_DNS_SERVERS = []
        monkeypatch.setattr(resolver, "Resolver", Resolver)
        assert asking._servers() == [("192.0.2.53", 53), ("2001:db8::53", 53)]

    def test_a_system_that_knows_none(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        def nothing() -> None:
            raise resolver.NoResolverConfiguration

        settings.FREEHOLD_DNS_SERVERS = []
        monkeypatch.setattr(resolver, "Resolver", nothing)
        with pytest.raises(Unreachable):
            asking.txt("acme.example")


class TestSize:
    def test_what_does_not_fit_comes_by_tcp(self, dns: DnsServer) -> None:
        dns.set("acme.example", "TXT", *(f"{number:03}" + "x" * 200 for number in range(50)))
        assert len(asking.txt("acme.example")) == 50
        assert [query.tcp for query in dns.queries] == [False, True]

    def test_a_server_that_says_so_without_need(self, dns: DnsServer) -> None:
        dns.set("acme.example", "TXT", "here")
        dns.behave("*", dnsserver.truncated)
        assert asking.txt("acme.example") == ["here"]

    def test_a_hundred_records_are_enough(self, dns: DnsServer) -> None:
        dns.set("acme.example", "TXT", *map(str, range(100)))
        assert len(asking.txt("acme.example")) == 100

    @pytest.mark.parametrize("count", [101, 3000])
    def test_huge_sets_are_too_much(self, dns: DnsServer, count: int, in_time: InTime) -> None:
        dns.set("acme.example", "TXT", *map(str, range(count)))
        with in_time(), pytest.raises(TooMuch):
            asking.txt("acme.example", seconds=2.5)

    def test_long_records_are_too_much(self, dns: DnsServer, monkeypatch: pytest.MonkeyPatch) -> None:
        """A message holds little more than the limit, so it is lowered here."""
        monkeypatch.setattr(asking, "TEXT_BYTES", 1000)
        dns.set("acme.example", "TXT", "x" * 600, "y" * 400)
        assert len(asking.txt("acme.example")) == 2
        dns.set("acme.example", "TXT", "x" * 600, "y" * 401)
        with pytest.raises(TooMuch):
            asking.txt("acme.example")

    def test_a_set_that_no_message_can_hold_could_not_be_checked(self, dns: DnsServer) -> None:
        dns.set("acme.example", "TXT", *(f"{number:03}" + "x" * 3000 for number in range(30)))
        with pytest.raises(Unreachable):
            asking.txt("acme.example")


class TestNames:
    @pytest.mark.parametrize(
        ("name", "encoded"),
        [
            ("acme.example", "acme.example"),
            ("_freehold-challenge.Acme.Example.", "_freehold-challenge.acme.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("faß.example", "xn--fa-hia.example"),
            ("ｅｘａｍｐｌｅ。com", "example.com"),
            ("\u212aelvin.example", "kelvin.example"),
            ("аpple.example", "xn--pple-43d.example"),  # the first letter is Cyrillic
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("4u.example", "4u.example"),
            ("_x.bücher.example", "_x.xn--bcher-kva.example"),
        ],
    )
    def test_what_is_one(self, name: str, encoded: str) -> None:
        assert names.encode(name) == encoded

    @pytest.mark.parametrize(
        "name",
        [
            "",
            ".",
            "a..b",
            ".a",
            "a b.example",
            "a\0.example",
            "a\n.example",
            "acme.example\n",
            "acme.example\r\nX: y",
            "-a.example",
            "a-.example",
            "a/b.example",
            "a\\.example",
            "a@b.example",
            "a:53",
            "[::1]",
            "::1",
            "*.example",
            "%61.example",
            "x" * 64 + ".example",
            ".".join(["x" * 60] * 5),
            "x" * 100_000,
            "ü" * 100_000,
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "１２７.0.0.1",
            "127。0。0。1",
            "acme.0x",
            "acme.1.",
            "acme.example..",
            "\ud800.example",
            "a\u200bb.example..",
            "\u2488.example",
            "xn--.ü",
            "\u0300a.example",
        ],
    )
    def test_what_is_none(self, name: str) -> None:
        with pytest.raises(Refused):
            names.encode(name)

    @settings(deadline=None)
    @given(st.text())
    def test_any_text_is_encoded_or_refused(self, text: str) -> None:
        try:
            encoded = names.encode(text)
        except OutgoingError:
            return
        assert encoded.isascii() and names.encode(encoded) == encoded


def only_alias(target: str) -> dnsserver.Behaviour:
    """As a server answers who does not follow."""

    def behave(server: DnsServer, query: Any, asked: dnsserver.Query) -> Any:
        response = message.make_response(query, recursion_available=True)
        dnsserver._add(response, asked.name, "CNAME", [target])
        return response

    return behave


def of_kind(kind: str, behaviour: dnsserver.Behaviour) -> dnsserver.Behaviour:
    def behave(server: DnsServer, query: Any, asked: dnsserver.Query) -> Any:
        return (behaviour if asked.kind == kind else dnsserver.answer)(server, query, asked)

    return behave
