"""What the pages show on which a plan is changed."""

from __future__ import annotations

from dataclasses import dataclass

from billing import sums, tiers
from billing.models import Plan
from billing.selectors import buying
from billing.selectors.quantities import Counts, Sheet, period_sum
from billing.sums import When
from billing.tiers import Sum, Terms
from billing.vocabulary import Interval, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A plan and an interval that can be changed to, with what a period then costs before tax."""

    terms: Terms
    interval: Interval
    sum: Sum
    when: When
    is_own: bool

    @property
    def value(self) -> str:
        return f"{self.terms.tier.value}-{self.interval.value}"


def counts_under(found: Sheet, plan: Plan) -> Counts:
    """The same quantities under another plan: all that it includes, and nobody pays for what is included there. What
    was included so far and is not in use is not taken along."""
    roots = found.next.roots if found.next.roots > found.included else found.used.roots
    return Counts(found.next.seats, max(plan.roots_included, roots))


def options(found: Sheet) -> list[Option]:
    """Every tier that is sold, by the month and by the year; the own one at its own prices."""
    own = found.subscription.plan
    if own is None or not found.subscription.interval:
        return []
    plans = [own if plan.tier == own.tier else plan for plan in buying.plans_sold()]
    made = [_option(found, own, plan, interval) for plan in plans for interval in Interval]
    return [option for option in made if option is not None]


def _option(found: Sheet, own: Plan, plan: Plan, interval: Interval) -> Option | None:
    """None where it is not sold in this currency."""
    costs = period_sum(plan, found.subscription, counts_under(found, plan), interval)
    if costs is None:
        return None
    before = (Tier(own.tier), Interval(found.subscription.interval))
    after = (Tier(plan.tier), interval)
    return Option(
        terms=tiers.terms_of(after[0]),
        interval=interval,
        sum=costs,
        when=sums.when(before=before, after=after),
        is_own=before == after,
    )
