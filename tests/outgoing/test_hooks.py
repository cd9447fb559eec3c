"""Webhooks to where users say."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freehold import webhooks
from freehold.errors import Invalid
from freehold.outgoing import hooks
from tests import dnsserver, webserver
from tests.outgoing.test_targets import TRICKS, urls
from tests.receiver import is_authentic
from tests.webserver import WebServer

pytestmark = pytest.mark.slow


def deliver(url: str, *, secret: str = "", seconds: float = 5.0) -> int:
    sent = webhooks.headers([secret or webhooks.new_secret()], "msg_1", datetime.now(UTC), b'{"a": 1}')
    return hooks.deliver(url, sent, b'{"a": 1}', seconds=seconds)


class TestDelivery:
    @pytest.mark.parametrize("status", [200, 202, 204, 299])
    def test_it_arrives_and_is_authentic(self, web: WebServer, status: int) -> None:
        secret = webhooks.new_secret()
        web.reply("/x", b"", status)
        assert deliver(web.url("/x", "forge.example"), secret=secret) == status
        (request,) = web.requests
        assert is_authentic(secret, request.headers, request.body)

    def test_a_long_answer_is_no_failure(self, web: WebServer) -> None:
        web.behave("/x", webserver.endless)
        assert deliver(web.url("/x", "forge.example")) == 200

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_redirects_are_not_followed(self, web: WebServer, status: int) -> None:
        web.behave("/x", webserver.redirect("/y", status))
        with pytest.raises(webhooks.DeliveryFailed, match=f"{status}; redirects are not followed"):
            deliver(web.url("/x", "forge.example"))
        assert len(web.requests) == 1

    @pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
    def test_only_2xx_is_success(self, web: WebServer, status: int) -> None:
        web.reply("/x", b"", status)
        with pytest.raises(webhooks.DeliveryFailed, match=f"It answered {status}"):
            deliver(web.url("/x", "forge.example"))

    def test_failures_are_sentences_without_the_address(
        self, web: WebServer, dns: dnsserver.DnsServer, settings: Any
    ) -> None:
        dns.set("inner.example", "A", "10.11.12.13")
        web.behave("/silent", webserver.silent)
        web.behave("/broken", webserver.raw(b"nonsense\r\n\r\n"))
        tried = [web.url(path, "forge.example") for path in ("/silent", "/broken", "/gone")]
        for url in [*tried, "https://inner.example/", "https://gone.example/", "https://10.11.12.13/", "https://a b/"]:
            with pytest.raises(webhooks.DeliveryFailed) as caught:
                deliver(url, seconds=0.3)
            sentence = str(caught.value)
            assert sentence.endswith(".") and sentence[0].isupper()
            assert not any(part in sentence for part in ("example", "10.11", "127.0.0.1", str(web.port)))

    def test_never_without_tls_to_others(self, dns: dnsserver.DnsServer) -> None:
        with pytest.raises(webhooks.DeliveryFailed, match="https"):
            deliver("http://acme.example/")
        assert not dns.queries

    def test_without_tls_only_where_the_operator_says_so(self, settings: Any, dns: dnsserver.DnsServer) -> None:
        with webserver.serving() as plain:
            plain.reply("/")
            with pytest.raises(webhooks.DeliveryFailed):
                deliver(plain.url())
            assert not plain.connections
            settings.FREEHOLD_OUTGOING_ALLOW = [f"127.0.0.1:{plain.port}"]
            assert deliver(plain.url()) == 200


class TestAddresses:
    @pytest.mark.parametrize(
        "url", ["https://acme.example/hook?x=1", "https://acme.example:443/", "https://a.b.c.example"]
    )
    def test_what_can_be_one(self, url: str) -> None:
        hooks.check_user_url(url)

    @pytest.mark.parametrize("url", [url for found in TRICKS.values() for url in found])
    def test_what_could_never_be_delivered(self, url: str) -> None:
        with pytest.raises(Invalid):
            hooks.check_user_url(url)

    @pytest.mark.parametrize(
        "url",
        [
            "https://acme.example:8443/",
            "https://10.0.0.7/",
            "http://127.0.0.1:9/",
            "http://localhost/",
            "https://acme.example/#x",
        ],
    )
    def test_nor_what_an_operator_may_name(self, url: str) -> None:
        with pytest.raises(Invalid):
            hooks.check_user_url(url)

    def test_what_the_operator_excepted(self, settings: Any) -> None:
        settings.FREEHOLD_OUTGOING_ALLOW = ["ci.corp.example:8080", "10.0.0.7:443"]
        hooks.check_user_url("https://ci.corp.example:8080/hook")
        hooks.check_user_url("http://ci.corp.example:8080/hook")
        hooks.check_user_url("https://10.0.0.7/")
        with pytest.raises(Invalid):
            hooks.check_user_url("http://other.corp.example:8080/hook")

    @settings(max_examples=300, deadline=None)
    @given(url=urls)
    def test_any_text_is_one_or_invalid(self, url: str) -> None:
        with suppress(Invalid):
            hooks.check_user_url(url)

    @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(url=urls | st.just("https://gone.example/"))
    def test_any_text_is_a_failure_to_deliver(self, dns: dnsserver.DnsServer, url: str) -> None:
        with pytest.raises(webhooks.DeliveryFailed):
            deliver(url)
