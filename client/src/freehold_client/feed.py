"""Keeping the snapshot: taken once, then followed through the feed of changes."""

from __future__ import annotations

import threading
from typing import Any

from freehold_client import collector, wire
from freehold_client.clock import Clock, Freshness
from freehold_client.counters import Counters
from freehold_client.errors import FreeholdUnavailable
from freehold_client.logs import fields, log
from freehold_client.snapshot import Grant, Organization, Snapshot
from freehold_client.sockets import Deadline
from freehold_client.store import Store
from freehold_client.transport import Response, Transport

SNAPSHOT_SECONDS = 120.0
CHANGES_SECONDS = 10.0
SNAPSHOT_LIMIT = 2**30
CHANGES_LIMIT = 2**26
"""Bytes, without compression. A thousand changes of organizations with a hundred publishers each are 2 MB."""

PAGE = 1000


class _StartOver(Exception):
    """The feed does not go on from where we are: only a new snapshot helps."""


class Follower:
    """The snapshot and how fresh it is. ``refresh`` may be called from any thread; readers take no lock.

    ``snapshot`` is None until one has been taken or restored.
    """

    def __init__(
        self, transport: Transport, store: Store | None, counters: Counters, clock: Clock, keep_every: float
    ) -> None:
        self.snapshot: Snapshot | None = None
        self.freshness = Freshness(clock)
        self._transport, self._store, self._counters, self._clock = transport, store, counters, clock
        self._keep_every = keep_every
        self._kept = clock.elapsed()
        self._lock = threading.Lock()

    def after_fork(self) -> None:
        """The lock may have been held by a thread that the fork left behind; and what that thread was changing, it
        leaves at a revision that is followed up from."""
        self._lock = threading.Lock()

    def restore(self) -> None:
        """Begin with what is on disk, as old as it is."""
        restored = None if self._store is None else self._store.restore()
        if restored is not None:
            self.snapshot = restored.snapshot
            self.freshness.restore(restored.confirmed_at)

    def refresh(self) -> bool:
        """Bring the snapshot up to what Freehold has now; whether it is. Never raises."""
        with self._lock:
            self._counters.add("refreshes")
            try:
                self._synchronize()
            except (FreeholdUnavailable, wire.Malformed) as error:
                self._counters.add("refresh_failures")
                log.warning(
                    "The snapshot can't be refreshed: %s",
                    error,
                    extra=fields("refresh.failed", error=repr(error), age=self.freshness.age()),
                )
                return False
            self._keep(at_once=False)
            return True

    def keep(self) -> None:
        """Write what we have to disk now."""
        with self._lock:
            self._keep(at_once=True)

    def _keep(self, *, at_once: bool) -> None:
        confirmed_at, now = self.freshness.confirmed_at(), self._clock.elapsed()
        if self._store is None or self.snapshot is None or confirmed_at is None:
            return
        if at_once or now - self._kept >= self._keep_every:
            self._kept = now
            self._store.keep(self.snapshot, confirmed_at)

    def _synchronize(self) -> None:
        if self.snapshot is None:
            self._take()
            return
        try:
            self._follow(self.snapshot)
        except _StartOver as reason:
            log.warning("A new snapshot is needed: %s", reason, extra=fields("refresh.start-over", reason=str(reason)))
            self._take()

    def _take(self) -> None:
        asked = self._clock.elapsed()
        answer = self._get("/api/v1/snapshot", SNAPSHOT_SECONDS, SNAPSHOT_LIMIT)
        with collector.paused():
            taken = wire.snapshot(_json(answer))
        self.snapshot = taken  # first: an old snapshot must never look fresh
        self.freshness.confirm(asked)
        self._counters.add("snapshots_taken")
        self._kept = self._clock.elapsed() - self._keep_every  # worth writing at once
        log.info("Took a snapshot", extra=fields("snapshot.taken", revision=taken.revision, grants=len(taken.grants)))

    def _follow(self, snapshot: Snapshot) -> None:
        """Apply page after page; only with the last is the snapshot confirmed, as of when that one was asked for."""
        while True:
            asked = self._clock.elapsed()
            page = self._page(snapshot.revision)
            for change in page.changes:
                self._apply(snapshot, change)
            snapshot.revision = page.revision
            if not page.more:
                self.freshness.confirm(asked)
                return
            if not page.changes:
                raise wire.Malformed("There is more, but nothing comes.")

    def _page(self, after: int) -> wire.Page:
        answer = self._get(f"/api/v1/changes?after={after}&limit={PAGE}", CHANGES_SECONDS, CHANGES_LIMIT)
        if answer.status == 410:
            raise _StartOver("Freehold does not know our revision.")
        page = wire.page(_json(answer), after)
        if page is None:
            self._counters.add("gaps")
            raise _StartOver("The changes do not follow on what we have.")
        return page

    def _apply(self, snapshot: Snapshot, change: wire.Change) -> None:
        if change.kind == "grant":
            assert change.value is None or isinstance(change.value, Grant)
            snapshot.put_grant(change.name, change.value)
        elif change.kind == "organization":
            assert change.value is None or isinstance(change.value, Organization)
            snapshot.put_organization(change.name, change.value)
        elif change.kind not in {"project", "projects"}:
            self._counters.add("unknown_changes")
        self._counters.add("changes_applied")

    def _get(self, path: str, seconds: float, limit: int) -> Response:
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        return self._transport.request("GET", path, deadline=Deadline(seconds), limit=limit, headers=headers)


def _json(answer: Response) -> Any:
    """The body of a 200. Raises ``FreeholdUnavailable`` for every other answer, and ``Malformed``."""
    if answer.status != 200:
        raise FreeholdUnavailable("status", f"Freehold answered {answer.status}.", answer.status)
    return wire.loads(answer.body)
