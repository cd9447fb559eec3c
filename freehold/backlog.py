"""Writes that may wait: collected in memory, written by a thread, so that an answer is not slowed by them.

For what is worth a row but not a round trip: counts of refused uploads, when a token was last used. A process that is
killed loses about a second of them, and a full backlog drops what comes, counted; nothing that a decision depends on
may go this way.
"""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import structlog
from django.conf import settings
from django.db import connection

log = structlog.get_logger(__name__)
Item = TypeVar("Item")


class Backlog(Generic[Item]):
    """``write`` gets all that was collected since it was last called, in order, at most ``limit`` at once."""

    def __init__(self, write: Callable[[Sequence[Item]], None], *, limit: int = 10_000, interval: float = 0.5) -> None:
        self._write = write
        self._limit = limit
        self._interval = interval
        self._items: deque[Item] = deque()
        self._wake = threading.Event()
        self._start = threading.Lock()
        self._flushing = threading.Lock()
        self._thread: threading.Thread | None = None
        self.dropped = 0

    def add(self, item: Item) -> None:
        """Never blocks and never raises: the answer is more important than the record of it."""
        if len(self._items) >= self._limit:
            self.dropped += 1
            return
        self._items.append(item)
        if settings.FREEHOLD_BACKLOG_THREAD:
            self._ensure_thread()
            self._wake.set()

    def flush(self) -> int:
        """Write what has been collected; the number of items. What can't be written is dropped, counted and logged."""
        with self._flushing:
            items = self._take()
            if items:
                try:
                    self._write(items)
                except Exception:
                    self.dropped += len(items)
                    log.exception("backlog.lost", count=len(items))
            return len(items)

    def _take(self) -> list[Item]:
        items: list[Item] = []
        while self._items and len(items) < self._limit:
            items.append(self._items.popleft())
        return items

    def _ensure_thread(self) -> None:
        # Started by the first item, not at import: the process may fork in between.
        if self._thread is not None and self._thread.is_alive():
            return
        with self._start:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="backlog", daemon=True)
                self._thread.start()
                atexit.register(self.flush)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            threading.Event().wait(self._interval)
            self.flush()
            connection.close()
