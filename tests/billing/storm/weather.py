"""The trouble of a storm: what befalls requests and events, how often, and how often it did."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable

from billing.sandbox.faults import EventTrouble, Fault, Faults, RequestTrouble

REQUESTS: dict[RequestTrouble, float] = {
    RequestTrouble.ERROR: 0.01,
    RequestTrouble.ERROR_AFTER: 0.01,
    RequestTrouble.RATE_LIMIT: 0.005,
    RequestTrouble.TIMEOUT: 0.005,
    RequestTrouble.TIMEOUT_AFTER: 0.01,
}
"""How likely at each request. Of those above the library makes three attempts: so an outage is another matter."""
EVENTS: dict[EventTrouble, float] = {
    EventTrouble.DUPLICATE: 0.05,
    EventTrouble.REORDER: 0.05,
    EventTrouble.DELAY: 0.05,
    EventTrouble.DROP: 0.04,
    EventTrouble.NEVER_MADE: 0.02,
    EventTrouble.BAD_SIGNATURE: 0.02,
    EventTrouble.NO_SIGNATURE: 0.01,
    EventTrouble.SKEWED_CLOCK: 0.01,
    EventTrouble.WRONG_VERSION: 0.02,
    EventTrouble.WRONG_MODE: 0.01,
    EventTrouble.WRONG_ACCOUNT: 0.01,
    EventTrouble.THIN: 0.01,
    EventTrouble.REWRITTEN: 0.01,
    EventTrouble.UNKNOWN_TYPE: 0.01,
}
OUTAGES = (
    RequestTrouble.ERROR,
    RequestTrouble.ERROR_AFTER,
    RequestTrouble.ERROR_KEPT,
    RequestTrouble.TIMEOUT,
    RequestTrouble.TIMEOUT_AFTER,
    RequestTrouble.RATE_LIMIT,
    RequestTrouble.REVOKED_KEY,
)
SECONDS = {EventTrouble.DELAY: 5 * 3600, EventTrouble.SKEWED_CLOCK: 3600}


class Weather(Faults):
    """Faults that are counted when they strike."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.struck: Counter[str] = Counter()
        self.dice = random.Random(f"weather {seed}")

    def _taken(self, kinds: Iterable[str], what: str) -> list[Fault]:
        found = super()._taken(kinds, what)
        self.struck.update(fault.kind for fault in found)
        return found

    def begin(self) -> None:
        for kind, chance in (*REQUESTS.items(), *EVENTS.items()):
            self.add(kind, chance=chance, times=None, seconds=SECONDS.get(kind, 0))  # type: ignore[call-overload]  # of both kinds

    def outage(self) -> None:
        """For a while nothing is answered, or wrongly, or to no purpose."""
        self.add(self.dice.choice(OUTAGES), times=self.dice.randrange(3, 30), match=self.dice.choice(("*", "POST *")))
