"""A circuit breaker: while Freehold is down, an upload need not wait to hear so again."""

from __future__ import annotations

import threading
from collections.abc import Callable

THRESHOLD = 2
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 8.0


class Breaker:
    """Opens after ``THRESHOLD`` failures in a row, for a second; then one caller may try, while the others are told no.

    Each failed try doubles the pause, up to ``LONGEST_PAUSE`` seconds; a success ends it, whoever has it. ``hint`` is
    for who knows by other means that the server is back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._pause_ends = 0.0
        self._lock = threading.Lock()

    def after_fork(self) -> None:
        """The lock may have been held by a thread that the fork left behind."""
        self._lock = threading.Lock()

    def may_try(self, seconds: float) -> bool:
        """Whether to ask the server. Where the circuit is open, the one who may has ``seconds`` before the next."""
        if self._failures < THRESHOLD:
            return True
        with self._lock:
            now = self._clock()
            if now < self._pause_ends:
                return False
            self._pause_ends = now + seconds
            return True

    def succeeded(self) -> None:
        """The server answered."""
        self._failures = 0

    def failed(self) -> None:
        """The server gave no answer."""
        with self._lock:
            self._failures += 1
            pause = min(FIRST_PAUSE * 2.0 ** max(0, self._failures - THRESHOLD), LONGEST_PAUSE)
            self._pause_ends = self._clock() + pause

    def hint(self) -> None:
        """The server seems to be back: the next caller may try at once."""
        self._pause_ends = 0.0
