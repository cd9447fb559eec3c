"""The sandbox as a process: on loopback, with test keys, over HTTP, and still there after a restart."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import stripe

from billing.sandbox.__main__ import arguments, running
from tests.receiver import Received, listening


def client(port: int, *, retries: int = 0) -> Any:
    """The library as production has it, with another address."""
    base: Any = {"api": f"http://127.0.0.1:{port}"}
    return stripe.StripeClient("sk_test_freehold", base_addresses=base, max_network_retries=retries).v1


@pytest.mark.parametrize(
    "given",
    [
        ["--key", "sk_live_x"],
        ["--key", "rk_live_x"],
        ["--key", "nonsense"],
        ["--host", "0.0.0.0"],
        ["--host", "192.0.2.1"],
        ["--webhook", "http://127.0.0.1/x"],
        ["--secret", "whsec_x"],
    ],
)
def test_what_refuses_to_start(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(given)
    assert "error: " in capsys.readouterr().err


def test_over_http_with_events_and_with_what_was_kept(tmp_path: Path) -> None:
    with listening() as receiver:
        given = [
            "--port",
            "0",
            "--state",
            str(tmp_path / "state.json"),
            "--webhook",
            receiver.url,
            "--secret",
            "whsec_x",
        ]
        events: list[Received] = []
        receiver.on_message = events.append
        with running(arguments(given)) as (port, _):
            api = client(port)
            made = api.customers.create({"name": "A"}, {"idempotency_key": "k"})
            assert api.customers.create({"name": "A"}, {"idempotency_key": "k"}).id == made.id
        [event] = [
            stripe.Webhook.construct_event(one.body, one.headers["stripe-signature"], "whsec_x") for one in events
        ]
        assert event.type == "customer.created"
        with running(arguments(given)) as (port, _):
            api = client(port)
            assert api.customers.retrieve(made.id).name == "A"
            assert len(api.webhook_endpoints.list().data) == 1, "the endpoint is known"


def test_what_has_ended_writes_no_more(tmp_path: Path) -> None:
    """What was put off until later is written before, and not over what the next one keeps there."""
    state = tmp_path / "state.json"
    with running(arguments(["--port", "0", "--state", str(state)])) as (port, sandbox):
        client(port).customers.create({"name": "A"})
        assert sandbox._saver is not None and sandbox._saver.is_alive()
    assert not sandbox._saver.is_alive() and '"name": "A"' in state.read_text(encoding="utf-8")


def test_a_time_out_closes_the_connection_and_the_retry_finds_what_was_done() -> None:
    with running(arguments(["--port", "0"])) as (port, _):
        with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
            fault = b'{"kind": "timeout_after", "match": "POST /v1/customers"}'
            connection.request("POST", "/_sandbox/faults", fault, {"Content-Type": "application/json"})
            assert connection.getresponse().read()
        with pytest.raises(stripe.APIConnectionError):
            client(port).customers.create({"name": "A"}, {"idempotency_key": "k"})
        client(port).customers.create({"name": "A"}, {"idempotency_key": "k"})
        assert len(client(port).customers.list().data) == 1


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/_sandbox/", "text/html"), ("/_sandbox/style.css", "text/css"), ("/_sandbox/icon.svg", "image/svg+xml")],
)
def test_a_connection_is_kept_and_pages_come_with_their_style(path: str, kind: str) -> None:
    with (
        running(arguments(["--port", "0"])) as (port, _),
        closing(http.client.HTTPConnection("127.0.0.1", port)) as connection,
    ):
        for _ in range(2):
            connection.request("GET", path)
            response = connection.getresponse()
            assert response.status == 200 and kind in response.headers["Content-Type"] and response.read()
            assert connection.sock is not None, "it was not closed"
        connection.request("HEAD", path)
        assert connection.getresponse().read() == b""


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 99999999\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: x\r\n",
        b"Transfer-Encoding: chunked\r\n",
    ],
)
def test_bodies_that_can_not_be_read(head: bytes) -> None:
    with running(arguments(["--port", "0"])) as (port, _), socket.create_connection(("127.0.0.1", port)) as raw:
        raw.sendall(b"POST /v1/customers HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.slow
def test_the_process_keeps_everything_when_it_is_told_to_end(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    command = [sys.executable, "-m", "billing.sandbox", "--port", "0", "--state", str(state)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())}
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        port = int(line.split("127.0.0.1:")[1].split("/")[0])
        made = client(port).customers.create({"name": "A"})
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert made.id in state.read_text()
