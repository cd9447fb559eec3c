"""How long decisions take, who decides them and what comes out: what the public is told of the desk.

Times run from the filing to the decision, or from the appeal where the decision is on one; the time in which an answer
was awaited counts, for it is what applicants wait. A decision that was undone counts nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from namespaces.cases import OPEN, CaseKind, CaseState, DecisionOutcome

WINDOW = timedelta(days=90)
MONTHS, WEEKS = 12, 13
KEPT_SECONDS = 60
"""As long as caches outside keep the page, so that no visitor can make the database count more often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How many decisions, and the seconds that half of them and nine in ten of them took at most; null for none."""

    decisions: int = 0
    median_seconds: float | None = None
    ninetieth_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Claims and applications that were decided in some time, all of them and by whom."""

    all: Times = Times()
    by_machine: Times = Times()
    by_people: Times = Times()

    @property
    def machine_share(self) -> float | None:
        """From 0 to 1; null where nothing was decided."""
        return self.by_machine.decisions / self.all.decisions if self.all.decisions else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    month: date
    decided: Decided


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What is open now. ``waiting`` and ``for_a_second`` are for reviewers to decide, ``asked`` waits for an answer."""

    waiting: int = 0
    for_a_second: int = 0
    asked: int = 0
    oldest: datetime | None = None

    @property
    def length(self) -> int:
        return self.waiting + self.for_a_second


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """How many cases were open at a moment."""

    at: datetime
    open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What became of the cases of one kind that were decided."""

    kind: CaseKind
    approved_by_machine: int = 0
    approved_by_people: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeals:
    """Refusals that were appealed against, by what has come of the appeal."""

    filed: int = 0
    approved: int = 0
    refused: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """``decided`` and ``outcomes`` are of the last 90 days, ``months`` and ``appeals`` of the last twelve months."""

    at: datetime
    decided: Decided
    months: tuple[Month, ...]
    queue: Queue
    weeks: tuple[Week, ...]
    outcomes: tuple[Outcomes, ...]
    appeals: Appeals
    open_disputes: int

    @property
    def has_decided(self) -> bool:
        """Whether anything was decided in all the time that is shown."""
        return any(each.decided.all.decisions for each in self.months) or self.appeals.filed > 0

    def as_json(self) -> dict[str, Any]:
        shown = asdict(self)
        return shown | {
            "decided": _with_share(self.decided),
            "months": [{"month": f"{each.month:%Y-%m}", **_with_share(each.decided)} for each in self.months],
            "queue": {**shown["queue"], "length": self.queue.length},
        }


def _with_share(decided: Decided) -> dict[str, Any]:
    return asdict(decided) | {"machine_share": decided.machine_share}


def statistics() -> Statistics:
    """As they stand, a minute old at most."""
    found = cache.get_or_set("review.statistics", gather, KEPT_SECONDS)
    assert isinstance(found, Statistics)
    return found


def gather() -> Statistics:
    now = timezone.now().astimezone(UTC)
    window, months = now - WINDOW, _first_month(now)
    return Statistics(
        at=now,
        decided=_decided(window),
        months=tuple(_months(months)),
        queue=_queue(),
        weeks=tuple(_weeks(now)),
        outcomes=tuple(_outcomes(window)),
        appeals=_appeals(months),
        open_disputes=_open_disputes(),
    )


def _first_month(now: datetime) -> datetime:
    """The first instant of the earliest of the months that are shown, the present one among them."""
    back = now.year * 12 + now.month - MONTHS
    return datetime(back // 12, back % 12 + 1, 1, tzinfo=UTC)


# --- Time to decision -------------------------------------------------------------------------------------------------

# Disputes have their own pace: both sides are heard first.
_DECIDED = """
SELECT d.effective_at, d.by_machine, extract(epoch FROM d.effective_at -
         CASE WHEN c.appealed_at < d.effective_at THEN c.appealed_at ELSE c.filed_at END)::float AS seconds
  FROM namespaces_casedecision d JOIN namespaces_case c ON c.id = d.case_id
 WHERE d.effective_at >= %(since)s AND d.state IN ('effective', 'appealed') AND c.kind <> 'dispute'
"""
_TIMES = "count(*), percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY seconds)"
_OF_WINDOW = f"""
WITH decided AS ({_DECIDED})
SELECT by_machine, {_TIMES} FROM decided GROUP BY GROUPING SETS ((by_machine), ())
"""  # noqa: S608 -- its parts are constants
_OF_MONTHS = f"""
WITH decided AS ({_DECIDED}), monthly AS (
  SELECT date_trunc('month', effective_at, 'UTC')::date AS month, by_machine, seconds FROM decided
)
SELECT month, by_machine, {_TIMES} FROM monthly GROUP BY GROUPING SETS ((month, by_machine), (month))
"""  # noqa: S608 -- as above
_PARTS = {None: "all", True: "by_machine", False: "by_people"}


def _decided(since: datetime) -> Decided:
    return Decided(**{_PARTS[by]: _times(*row) for by, *row in _rows(_OF_WINDOW, since=since)})


def _times(count: int, seconds: list[float] | None) -> Times:
    if not seconds:
        return Times()
    return Times(decisions=count, median_seconds=round(seconds[0], 3), ninetieth_seconds=round(seconds[1], 3))


def _months(since: datetime) -> Iterator[Month]:
    """Every month, also one in which nothing was decided."""
    found: dict[date, dict[str, Times]] = {}
    for month, by, *row in _rows(_OF_MONTHS, since=since):
        found.setdefault(month, {})[_PARTS[by]] = _times(*row)
    for number in range(since.month - 1, since.month - 1 + MONTHS):
        month = date(since.year + number // 12, number % 12 + 1, 1)
        yield Month(month=month, decided=Decided(**found.get(month, {})))


# --- The queue --------------------------------------------------------------------------------------------------------

_QUEUE = """
SELECT state, count(*), min(waiting_since) FROM namespaces_case
 WHERE state IN ('waiting', 'asked', 'proposed') GROUP BY state
"""
# A case is open from an entry that opens it to the next that opens or closes it. Only cases that were open at some
# time since then are looked at.
_WEEKS = """
WITH turns AS (
  SELECT e.kind, e.at, lead(e.at) OVER (PARTITION BY e.case_id ORDER BY e.at, e.id) AS until
    FROM namespaces_case c JOIN namespaces_caseentry e ON e.case_id = c.id
   WHERE (c.state IN ('waiting', 'asked', 'proposed') OR c.decided_at >= %(since)s)
     AND e.kind IN ('filed', 'appealed', 'undone', 'reopened', 'approved', 'refused', 'settled', 'withdrawn', 'expired')
), opened AS MATERIALIZED (
  SELECT at, until FROM turns WHERE kind IN ('filed', 'appealed', 'undone', 'reopened')
     AND (until IS NULL OR until >= %(since)s)
)
SELECT week, (SELECT count(*) FROM opened WHERE at <= week AND (until IS NULL OR until > week))
  FROM unnest(%(weeks)s::timestamptz[]) AS week ORDER BY week
"""


def _queue() -> Queue:
    found = {state: (count, oldest) for state, count, oldest in _rows(_QUEUE)}
    counts = {state: found.get(state, (0, None))[0] for state in OPEN}
    queued = [oldest for state, (_, oldest) in found.items() if state != CaseState.ASKED]
    return Queue(
        waiting=counts[CaseState.WAITING],
        for_a_second=counts[CaseState.PROPOSED],
        asked=counts[CaseState.ASKED],
        oldest=min(queued, default=None),
    )


def _weeks(now: datetime) -> Iterator[Week]:
    """A week apart, up to now."""
    weeks = [now - timedelta(weeks=back) for back in reversed(range(WEEKS))]
    for at, count in _rows(_WEEKS, since=weeks[0], weeks=weeks):
        yield Week(at=at, open=count)


# --- What came out ----------------------------------------------------------------------------------------------------

_OUTCOMES = """
SELECT c.kind, d.outcome, d.by_machine, count(*)
  FROM namespaces_casedecision d JOIN namespaces_case c ON c.id = d.case_id
 WHERE d.effective_at >= %(since)s AND d.state IN ('effective', 'appealed') GROUP BY 1, 2, 3
"""
_APPEALS = """
SELECT count(*), count(*) FILTER (WHERE state IN ('approved', 'expired')),
       count(*) FILTER (WHERE state = 'refused'),
       count(*) FILTER (WHERE state IN ('waiting', 'asked', 'proposed'))
  FROM namespaces_case WHERE appealed_at >= %(since)s
"""
_OPEN_DISPUTES = """
SELECT count(*) FROM namespaces_case WHERE kind = 'dispute' AND state IN ('waiting', 'asked', 'proposed')
"""


def _outcomes(since: datetime) -> Iterator[Outcomes]:
    found = {(kind, outcome, by): count for kind, outcome, by, count in _rows(_OUTCOMES, since=since)}
    for kind in CaseKind:
        yield Outcomes(
            kind=kind,
            approved_by_machine=found.get((kind, DecisionOutcome.APPROVE, True), 0),
            approved_by_people=found.get((kind, DecisionOutcome.APPROVE, False), 0),
            refused=found.get((kind, DecisionOutcome.REFUSE, False), 0),
        )


def _appeals(since: datetime) -> Appeals:
    ((filed, approved, refused, still_open),) = _rows(_APPEALS, since=since)
    return Appeals(filed=filed, approved=approved, refused=refused, open=still_open)


def _open_disputes() -> int:
    ((count,),) = _rows(_OPEN_DISPUTES)
    return int(count)


def _rows(statement: str, **asked: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return list(cursor.fetchall())
