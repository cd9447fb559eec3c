"""An organization's billing health, decided from what is known of its subscription, of grants by hand, and of the
time (DESIGN section 9). Pure.

It never worsens without positive evidence: what can't be read, or is called by a name that nobody knows, leaves things
as they were. The ladder: ``good``; ``grace`` for fourteen days from the day on which a payment was due; ``lapsed``, and
what is held is locked; sixty days on it goes into quarantine, and 180 days after that staff may confirm its release.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from orgs.vocabulary import Kind, Standing

GRACE = timedelta(days=14)
LOCKED = timedelta(days=60)
QUARANTINE = timedelta(days=180)


class Evidence(StrEnum):
    """On what a standing rests."""

    COMMUNITY = "community"
    BY_HAND = "by hand"
    PAID = "paid"
    NEVER_BOUGHT = "never bought"
    PAYMENT_FAILED = "payment failed"
    ENDED = "ended"
    UNCLEAR = "unclear"


class Step(StrEnum):
    """What has become due of what a lapsed organization holds."""

    NOTHING = "nothing"
    LOCK = "lock"
    QUARANTINE = "quarantine"
    RELEASE = "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The mirror of a subscription, as far as standing depends on it.

    ``status`` is Stripe's word. ``unpaid_since`` is when the oldest payment that is still open was due, by card at its
    first attempt and by invoice at its due date: retries do not move it. ``ended_at`` is when it ended, if it has.
    ``is_promise``: it was ordered, and nothing was ever paid for it, so that it brings nobody back.
    """

    status: str
    unpaid_since: datetime | None = None
    ended_at: datetime | None = None
    is_promise: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """Something granted by staff until a time, which is not in it any more; None for always."""

    since: datetime
    until: datetime | None = None

    def covers(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that a standing depends on. ``before`` is the last one decided, with its ``since``."""

    kind: Kind
    before: Standing
    since: datetime
    subscriptions: Sequence[Subscription] = ()
    by_hand: Sequence[ByHand] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """``since`` is when this standing began, ``until`` when the next step comes, None where none does by itself."""

    standing: Standing
    since: datetime
    until: datetime | None
    evidence: Evidence
    step: Step = Step.NOTHING


_PAID = frozenset({"active", "trialing"})
_FAILING = frozenset({"past_due"})
_ENDED = frozenset({"canceled", "unpaid", "paused"})
_NOT_YET = frozenset({"incomplete", "incomplete_expired"})
"""The first payment was never made: the organization has bought nothing by it."""


def judge(known: Known, now: datetime) -> Judgement:
    """The standing now. What helps is looked for first, so that one good subscription outweighs a dead one."""
    if known.kind is Kind.COMMUNITY:
        return _good(known, now, Evidence.COMMUNITY)
    if any(grant.covers(now) for grant in known.by_hand):
        return _good(known, now, Evidence.BY_HAND)
    statuses = {one.status for one in known.subscriptions if not one.is_promise or one.status not in _PAID | _FAILING}
    is_settled = any(_is_settled(one, now) for one in known.subscriptions)
    if statuses & _PAID:
        return (None if is_settled else _open_payment(known, now)) or _good(known, now, Evidence.PAID)
    if statuses & _FAILING:
        return _open_payment(known, now) or _as_before(known)
    if statuses - _ENDED - _NOT_YET:
        return _as_before(known)
    return _after_the_end(known, now)


def _is_settled(one: Subscription, now: datetime) -> bool:
    """Paid, with nothing overdue: whatever another one owes, this is enough."""
    return one.status in _PAID and not one.is_promise and (one.unpaid_since is None or one.unpaid_since > now)


def _open_payment(known: Known, now: datetime) -> Judgement | None:
    """A subscription that Stripe still calls active may have an invoice overdue."""
    due = [one.unpaid_since for one in known.subscriptions if one.unpaid_since and one.status in _PAID | _FAILING]
    begun = min((since for since in due if since <= now), default=None)
    return None if begun is None else _down_from(begun, now, Evidence.PAYMENT_FAILED)


def _after_the_end(known: Known, now: datetime) -> Judgement:
    """Nothing is paid for any more. The day it ended is the first of the grace, whatever the reason."""
    ends = [one.ended_at or one.unpaid_since for one in known.subscriptions if one.status in _ENDED]
    ends += [grant.until for grant in known.by_hand]
    last = max((end for end in ends if end is not None and end <= now), default=None)
    if last is not None:
        return _down_from(_failed_before(known, last), now, Evidence.ENDED)
    if ends:
        return _as_before(known)
    return _open_payment(known, now) or _good(known, now, Evidence.NEVER_BOUGHT)


def _failed_before(known: Known, ended: datetime) -> datetime:
    """A subscription that ended because its payments failed was in grace from the first of these on."""
    failed = [one.unpaid_since for one in known.subscriptions if one.ended_at == ended and one.unpaid_since]
    return min([ended, *failed])


def _down_from(begun: datetime, now: datetime, evidence: Evidence) -> Judgement:
    lapses = begun + GRACE
    if now < lapses:
        return Judgement(standing=Standing.GRACE, since=begun, until=lapses, evidence=evidence)
    steps = ((lapses + LOCKED + QUARANTINE, Step.RELEASE), (lapses + LOCKED, Step.QUARANTINE), (lapses, Step.LOCK))
    step = next(step for at, step in steps if at <= now)
    until = min((at for at, _ in steps if at > now), default=None)
    return Judgement(standing=Standing.LAPSED, since=lapses, until=until, evidence=evidence, step=step)


def _good(known: Known, now: datetime, evidence: Evidence) -> Judgement:
    since = known.since if known.before is Standing.GOOD else now
    return Judgement(standing=Standing.GOOD, since=since, until=None, evidence=evidence)


def _as_before(known: Known) -> Judgement:
    return Judgement(standing=known.before, since=known.since, until=None, evidence=Evidence.UNCLEAR)
