"""Real transactions beside each other: threads with connections of their own, and a look at who waits for whom."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection, transaction

from freehold.errors import DomainError

PATIENCE = 10  # seconds


@contextmanager
def another_connection() -> Iterator[psycopg.Connection[Any]]:
    parameters = connection.get_connection_params()
    for ours in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(ours, None)
    other = psycopg.connect(**parameters)
    try:
        yield other
    finally:
        other.close()


def blockers(pid: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_blocking_pids(%s)", [pid])
        return list(cursor.fetchone()[0])


def wait_until_blocked(pid: int, by: int, seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while by not in blockers(pid):
        assert time.monotonic() < end, f"{pid} does not wait for {by}"
        time.sleep(0.002)


class Contender(threading.Thread):
    """A transaction of its own that does something, and says when it is done but not committed yet.

    ``outcome`` is "done", the code of the refusal, or what it crashed with. Without ``may_commit`` it isn't held back.
    """

    def __init__(self, act: Callable[[], object], may_commit: threading.Event | None = None) -> None:
        super().__init__(daemon=True)
        self.act, self.may_commit = act, may_commit
        self.pid = 0
        self.connected, self.has_acted = threading.Event(), threading.Event()
        self.outcome = "unfinished"

    def run(self) -> None:
        try:
            connection.ensure_connection()
            self.pid = connection.connection.info.backend_pid
            self.connected.set()
            with transaction.atomic():
                self.act()
                self.has_acted.set()
                if self.may_commit is not None:
                    self.may_commit.wait(PATIENCE)
            self.outcome = "done"
        except DomainError as refusal:
            self.outcome = refusal.code
        except Exception as error:
            self.outcome = f"{type(error).__name__}: {error}"
        finally:
            self.connected.set()
            self.has_acted.set()
            connection.close()


def all_at_once(*acts: Callable[[], object]) -> list[str]:
    """Do them at the same moment, none held back; their outcomes, in order."""
    crowd = [Contender(act) for act in acts]
    for contender in crowd:
        contender.start()
    for contender in crowd:
        contender.join(2 * PATIENCE)
    return [contender.outcome for contender in crowd]


def one_behind_the_other(first: Callable[[], object], second: Callable[[], object]) -> tuple[str, str]:
    """``second`` begins when ``first`` is done but has not committed, and is seen waiting for it; their outcomes."""
    go = threading.Event()
    leader, follower = Contender(first, go), Contender(second)
    leader.start()
    leader.has_acted.wait(PATIENCE)
    follower.start()
    follower.connected.wait(PATIENCE)
    try:
        wait_until_blocked(follower.pid, by=leader.pid)
    finally:
        go.set()
        leader.join(PATIENCE)
        follower.join(2 * PATIENCE)
    return leader.outcome, follower.outcome
