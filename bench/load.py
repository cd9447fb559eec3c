"""A load generator: keep-alive HTTP connections in one loop, closed or open.

Closed: each connection sends its next request when the last was answered, which finds the throughput. Open: requests
are due at random instants whatever the answers do, which finds the latency that callers see. The generator shares the
machine with the server; that weighs on all endpoints alike.
"""

from __future__ import annotations

import json
import random
import re
import select
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import cycle
from typing import Any

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
_BUFFER = 1 << 18


class BadAnswer(Exception):
    """The server answered something else than was expected, or in a way that this client does not read."""


def request(path: str, body: Any, token: str) -> bytes:
    """A POST of JSON as an index sends it."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


class Caller:
    """One connection, with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.started = 0.0
        self._received = b""

    def fileno(self) -> int:
        return self.socket.fileno()

    def close(self) -> None:
        self.socket.close()

    def send(self, message: bytes, started: float) -> None:
        self.started = started
        self.socket.sendall(message)

    def answer(self, status: bytes = b"200") -> bytes | None:
        """The body, once all of it is there; None before. Called when there is something to read.

        Any other status is a ``BadAnswer``; an empty ``status`` takes them all.
        """
        chunk = self.socket.recv(_BUFFER)
        if not chunk:
            raise BadAnswer("The server closed the connection.")
        self._received += chunk
        body = _body(self._received)
        if body is None:
            return None
        received, self._received = self._received, b""
        if not received.startswith(b"HTTP/1.1 " + status):
            raise BadAnswer(received.decode(errors="replace"))
        return body

    def wait(self, status: bytes = b"200") -> Any:
        """The JSON that is answered to what was sent."""
        while (body := self.answer(status)) is None:
            pass
        return json.loads(body)

    def ask(self, message: bytes, status: bytes = b"200") -> Any:
        self.send(message, 0.0)
        return self.wait(status)


def _body(received: bytes) -> bytes | None:
    head, complete, body = received.partition(b"\r\n\r\n")
    if not complete:
        return None
    length = _LENGTH.search(head + b"\r\n")
    if length is None:
        raise BadAnswer("The answer has no Content-Length.")
    return body if len(body) >= int(length[1]) else None


@contextmanager
def callers(port: int, count: int) -> Iterator[list[Caller]]:
    with ExitStack() as stack:
        yield [stack.enter_context(closing(Caller(port))) for _ in range(count)]


def throughput(crew: Sequence[Caller], messages: Sequence[bytes], seconds: float) -> float:
    """Answers a second, from a closed loop in which each caller always waits for one answer."""
    upcoming = cycle(messages)
    begun = time.perf_counter()
    end = begun + seconds
    for caller in crew:
        caller.send(next(upcoming), begun)
    busy, answers = set(crew), 0
    while busy:
        now = time.perf_counter()
        for caller in _ready(busy, None):
            if caller.answer() is None:
                continue
            answers += 1
            if now < end:
                caller.send(next(upcoming), now)
            else:
                busy.remove(caller)
    return answers / (time.perf_counter() - begun)


def latencies(crew: Sequence[Caller], messages: Sequence[bytes], rate: float, seconds: float, seed: int) -> list[float]:
    """Seconds from the instant at which each request was due to its answer; ``rate`` a second are due."""
    upcoming, due = cycle(messages), _schedule(rate, seconds, seed, time.perf_counter() + 0.01)
    idle, busy, taken = deque(crew), set[Caller](), []
    while due or busy:
        now = time.perf_counter()
        while due and idle and due[0] <= now:
            caller = idle.popleft()
            caller.send(next(upcoming), due.popleft())
            busy.add(caller)
        pause = max(0.0, due[0] - time.perf_counter()) if due and idle else None
        for caller in _ready(busy, pause):
            if caller.answer() is not None:
                taken.append(time.perf_counter() - caller.started)
                busy.remove(caller)
                idle.append(caller)
    return taken


def _schedule(rate: float, seconds: float, seed: int, begin: float) -> deque[float]:
    """The instants of a Poisson process."""
    source, instants, at = random.Random(seed), deque[float](), begin
    while at < begin + seconds:
        instants.append(at)
        at += source.expovariate(rate)
    return instants


def _ready(busy: set[Caller], timeout: float | None) -> list[Caller]:
    return select.select(list(busy), [], [], timeout)[0]
