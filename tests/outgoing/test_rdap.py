"""Asking a registry by RDAP."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.outgoing import rdap
from freehold.outgoing.errors import NotThere, Refused, TooMuch, Unreachable
from tests import webserver
from tests.webserver import WebServer

pytestmark = pytest.mark.slow

ACME: dict[str, Any] = {
    "objectClassName": "domain",
    "ldhName": "acme.example",
    "status": ["active", "client transfer prohibited"],
    "events": [
        {"eventAction": "registration", "eventDate": "1997-06-03T00:00:00Z"},
        {"eventAction": "last changed", "eventDate": "2020-01-02T03:04:05Z"},
        {"eventAction": "expiration", "eventDate": "2027-06-03T02:00:00+02:00"},
    ],
    "entities": [
        {"objectClassName": "entity", "roles": ["registrant"], "vcardArray": ["vcard", [["fn", {}, "text", "Acme"]]]},
        {
            "objectClassName": "entity",
            "roles": ["sponsor", "registrar"],
            "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "Names & Sons"]]],
        },
    ],
}


@pytest.fixture
def registry(web: WebServer, settings: Any) -> WebServer:
    settings.FREEHOLD_RDAP_URL = web.url("/rdap", "forge.example")
    return web


def register(registry: WebServer, name: str = "acme.example", **changes: Any) -> None:
    registry.reply(f"/rdap/domain/{name}", json.dumps(ACME | changes).encode())


class TestAnswers:
    def test_all_that_is_of_use(self, registry: WebServer) -> None:
        register(registry)
        assert rdap.registration("acme.example") == rdap.Registration(
            expires_at=datetime(2027, 6, 3, tzinfo=UTC),
            registered_at=datetime(1997, 6, 3, tzinfo=UTC),
            registrar="Names & Sons",
            status=("active", "client transfer prohibited"),
        )
        assert registry.requests[0].headers["accept"] == "application/rdap+json"

    def test_a_server_that_knows_where_to_ask(self, registry: WebServer) -> None:
        registry.behave("/rdap/domain/acme.example", webserver.redirect("/other/acme.example"))
        registry.reply("/other/acme.example", json.dumps(ACME).encode())
        assert rdap.registration("acme.example") is not None

    def test_nobody_is_asked_where_nothing_is_configured(self, settings: Any, web: WebServer) -> None:
        settings.FREEHOLD_RDAP_URL = ""
        assert rdap.registration("acme.example") is None
        assert not web.connections

    def test_a_name_in_any_script(self, registry: WebServer) -> None:
        register(registry, "xn--bcher-kva.example")
        assert rdap.registration("B\u00fccher.example") is not None

    def test_without_tls_where_the_operator_says_so(self, settings: Any, dns: Any) -> None:
        with webserver.serving() as plain:
            settings.FREEHOLD_RDAP_URL = plain.url("")
            settings.FREEHOLD_OUTGOING_ALLOW = [f"127.0.0.1:{plain.port}"]
            plain.reply("/domain/acme.example", json.dumps(ACME).encode())
            assert rdap.registration("acme.example") is not None


class TestNames:
    def test_the_nearest_that_is_registered(self, registry: WebServer) -> None:
        register(registry)
        assert rdap.registration("docs.eu.acme.example") is not None
        asked = [request.target.rpartition("/")[2] for request in registry.requests]
        assert asked == ["docs.eu.acme.example", "eu.acme.example", "acme.example"]

    def test_four_labels_up_and_never_the_last_alone(self, registry: WebServer) -> None:
        with pytest.raises(NotThere):
            rdap.registration("a.b.c.d.e.f.example")
        asked = [request.target.rpartition("/")[2] for request in registry.requests]
        assert asked == ["a.b.c.d.e.f.example", "b.c.d.e.f.example", "c.d.e.f.example", "d.e.f.example", "e.f.example"]
        registry.requests.clear()
        with pytest.raises(NotThere):
            rdap.registration("acme.example")
        assert len(registry.requests) == 1

    @pytest.mark.parametrize("status", [400, 422])
    def test_a_server_that_calls_a_name_below_no_domain(self, registry: WebServer, status: int) -> None:
        registry.reply("/rdap/domain/docs.acme.example", b"", status)
        register(registry)
        assert rdap.registration("docs.acme.example") is not None

    @pytest.mark.parametrize("name", ["", "a b.example", "127.0.0.1", "../x.example", "acme.example/../../x", "a\r\nb"])
    def test_what_is_no_name(self, registry: WebServer, name: str) -> None:
        with pytest.raises(Refused):
            rdap.registration(name)
        assert not registry.connections


class TestFailures:
    """A registry that is out of order is not a registration that is gone."""

    @pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
    def test_whatever_is_no_404(self, registry: WebServer, status: int) -> None:
        registry.reply("/rdap/domain/acme.example", b"", status)
        with pytest.raises(Unreachable, match=str(status)):
            rdap.registration("acme.example")

    def test_a_failure_does_not_send_us_up(self, registry: WebServer) -> None:
        registry.reply("/rdap/domain/docs.acme.example", b"", 503)
        register(registry)
        with pytest.raises(Unreachable):
            rdap.registration("docs.acme.example")

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"no json",
            b"[]",
            b"null",
            b"7",
            b"{}",
            b'{"objectClassName": "entity"}',
            b"[" * 50_000,
            b"\xff\xfe",
            b'{"objectClassName": "domain", "x": ' + b"9" * 10_000 + b"}",
        ],
    )
    def test_what_makes_no_sense(self, registry: WebServer, body: bytes) -> None:
        registry.reply("/rdap/domain/acme.example", body)
        with pytest.raises(Unreachable):
            rdap.registration("acme.example")

    def test_a_long_answer(self, registry: WebServer) -> None:
        registry.behave("*", webserver.endless)
        with pytest.raises(TooMuch):
            rdap.registration("acme.example")

    def test_the_time_is_for_all_questions(self, registry: WebServer) -> None:
        def behave(connection: Any, request: webserver.Request) -> None:
            time.sleep(0.2)
            webserver.replying(b"", 404)(connection, request)

        registry.behave("*", behave)
        with pytest.raises(Unreachable):
            rdap.registration("a.b.c.d.e.example", seconds=0.5)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["events", "entities", "roles", "vcardArray", "eventAction", "eventDate", "status", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


class TestNonsense:
    @pytest.mark.parametrize(
        "date",
        [
            "",
            "soon",
            None,
            7,
            "2027-13-01T00:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "x" * 9999,
        ],
    )
    def test_a_date_that_is_none(self, date: Any) -> None:
        found = parsed(ACME | {"events": [{"eventAction": "expiration", "eventDate": date}]})
        assert found.expires_at is None and found.registered_at is None

    @pytest.mark.parametrize("date", ["2027-06-03", "2027-06-03T00:00:00", "2027-06-03T00:00:00.000Z"])
    def test_a_date_without_a_zone_is_in_utc(self, date: str) -> None:
        found = parsed(ACME | {"events": [{"eventAction": "expiration", "eventDate": date}]})
        assert found.expires_at == datetime(2027, 6, 3, tzinfo=UTC)

    def test_texts_are_short_and_of_one_line(self) -> None:
        card = ["vcard", [["fn", {}, "text", "Names\0\r\n\u202e" + "x" * 9999]]]
        found = parsed(ACME | {"entities": [{"roles": ["registrar"], "vcardArray": card}], "status": ["a\0b", 7] * 99})
        assert found.registrar.startswith("Namesx") and len(found.registrar) == rdap.TEXT_LENGTH
        assert set(found.status) == {"ab"} and len(found.status) <= rdap.STATUSES

    @settings(deadline=None)
    @given(junk, junk, junk)
    def test_any_json_is_read(self, events: Any, entities: Any, status: Any) -> None:
        parsed(ACME | {"events": events, "entities": entities, "status": status})

    @settings(deadline=None)
    @given(junk, junk)
    def test_any_entity_is_read(self, roles: Any, card: Any) -> None:
        found = parsed(
            ACME | {"entities": [{"roles": roles, "vcardArray": card}, {"roles": ["registrar"], "vcardArray": card}]}
        )
        assert isinstance(found.registrar, str)


def parsed(answer: Any) -> rdap.Registration:
    return rdap._parsed(json.dumps(answer).encode())
