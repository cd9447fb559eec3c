"""Sending a webhook: the signature, the addresses, and what a receiver may do to us."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from freehold import webhooks
from freehold.errors import Invalid
from tests.receiver import Receiver, is_authentic, listening


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as found:
        yield found


def send(url: str, *secrets: str, seconds: float = 5.0) -> None:
    sent = webhooks.headers(secrets or (webhooks.new_secret(),), "msg_1", datetime.now(UTC), b'{"a": 1}')
    webhooks.post(url, sent, b'{"a": 1}', seconds=seconds)


class TestSignature:
    def test_the_example_of_the_specification(self) -> None:
        """From the reference libraries' tests: what they accept is what we make."""
        at = datetime.fromtimestamp(1614265330, UTC)
        body = b'{"test": 2432232314}'
        made = webhooks.headers(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body)
        assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        assert made["webhook-timestamp"] == "1614265330"

    def test_it_arrives_and_is_authentic(self, receiver: Receiver) -> None:
        secret = webhooks.new_secret()
        send(receiver.url + "?x=1", secret)
        (message,) = receiver.received
        assert (message.path, message.body) == ("/purge?x=1", b'{"a": 1}')
        assert is_authentic(secret, message.headers, message.body)
        assert not is_authentic(secret, message.headers, message.body + b" ")
        assert not is_authentic(webhooks.new_secret(), message.headers, message.body)

    def test_each_of_two_secrets_verifies_it(self, receiver: Receiver) -> None:
        both = webhooks.new_secret(), webhooks.new_secret()
        send(receiver.url, *both)
        (message,) = receiver.received
        assert all(is_authentic(secret, message.headers, message.body) for secret in both)

    def test_secrets_are_long_and_differ(self) -> None:
        made = {webhooks.new_secret() for _ in range(50)}
        assert len(made) == 50 and all(len(secret) == 50 and secret.startswith("whsec_") for secret in made)


class TestAddresses:
    @pytest.mark.parametrize(
        "url",
        [
            "https://cdn.example/purge",
            "https://10.0.0.7:8443/purge?token=x",
            "https://[fd00::1]/",
            "http://127.0.0.1:9/",
            "http://[::1]:9/x",
            "http://localhost/x",
        ],
    )
    def test_what_can_be_one(self, url: str) -> None:
        webhooks.check_url(url)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "cdn.example",
            "ftp://cdn.example/",
            "http://cdn.example/purge",
            "http://127.0.0.1.example/",
            "http://localhost.example/",
            "https:///purge",
            "https://user@cdn.example/",
            "https://:secret@cdn.example/",
            "https://cdn.example/#x",
            "https://cdn.example/a b",
            "https://cdn.example/\r\nX: y",
            "https://cdn.example:99999/",
            "https://[::1/",
            "https://b\u00fccher.example/",
            "https://cdn.example/" + "x" * 500,
        ],
    )
    def test_what_can_not(self, url: str) -> None:
        with pytest.raises(Invalid):
            webhooks.check_url(url)

    def test_http_where_the_operator_debugs(self) -> None:
        webhooks.check_url("http://cdn.example/purge", insecure=True)


def silent(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1)


def dripping(status: bytes) -> Any:
    def behave(handler: BaseHTTPRequestHandler) -> None:
        try:
            for byte in status:
                handler.wfile.write(bytes([byte]))
                time.sleep(0.05)
        except OSError:  # we were cut off, as it should be
            return

    return behave


class TestFaults:
    @pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
    def test_any_2xx_is_success(self, receiver: Receiver, status: int) -> None:
        receiver.answer(status)
        send(receiver.url)

    @pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
    def test_nothing_else_is(self, receiver: Receiver, status: int) -> None:
        receiver.answer(status)
        with pytest.raises(webhooks.DeliveryFailed, match=str(status)):
            send(receiver.url)

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_redirects_are_not_followed(self, receiver: Receiver, status: int) -> None:
        receiver.answer(status, Location=receiver.url)
        with pytest.raises(webhooks.DeliveryFailed, match="redirects are not followed"):
            send(receiver.url)
        assert len(receiver.received) == 1

    @pytest.mark.parametrize(
        "behave",
        [silent, dripping(b"HTTP/1.1 200 OK\r\n" + b"X-Y: z\r\n" * 50), dripping(b"H" * 100)],
        ids=["silent", "headers without end", "a line without end"],
    )
    def test_the_time_is_limited_as_a_whole(self, receiver: Receiver, behave: Any) -> None:
        receiver.behave = behave
        began = time.monotonic()
        with pytest.raises(webhooks.DeliveryFailed, match=r"within 0\.3 seconds"):
            send(receiver.url, seconds=0.3)
        assert time.monotonic() - began < 0.9

    def test_nobody_listens(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            with pytest.raises(webhooks.DeliveryFailed, match="could not be reached"):
                send(f"http://127.0.0.1:{port}/")

    @pytest.mark.parametrize("answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\0" * 100_000])
    def test_what_is_no_http(self, receiver: Receiver, answer: bytes) -> None:
        def behave(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(answer)

        receiver.behave = behave
        with pytest.raises(webhooks.DeliveryFailed):
            send(receiver.url)

    def test_a_host_that_can_be_none(self) -> None:
        with pytest.raises(webhooks.DeliveryFailed):
            send("http://a..b/")

    def test_https_checks_who_answers(self, receiver: Receiver) -> None:
        with pytest.raises(webhooks.DeliveryFailed):
            send(receiver.url.replace("http:", "https:"))
        assert not receiver.received
