"""``NamespaceClient``: what an index asks at upload time."""

from __future__ import annotations

import json
import logging
import os
import ssl
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from freehold_client import fallback, wire
from freehold_client.breaker import Breaker
from freehold_client.clock import Clock
from freehold_client.counters import Counters
from freehold_client.decisions import Decision, Publisher
from freehold_client.errors import FreeholdUnavailable
from freehold_client.fallback import Situation, Upload
from freehold_client.feed import Follower
from freehold_client.forks import in_child
from freehold_client.holders import marks
from freehold_client.logs import fields, log
from freehold_client.names import InvalidName, normalize
from freehold_client.refresher import Refresher
from freehold_client.snapshot import Grant, Snapshot
from freehold_client.sockets import Deadline
from freehold_client.store import Store
from freehold_client.transport import Response, Transport

ANSWER_LIMIT = 2**18
"""Bytes of an answer to a check; with four namespaces it has less than two thousand."""

NOBODY = "(anonymous)"
"""The user of a question about an anonymous upload: Freehold asks for one, and this can be no index user name."""

_KEEP_EVERY = 300.0
_CLOCK = Clock()


class NamespaceClient:
    """Asks Freehold about uploads, keeps a snapshot for when it can't be asked, and never raises into an upload.

    For any number of threads; safe across a fork, before or after ``start``. One for each process is enough.

        client = NamespaceClient("https://freehold.index.example", token, cache_dir="/var/cache/freehold").start()
        decision = client.check_upload("acme-widgets", Publisher(user="alice"), exists=False)

    - ``url``: Freehold's address. ``token``: a service token with the scopes ``check`` and ``feed``.
    - ``cache_dir``: a directory of the index's own, for the snapshot; without it a restart begins with none.
    - ``budget``: seconds that ``check_upload`` may take at most, everything included.
    - ``max_stale``: seconds since Freehold last confirmed the snapshot after which it counts for nothing.
    - ``refresh_interval``: seconds between looks for changes, once started.
    - ``ssl_context``: for authorities of one's own. ``clock``: for tests.

    Raises ``ValueError`` for an address, token or time that can't be right.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        cache_dir: str | os.PathLike[str] | None = None,
        budget: float = 3.0,
        max_stale: float = 3600.0,
        refresh_interval: float = 5.0,
        ssl_context: ssl.SSLContext | None = None,
        clock: Clock = _CLOCK,
    ) -> None:
        if min(budget, max_stale, refresh_interval) <= 0:
            raise ValueError("budget, max_stale and refresh_interval are seconds, more than 0.")
        self.url = url.rstrip("/")
        self._budget, self._max_stale = budget, max_stale
        self._counters = Counters()
        self._transport = Transport(self.url, token, self._counters, ssl_context)
        self._breaker = Breaker(clock.elapsed)
        store = None if cache_dir is None else Store(cache_dir, self.url, self._counters)
        keep_every = min(_KEEP_EVERY, max_stale / 4)
        self._follower = Follower(self._transport, store, self._counters, clock, keep_every)
        self._refresher = Refresher(self.refresh, refresh_interval)
        self._follower.restore()
        in_child(self._after_fork)

    # --- the question ---------------------------------------------------------------------------------------------

    def check_upload(
        self,
        name: str,
        publisher: Publisher,
        *,
        exists: bool | None = None,
        first_uploaded: datetime | None = None,
        owner: str | None = None,
    ) -> Decision:
        """Whether this publisher may upload this name, within the budget.

        ``first_uploaded``: when the project's first file came, with its zone; such a project exists. ``exists=False``:
        the project is new to the index. ``exists=True`` alone: it is not, and Freehold's mirror is asked since when.
        Neither: the mirror is asked, and without an answer the project counts as new. ``owner``: the organization that
        owns an existing project, as the index has it; only used when Freehold gives no answer.

        Raises ``ValueError`` for a time without its zone, and for ``exists=False`` with a time; nothing else.
        """
        since = None if first_uploaded is None else wire.since_epoch(first_uploaded)
        if since is not None and exists is False:
            raise ValueError("A project that was uploaded before is not new.")
        try:
            project = normalize(name)
        except (InvalidName, TypeError) as error:
            self._counters.add("invalid_names")
            return fallback.invalid(name, str(error) if isinstance(error, InvalidName) else "The name is no text.")
        snapshot = self._fresh_snapshot()
        covering = [] if snapshot is None else snapshot.covering(project)
        if snapshot is not None and not covering:
            self._counters.add("outside")
            return fallback.outside(project, snapshot.revision)
        self._counters.add("asked")
        upload = Upload(project, publisher, bool(exists) or since is not None, since, owner)
        return self._ask(upload, _question(upload, exists, first_uploaded)) or self._without_answer(
            upload, snapshot, covering
        )

    def namespaces_of(self, name: str, owner: str | None) -> list[dict[str, Any]] | None:
        """PEP 752's ``namespaces`` for a project's detail, from the snapshot and without a call.

        ``owner``: the organization that owns the project, as the index has it, or None. A list of
        ``{"name": str, "owned": bool}``, outermost first; None outside every namespace. Raises ``InvalidName``, and
        ``FreeholdUnavailable`` without a fresh snapshot: then leave the member out.
        """
        project = normalize(name)
        snapshot = self._fresh_snapshot()
        if snapshot is None:
            raise FreeholdUnavailable("no-snapshot", "There is no fresh snapshot of the namespaces.")
        covering = snapshot.covering(project)
        found = marks(snapshot, covering, owner, self._follower.freshness.now())
        return [{"name": namespace, "owned": owned} for namespace, owned in found] if covering else None

    # --- the snapshot ---------------------------------------------------------------------------------------------

    def refresh(self) -> bool:
        """Bring the snapshot up to date now; whether it is. Never raises; takes as long as it takes."""
        refreshed = self._follower.refresh()
        if refreshed:
            self._breaker.hint()
        return refreshed

    def start(self) -> NamespaceClient:
        """Keep the snapshot fresh from a daemon thread until ``close``. Once is enough; forked children go on by
        themselves."""
        self._refresher.start()
        return self

    def close(self) -> None:
        """Stop refreshing, keep the snapshot on disk, close idle connections. The client may be started again."""
        self._refresher.stop(self._budget)
        self._follower.keep()
        self._transport.close()

    def __enter__(self) -> NamespaceClient:  # noqa: PYI034 -- typing has no Self before Python 3.11
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot, fresh or not; for reading only."""
        return self._follower.snapshot

    @property
    def snapshot_age(self) -> float:
        """Seconds since Freehold last confirmed the snapshot; infinite without one."""
        return self._follower.freshness.age()

    @property
    def counters(self) -> Mapping[str, int]:
        """Counts since the start; the names are in ``freehold_client.counters.NAMES``."""
        return self._counters

    def _after_fork(self) -> None:
        for part in (self._counters, self._transport, self._breaker, self._follower, self._refresher):
            part.after_fork()

    def _fresh_snapshot(self) -> Snapshot | None:
        follower = self._follower
        age = follower.freshness.age()  # before the snapshot is read: a new one may only make it look older
        return follower.snapshot if age <= self._max_stale else None

    # --- without and with an answer -------------------------------------------------------------------------------

    def _ask(self, upload: Upload, question: dict[str, Any]) -> Decision | None:
        """Freehold's answer, None when it gives none."""
        try:
            decision = self._call(upload, question)
        except FreeholdUnavailable as error:
            self._counters.add("no_answer")
            if error.code == "circuit-open":
                self._counters.add("circuit_open")
            extra = fields("check.no-answer", project=upload.project, code=error.code, error=str(error))
            log.warning("No answer about %s: %s", upload.project, error, extra=extra)
            return None
        self._counters.add("answers")
        self._counters.add("allowed" if decision.allowed else "denied")
        _log(logging.DEBUG if decision.allowed else logging.INFO, decision)
        return decision

    def _call(self, upload: Upload, question: dict[str, Any]) -> Decision:
        deadline = Deadline(self._budget)
        if not self._breaker.may_try(self._budget):
            raise FreeholdUnavailable("circuit-open", "Freehold gave no answer a moment ago.")
        self._counters.add("calls")
        try:
            answer = self._exchange(_body(question), deadline)
        except FreeholdUnavailable as error:
            if error.status is None or error.status >= 500:
                self._breaker.failed()
            raise
        self._breaker.succeeded()  # whatever it says about this one question, it is there
        return _read(answer, upload.project)

    def _exchange(self, body: bytes, deadline: Deadline) -> Response:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        answer = self._transport.request(
            "POST", "/api/v1/uploads/check", deadline=deadline, limit=ANSWER_LIMIT, body=body, headers=headers
        )
        if answer.status != 200:
            raise FreeholdUnavailable("status", f"Freehold answered {answer.status}.", answer.status)
        return answer

    def _without_answer(self, upload: Upload, snapshot: Snapshot | None, covering: list[Grant]) -> Decision:
        if snapshot is None:
            decision = fallback.unknown(upload)
        else:
            now = self._follower.freshness.now()
            decision = fallback.inside(Situation(upload, snapshot, covering, now, self.url))
        allowed = "stale_allowed" if snapshot is None else "snapshot_allowed"
        self._counters.add(allowed if decision.allowed else "unavailable")
        _log(logging.WARNING, decision)
        return decision


def _question(upload: Upload, exists: bool | None, first_uploaded: datetime | None) -> dict[str, Any]:
    """The body of the check. Without ``first_uploaded`` the mirror is asked."""
    who = upload.publisher
    publisher = {"user": who.user, "organization": who.organization, "claims": who.claims}
    given = {key: value for key, value in publisher.items() if value is not None}
    question: dict[str, Any] = {"project": upload.project, "publisher": given or {"user": NOBODY}}
    if first_uploaded is not None:
        question["first_uploaded"] = first_uploaded.isoformat()
    elif exists is False:
        question["first_uploaded"] = None
    return question


def _body(question: dict[str, Any]) -> bytes:
    try:
        return json.dumps(question).encode()
    except (ValueError, TypeError, RecursionError) as error:  # claims that were never JSON
        raise FreeholdUnavailable("question", f"The question can't be put in JSON: {error}", 400) from error


def _read(answer: Response, project: str) -> Decision:
    try:
        return wire.decision(wire.loads(answer.body), project)
    except wire.Malformed as error:
        raise FreeholdUnavailable("protocol", f"Freehold's answer can't be understood: {error}") from error


def _log(level: int, decision: Decision) -> None:
    if log.isEnabledFor(level):
        extra = fields(
            "check.decided",
            project=decision.project,
            allowed=decision.allowed,
            status=decision.status,
            reason=decision.reason,
            namespace=decision.namespace,
            revision=decision.revision,
            source=decision.source,
        )
        log.log(level, "%s: %s", decision.reason, decision.message, extra=extra)
