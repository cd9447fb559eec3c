"""When a proof is looked at next. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from orgs.vocabulary import ProofKind, ProofState

DAILY = timedelta(days=1)
OFTEN = timedelta(hours=6)
WEEKLY = timedelta(days=7)
PENDING_FOR = timedelta(days=30)
SOONEST, LATEST = timedelta(minutes=2), timedelta(hours=12)
_SPREAD = 0.1  # of the time, so that proofs of one day do not stay together

BY_THEMSELVES = frozenset(ProofKind) - {ProofKind.EMAIL_DOMAIN}
"""Kinds that are looked at without anybody's help: nobody can look into a mailbox."""


def next_check(
    kind: ProofKind, state: ProofState, *, now: datetime, asked_at: datetime, chance: float
) -> datetime | None:
    """``asked_at`` is since when its challenge could be published; ``chance`` is a random number from 0 to 1.

    None: it is not looked at by itself any more. What is pending is looked at every two minutes at first, then less
    and less often.
    """
    if kind not in BY_THEMSELVES:
        return None
    if state is ProofState.PENDING:
        age = now - asked_at
        return None if age >= PENDING_FOR else now + min(max(age / 4, SOONEST), LATEST)
    after = {ProofState.VERIFIED: DAILY, ProofState.FAILING: OFTEN, ProofState.LOST: WEEKLY}[state]
    return now + after * (1 + _SPREAD * (2 * chance - 1))
