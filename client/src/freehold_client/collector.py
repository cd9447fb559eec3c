"""The garbage collector, paused while a snapshot is loaded.

A hundred thousand new objects, none of them garbage, make it walk over all that the process has, again and again: it
takes as long as the loading itself, and stops every other thread meanwhile.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Pauses:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._was_enabled = False

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Collect no garbage inside; nested and in several threads, until the last is done."""
        with self._lock:
            if self._running == 0:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                self._resume()

    def after_fork(self) -> None:
        """The thread that would end the pause is not in the child."""
        self._lock = threading.Lock()
        self._running = 0
        self._resume()

    def _resume(self) -> None:
        if self._running == 0 and self._was_enabled:
            self._was_enabled = False
            gc.enable()


_pauses = _Pauses()
paused = _pauses.paused
after_fork = _pauses.after_fork
