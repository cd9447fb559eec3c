"""Counts of what happened, for whoever exports metrics."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

NAMES = (
    "checks",  # questions asked of the client: the three that follow
    "outside",  # answered "allow" without a call: in no namespace of a fresh snapshot
    "invalid_names",  # answered 400 without a call
    "asked",  # about which Freehold is to be asked
    "calls",  # questions sent to Freehold
    "answers",  # of these, answered
    "allowed",  # by Freehold
    "denied",  # by Freehold
    "no_answer",  # questions that Freehold left open, whatever the reason
    "circuit_open",  # of these, not even sent
    "snapshot_allowed",  # of these, allowed since the snapshot shows the publisher or the owner as a holder
    "stale_allowed",  # of these, allowed without a fresh snapshot, since the project exists
    "unavailable",  # of these, answered 503
    "retries",  # on a kept-alive connection that the server had closed
    "refreshes",
    "refresh_failures",
    "snapshots_taken",
    "changes_applied",
    "unknown_changes",  # of a kind that this version does not know
    "gaps",  # the feed did not follow on what we have, so a snapshot was taken
    "persisted",
    "persist_failures",
    "restored",
    "restore_failures",
)


class Counters(Mapping[str, int]):
    """A mapping of names to counts since the start, safe to read and to count in from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(NAMES, 0)

    def add(self, name: str, count: int = 1) -> None:
        """Count; ``KeyError`` for a name that is not in ``NAMES``."""
        with self._lock:
            self._counts[name] += count

    def after_fork(self) -> None:
        """The lock may have been held by a thread that the fork left behind."""
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> int:
        counts = self._counts
        # Not counted by itself: the check of a name outside every namespace is to cost next to nothing.
        return counts["outside"] + counts["invalid_names"] + counts["asked"] if name == "checks" else counts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._counts)

    def __len__(self) -> int:
        return len(self._counts)
