"""What is due when: renewals, retries, expiries. Whatever is due happens in the order of time, at its own time."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from billing.sandbox.store import Sandbox

Job = Callable[[Sandbox, str], None]
JOBS: dict[str, Job] = {}


def job(name: str) -> Callable[[Job], Job]:
    """Enter what ``sandbox.wake(at, name, id)`` is to do; it first looks whether there is still something to do."""

    def enter(made: Job) -> Job:
        JOBS[name] = made
        return made

    return enter


def catch_up(sandbox: Sandbox) -> None:
    """Do what has become due by the sandbox's own clock."""
    run_until(sandbox, sandbox.clock.now())


def advance(sandbox: Sandbox, to: int) -> None:
    """Put the sandbox's clock forward; events come in order, as if somebody had waited."""
    with sandbox.work():
        run_until(sandbox, to)
        sandbox.clock.put(to)


def run_until(sandbox: Sandbox, to: int, clock: str = "") -> None:
    """Everything of this test clock, or of none, that is due by then."""
    waiting = sandbox.due.setdefault(clock, [])
    while sandbox.moment is None and waiting and waiting[0][0] <= to:
        at, _, name, identifier = heapq.heappop(waiting)
        sandbox.moment = at
        try:
            JOBS[name](sandbox, identifier)
        finally:
            sandbox.moment = None
