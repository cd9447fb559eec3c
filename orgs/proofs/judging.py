"""What follows from a look: the states of a proof as data, and one function that says what comes next. Pure.

A proof is lost only when somebody who must know said "not there" on three different days or more, over two weeks or
more, and its owners were told twice. "Could not be checked" is never one of these (DESIGN section 7, Proofs).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from orgs.proofs.observations import Finding
from orgs.vocabulary import ProofState

PATIENCE = timedelta(days=14)
MISSING_DAYS = 3
HALF_WAY = PATIENCE / 2
NOTICE = timedelta(days=5)  # between the second mail and the loss, at least


class Event(StrEnum):
    """A look, seen with what went before. ``OVERDUE`` is a "not there" that has been said for long enough."""

    FOUND = "found"
    MISSING = "missing"
    OVERDUE = "overdue"
    UNCHECKED = "unchecked"


class Notice(StrEnum):
    """What the owners are told."""

    VERIFIED = "verified"
    FAILING = "failing"
    WARNED = "warned"
    LOST = "lost"
    RECOVERED = "recovered"


TRANSITIONS: dict[tuple[ProofState, Event], ProofState] = {
    (ProofState.PENDING, Event.FOUND): ProofState.VERIFIED,
    (ProofState.PENDING, Event.MISSING): ProofState.PENDING,
    (ProofState.PENDING, Event.OVERDUE): ProofState.PENDING,
    (ProofState.PENDING, Event.UNCHECKED): ProofState.PENDING,
    (ProofState.VERIFIED, Event.FOUND): ProofState.VERIFIED,
    (ProofState.VERIFIED, Event.MISSING): ProofState.FAILING,
    (ProofState.VERIFIED, Event.OVERDUE): ProofState.FAILING,
    (ProofState.VERIFIED, Event.UNCHECKED): ProofState.VERIFIED,
    (ProofState.FAILING, Event.FOUND): ProofState.VERIFIED,
    (ProofState.FAILING, Event.MISSING): ProofState.FAILING,
    (ProofState.FAILING, Event.OVERDUE): ProofState.LOST,
    (ProofState.FAILING, Event.UNCHECKED): ProofState.FAILING,
    (ProofState.LOST, Event.FOUND): ProofState.VERIFIED,
    (ProofState.LOST, Event.MISSING): ProofState.LOST,
    (ProofState.LOST, Event.OVERDUE): ProofState.LOST,
    (ProofState.LOST, Event.UNCHECKED): ProofState.LOST,
}

_NOTICES: dict[tuple[ProofState, ProofState], Notice] = {
    (ProofState.PENDING, ProofState.VERIFIED): Notice.VERIFIED,
    (ProofState.VERIFIED, ProofState.FAILING): Notice.FAILING,
    (ProofState.FAILING, ProofState.VERIFIED): Notice.RECOVERED,
    (ProofState.FAILING, ProofState.LOST): Notice.LOST,
    (ProofState.LOST, ProofState.VERIFIED): Notice.VERIFIED,
}


@dataclass(frozen=True)
class Record:
    """What is remembered between looks. ``missing_days`` are different days on which it was said not to be there,
    ``missed_on`` the last of them.
    """

    state: ProofState
    verified_at: datetime | None = None
    failing_since: datetime | None = None
    warned_at: datetime | None = None
    missing_days: int = 0
    missed_on: date | None = None


def judge(record: Record, finding: Finding, now: datetime) -> tuple[Record, Notice | None]:
    """The record after the look, and what the owners are told because of it."""
    seen = _counted(record, now) if finding is Finding.NOT_FOUND else record
    state = TRANSITIONS[record.state, event_of(seen, finding, now)]
    notice = _NOTICES.get((record.state, state))
    if state is ProofState.VERIFIED:
        return Record(state, record.verified_at if _counts(record.state) else now), notice
    if finding is Finding.NOT_FOUND and state is ProofState.FAILING:
        seen = replace(seen, failing_since=seen.failing_since or now)
        if notice is None and seen.warned_at is None and now - (seen.failing_since or now) >= HALF_WAY:
            seen, notice = replace(seen, warned_at=now), Notice.WARNED
    return replace(seen, state=state), notice


def event_of(record: Record, finding: Finding, now: datetime) -> Event:
    """``record`` counts the look already."""
    if finding is not Finding.NOT_FOUND:
        return Event(finding.value)
    return Event.OVERDUE if _is_overdue(record, now) else Event.MISSING


def loses_at(record: Record) -> datetime | None:
    """When a failing proof is lost at the earliest, as far as can be said now."""
    if record.state is not ProofState.FAILING or record.failing_since is None:
        return None
    warned = record.warned_at or record.failing_since + HALF_WAY
    return max(record.failing_since + PATIENCE, warned + NOTICE)


def _is_overdue(record: Record, now: datetime) -> bool:
    if record.failing_since is None or record.warned_at is None or record.missing_days < MISSING_DAYS:
        return False
    return now - record.failing_since >= PATIENCE and now - record.warned_at >= NOTICE


def _counted(record: Record, now: datetime) -> Record:
    """A day counts once; a clock that was set back counts none."""
    if not _counts(record.state) or (record.missed_on is not None and now.date() <= record.missed_on):
        return record
    return replace(record, missing_days=record.missing_days + 1, missed_on=now.date())


def _counts(state: ProofState) -> bool:
    return state in {ProofState.VERIFIED, ProofState.FAILING}
