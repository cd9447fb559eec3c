"""Freehold down, slow, dripping, wrong: no answer, within the budget, and recovery by itself."""

from __future__ import annotations

import json
import socket
import threading
import time
from datetime import datetime, timezone

import pytest

from fakes import TOKEN, FakeFreehold, answer, black_hole, drip, grant, http, organization, raw, reply, serving
from freehold_client import NamespaceClient, Publisher, feed, sockets
from freehold_client.breaker import Breaker

HOLDER, STRANGER = Publisher(user="alice"), Publisher(user="mallory")
BUDGET = 0.5
SLACK = 0.35


@pytest.fixture
def world(freehold):
    freehold.put(grant("acme", "acme"), organization("acme", "alice"))
    freehold.decide = lambda question: answer(question["project"], "unreserved")
    return freehold


@pytest.fixture
def client(world, make_client):
    client = make_client(world.url, budget=BUDGET)
    assert client.refresh()
    return client


def good(project: str = "acme-new", **members) -> bytes:
    return json.dumps(answer(project, "unreserved", **members)).encode()


def without(member: str) -> bytes:
    value = answer("acme-new", "unreserved")
    del value[member]
    return json.dumps(value).encode()


NO_ANSWERS = {
    "500": lambda h: reply(h, 500, good()),
    "502 page": lambda h: raw(h, http("502 Bad Gateway", b"<html>", "Connection: close")),
    "503": lambda h: reply(h, 503, good()),
    "429": lambda h: reply(h, 429, good()),
    "401: token revoked": lambda h: reply(h, 401, good()),
    "403": lambda h: reply(h, 403, good()),
    "404": lambda h: reply(h, 404, good()),
    "400": lambda h: reply(h, 400, good()),
    "201": lambda h: reply(h, 201, good()),
    "204": lambda h: raw(h, b"HTTP/1.1 204 No Content\r\n\r\n"),
    "302": lambda h: raw(h, http("302 Found", good(), "Location: /elsewhere", "Connection: close")),
    "307": lambda h: raw(h, http("307 Temporary Redirect", good(), "Location: /elsewhere", "Connection: close")),
    "hangs up": lambda h: raw(h, b""),
    "no HTTP": lambda h: raw(h, b"SSH-2.0-OpenSSH\r\n"),
    "binary": lambda h: raw(h, bytes(range(256)) * 64),
    "endless header": lambda h: raw(h, b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000),
    "endless headers": lambda h: raw(h, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000),
    "cut short": lambda h: raw(h, http("200 OK", good())[:-5]),
    "cut short where it still is JSON": lambda h: raw(h, http("200 OK", good() + b"      ")[:-3]),
    "bad chunks": lambda h: raw(h, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"),
    "empty": lambda h: reply(h, 200, b""),
    "no JSON": lambda h: reply(h, 200, b"allowed"),
    "no UTF-8": lambda h: reply(h, 200, good().replace(b"Because", b"\xff")),
    "UTF-16": lambda h: reply(h, 200, good().decode().encode("utf-16")),
    "a list": lambda h: reply(h, 200, [answer("acme-new", "unreserved")]),
    "true": lambda h: reply(h, 200, True),
    "NaN": lambda h: reply(h, 200, good().replace(b'"revision": 7', b'"revision": NaN')),
    "nested without end": lambda h: reply(h, 200, b"[" * 200_000),
    "a number without end": lambda h: reply(h, 200, b'{"revision": ' + b"9" * 200_000 + b"}"),
    "huge": lambda h: reply(h, 200, good() + b" " * 3_000_000),
    "says it is huge": lambda h: raw(h, b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{}"),
    "a negative length": lambda h: raw(h, b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}"),
    "a coding nobody asked for": lambda h: raw(h, http("200 OK", good(), "Content-Encoding: br")),
    "a broken coding": lambda h: raw(h, http("200 OK", good(), "Content-Encoding: gzip")),
    "for another name": lambda h: reply(h, 200, good("acme-other")),
    "for another spelling": lambda h: reply(h, 200, good("Acme_New")),
    "allowed is text": lambda h: reply(h, 200, good(allowed="true")),
    "allowed is a number": lambda h: reply(h, 200, good(allowed=1)),
    "status is another": lambda h: reply(h, 200, good(status=409)),
    "status is text": lambda h: reply(h, 200, good(status="200")),
    "denied for a reason to allow": lambda h: reply(h, 200, good(allowed=False, status=409, namespace="acme")),
    "allowed for a reason to deny": lambda h: reply(h, 200, good(reason="reserved")),
    "denied for no namespace": lambda h: reply(h, 200, good(allowed=False, status=409, reason="reserved")),
    "a namespace around something else": lambda h: reply(h, 200, good(namespace="other")),
    "a header in the message": lambda h: reply(h, 200, good(message="x\r\nSet-Cookie: a=b")),
    "no ASCII in the message": lambda h: reply(h, 200, good(message="caf\u00e9")),
    "no message": lambda h: reply(h, 200, good(message="")),
    "a header in the address": lambda h: reply(h, 200, good(url="http://x\r\n")),
    "namespaces are text": lambda h: reply(h, 200, good(namespaces="acme")),
    "namespaces have no marks": lambda h: reply(h, 200, good(namespaces=[{"name": "acme"}])),
    "a negative revision": lambda h: reply(h, 200, good(revision=-1)),
    "revision is true": lambda h: reply(h, 200, good(revision=True)),
    **{
        f"no {member}": lambda h, member=member: reply(h, 200, without(member))
        for member in ("allowed", "status", "reason", "project", "message", "namespaces", "revision")
    },
}


@pytest.mark.parametrize("fault", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_is_no_answer(client, world, fault) -> None:
    world.misbehave = fault
    started = time.monotonic()
    assert client.check_upload("acme-new", STRANGER, exists=False).status == 503
    assert client.check_upload("acme-new", HOLDER, exists=False).reason == "snapshot-holder"
    assert client.check_upload("outside", STRANGER, exists=False).reason == "outside"
    assert time.monotonic() - started < 2 * BUDGET + SLACK
    assert client.counters["no_answer"] == 2
    assert not any(path.startswith("/elsewhere") for path in world.paths())


@pytest.mark.parametrize("fault", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_recovers(client, world, clock, fault) -> None:
    world.misbehave = fault
    for _ in range(3):
        client.check_upload("acme-new", STRANGER, exists=False)
    world.misbehave = None
    clock.go_on(10)
    assert client.check_upload("acme-new", STRANGER, exists=False).reason == "unreserved"


SLOW = {
    "silence": lambda h: time.sleep(2),
    "drips the status line": lambda h: drip(h, http("200 OK", good())),
    "drips headers": lambda h: drip(h, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 90),
    "drips the body": lambda h: (
        h.wfile.write(http("200 OK", b"")[:-2].replace(b": 0", b": 300")),
        drip(h, b"\r\n" + good()),
    ),
    "drips continuations": lambda h: drip(h, b"HTTP/1.1 100 Continue\r\n\r\n" * 90, 0.005),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", SLOW.values(), ids=SLOW)
def test_slow_servers_do_not_exceed_the_budget(client, world, fault) -> None:
    world.misbehave = fault
    started = time.monotonic()
    assert client.check_upload("acme-new", STRANGER, exists=False).status == 503
    assert BUDGET - 0.05 <= time.monotonic() - started < BUDGET + SLACK


@pytest.mark.slow
@pytest.mark.parametrize("fault", SLOW.values(), ids=SLOW)
def test_uploads_outside_never_wait(client, world, fault, monkeypatch) -> None:
    monkeypatch.setattr(feed, "CHANGES_SECONDS", BUDGET)
    world.misbehave = fault
    busy = [threading.Thread(target=client.check_upload, args=("acme-new", STRANGER)) for _ in range(4)]
    busy.append(threading.Thread(target=client.refresh))
    for thread in busy:
        thread.start()
    time.sleep(0.05)
    started = time.monotonic()
    for number in range(200):
        assert client.check_upload(f"outside-{number}", STRANGER, exists=False).reason == "outside"
    assert time.monotonic() - started < 0.2
    world.misbehave = None
    for thread in busy:
        thread.join()


def test_nobody_listens(make_client) -> None:
    with serving(FakeFreehold()) as fake:
        url = fake.url
    client = make_client(url)
    assert client.check_upload("acme-new", STRANGER, exists=False).status == 503
    assert client.check_upload("acme-old", STRANGER, exists=True).reason == "stale-existing"
    assert not client.refresh()


def test_packets_are_swallowed(make_client) -> None:
    with black_hole() as url:
        client = make_client(url, budget=BUDGET)
        started = time.monotonic()
        assert client.check_upload("acme-new", STRANGER, exists=False).status == 503
        assert BUDGET - 0.05 <= time.monotonic() - started < BUDGET + SLACK


def test_the_look_up_hangs(make_client, monkeypatch) -> None:
    released, calls = threading.Event(), []

    def getaddrinfo(host, *arguments, **options):
        if options.get("flags"):
            raise socket.gaierror("not numeric")
        calls.append(host)
        released.wait(5)
        raise socket.gaierror("no such host")

    monkeypatch.setattr(sockets.socket, "getaddrinfo", getaddrinfo)
    client = make_client("http://freehold.index.example", budget=0.2)
    started = time.monotonic()
    for _ in range(2):
        assert client.check_upload("acme-new", STRANGER, exists=False).status == 503
    assert 0.3 < time.monotonic() - started < 0.4 + SLACK
    assert len(calls) == 1  # the second waited for the same look-up
    released.set()


def test_tls_handshake_hangs(make_client) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        client = make_client(f"https://127.0.0.1:{listening.getsockname()[1]}", budget=BUDGET)
        started = time.monotonic()
        assert client.check_upload("acme-new", STRANGER, exists=False).status == 503
        assert BUDGET - 0.05 <= time.monotonic() - started < BUDGET + SLACK


def test_tls_to_a_server_without(world, make_client) -> None:
    client = make_client(world.url.replace("http:", "https:"))
    assert client.check_upload("acme-new", STRANGER, exists=False).status == 503


class TestConnections:
    def test_are_kept(self, client, world) -> None:
        for _ in range(5):
            client.check_upload("acme-new", STRANGER, exists=False)
        assert world.connections == 1

    def test_one_for_each_thread_at_most(self, client, world) -> None:
        threads = [
            threading.Thread(target=lambda: [client.check_upload("acme-new", STRANGER) for _ in range(20)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert world.connections <= 5
        assert client.counters["answers"] == 80

    def test_a_restarted_server_costs_nothing(self, make_client) -> None:
        with serving(FakeFreehold()) as fake:
            client = make_client(fake.url)
            client.check_upload("acme-new", STRANGER)
        time.sleep(0.05)
        with serving(FakeFreehold(), port=fake.port):
            assert client.check_upload("acme-new", STRANGER).source == "server"

    def test_one_that_closes_on_the_next_request_is_retried_once(self, client, world) -> None:
        client.check_upload("acme-new", STRANGER)
        seen = []

        def hang_up_first(handler):
            seen.append(handler)
            if len(seen) == 1:
                handler.close_connection = True
            else:
                reply(handler, 200, good())

        world.misbehave = hang_up_first
        assert client.check_upload("acme-new", STRANGER).source == "server"
        assert client.counters["retries"] == 1

    def test_is_not_retried_forever(self, client, world) -> None:
        client.check_upload("acme-new", STRANGER)
        before = len(world.requests)
        world.misbehave = lambda handler: raw(handler, b"")
        assert client.check_upload("acme-new", STRANGER).status == 503
        assert len(world.requests) == before + 2

    def test_left_open_with_an_answer_too_many(self, client, world) -> None:
        """What a server says without being asked is never taken for the answer to the next question."""
        world.misbehave = lambda h: h.wfile.write(http("200 OK", good()) + http("200 OK", good("acme-next")))
        client.check_upload("acme-new", STRANGER)
        world.misbehave = None
        world.decide = lambda question: answer(question["project"], "reserved")
        assert client.check_upload("acme-next", STRANGER).reason == "reserved"

    def test_the_token_is_sent(self, client, world) -> None:
        client.check_upload("acme-new", STRANGER)
        assert world.headers[-1]["authorization"] == f"Bearer {TOKEN}"
        assert world.headers[-1]["content-type"] == "application/json"
        assert world.headers[-1]["host"] == f"127.0.0.1:{world.port}"

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "freehold",
            "ftp://x",
            "http://",
            "http://u:p@x",
            "http://x/?q",
            "http://x/#f",
            "http://x\r\n",
            "http://x:99999",
        ],
    )
    def test_addresses(self, url) -> None:
        with pytest.raises(ValueError, match=r".+"):
            NamespaceClient(url, TOKEN)

    @pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", "\u212a"])
    def test_tokens(self, token) -> None:
        with pytest.raises(ValueError, match="token"):
            NamespaceClient("http://x", token)

    def test_claims_that_are_no_json(self, client, world) -> None:
        publisher = Publisher(claims={"iss": "x", "at": datetime.now(timezone.utc)})
        assert client.check_upload("acme-new", publisher).status == 503
        assert client.check_upload("acme-new", STRANGER).source == "server"

    def test_dates_at_the_end_of_time(self, client) -> None:
        for moment in (datetime.min.replace(tzinfo=timezone.utc), datetime.max.replace(tzinfo=timezone.utc)):
            client.check_upload("acme-new", STRANGER, first_uploaded=moment)


class TestBreaker:
    def test_while_down_an_upload_does_not_cost_the_budget(self, client, world) -> None:
        world.misbehave = SLOW["silence"]
        started = time.monotonic()
        for _ in range(50):
            client.check_upload("acme-new", STRANGER, exists=False)
        assert time.monotonic() - started < 2 * BUDGET + SLACK
        assert (client.counters["calls"], client.counters["circuit_open"]) == (2, 48)

    def test_one_upload_at_a_time_tries_again(self, client, world, clock) -> None:
        world.misbehave = SLOW["silence"]
        for _ in range(2):
            client.check_upload("acme-new", STRANGER)
        clock.go_on(1.1)
        started = time.monotonic()
        trying = threading.Thread(target=client.check_upload, args=("acme-new", STRANGER))
        trying.start()
        time.sleep(0.05)
        client.check_upload("acme-new", STRANGER)
        assert time.monotonic() - started < BUDGET / 2
        trying.join()
        assert client.counters["calls"] == 3

    def test_a_refresh_lets_the_next_upload_try(self, client, world) -> None:
        world.misbehave = lambda h: reply(h, 500, {})
        for _ in range(5):
            client.check_upload("acme-new", STRANGER)
        world.misbehave = None
        assert client.check_upload("acme-new", STRANGER).status == 503
        client.refresh()
        assert client.check_upload("acme-new", STRANGER).reason == "unreserved"

    def test_a_question_that_is_not_understood_opens_nothing(self, client, world) -> None:
        world.misbehave = lambda h: reply(h, 400, {})
        for _ in range(5):
            client.check_upload("acme-new", STRANGER)
        assert client.counters["calls"] == 5

    def test_pauses_grow_up_to_a_limit(self) -> None:
        now = [0.0]
        breaker = Breaker(lambda: now[0])
        breaker.failed()
        assert breaker.may_try(1)
        pauses = []
        for _ in range(6):
            breaker.failed()
            start = now[0]
            while not breaker.may_try(0):
                now[0] += 0.5
            pauses.append(now[0] - start)
        assert pauses == [1, 2, 4, 8, 8, 8]
        breaker.succeeded()
        assert breaker.may_try(1)


def test_log_and_counters(client, world, caplog) -> None:
    world.misbehave = lambda h: reply(h, 500, {})
    client.check_upload("acme-new", STRANGER, exists=False)
    events = {record.freehold["event"]: record.freehold for record in caplog.records}
    assert events["check.no-answer"]["code"] == "status"
    assert events["check.decided"] == {
        "event": "check.decided",
        "project": "acme-new",
        "allowed": False,
        "status": 503,
        "reason": "unavailable",
        "namespace": "acme",
        "revision": 7,
        "source": "snapshot",
    }
    counted = {name: count for name, count in client.counters.items() if count}
    assert counted == {
        "checks": 1,
        "asked": 1,
        "calls": 1,
        "no_answer": 1,
        "unavailable": 1,
        "refreshes": 1,
        "snapshots_taken": 1,
    }
    assert TOKEN not in caplog.text
