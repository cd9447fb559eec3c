"""How much of anything the guard takes."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

CHUNK = 64 * KIB
"""Bytes read, looked at and written at a time."""


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, times in seconds.

    - ``max_body``: the largest upload; a larger one is answered 413.
    - ``max_small_body``: the largest urlencoded or JSON body, which is held in memory while it is looked at.
    - ``spool_memory``: an upload up to this size stays in memory, a larger one goes to a temporary file.
    - ``spool_dir``: where temporary files are made; None for the system's place, which may be a RAM disk.
    - ``spool_total``: the most that all uploads under way in this process may have in temporary files.
    - ``body_seconds``: how long a body may take to arrive. It is looked at between reads: a server's own time limit on
      its sockets is what ends a single read.
    - ``drain_bytes``, ``drain_seconds``: how much of a refused body is read and thrown away before the answer, since
      an uploader that is still writing when the connection closes never sees the answer.
    - ``retry_after``: what a 503 suggests.
    """

    max_body: int = 2 * GIB
    max_small_body: int = MIB
    spool_memory: int = MIB
    spool_dir: str | None = None
    spool_total: int = 16 * GIB
    body_seconds: float = 900.0
    drain_bytes: int = 2 * GIB
    drain_seconds: float = 60.0
    retry_after: int = 30
