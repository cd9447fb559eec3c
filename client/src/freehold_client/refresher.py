"""The thread that keeps the snapshot fresh."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from freehold_client.logs import fields, log

LONGEST_PAUSE = 30.0


class Refresher:
    """Calls ``refresh`` every ``interval`` seconds, from a daemon thread; while it fails, at growing intervals of up to
    ``LONGEST_PAUSE`` seconds."""

    def __init__(self, refresh: Callable[[], bool], interval: float) -> None:
        self._refresh = refresh
        self._interval = interval
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_started(self) -> bool:
        """Whether the thread should be running; after a fork it is not until ``start`` is called anew."""
        return self._thread is not None

    def start(self) -> None:
        """Start the thread, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="freehold-refresher", daemon=True)
            self._thread.start()

    def after_fork(self) -> None:
        """Threads do not survive a fork: where one was running, start its like."""
        was_started, self._thread, self._stop = self.is_started, None, threading.Event()
        if was_started:
            self.start()

    def stop(self, seconds: float) -> None:
        """Stop the thread; wait for it no longer than ``seconds``."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(seconds)
        self._stop = threading.Event()

    def _run(self) -> None:
        stop, failures = self._stop, 0
        while not stop.is_set():
            failures = 0 if self._refresh_once() else failures + 1
            stop.wait(self.pause(failures))

    def _refresh_once(self) -> bool:
        try:
            return self._refresh()
        except Exception as error:
            log.exception("The refresher failed", extra=fields("refresher.failed", error=repr(error)))
            return False

    def pause(self, failures: int) -> float:
        """Seconds until the next time, after so many failures in a row. A little uneven, so that the workers of an
        index don't all come at once."""
        pause = min(self._interval * 2.0 ** min(failures, 16), max(LONGEST_PAUSE, self._interval))
        return pause * random.uniform(0.8, 1.0)  # noqa: S311 -- no secret
