"""What staff's acts on billing leave in the audit trail: the arguments of each, and its events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from billing.vocabulary import JobState
from orgs.actors import Actor
from tests.billing.operator.rows import alert, call, drift
from tests.billing.standing.rows import company

Row = tuple[Callable[[], dict[str, Any]], list[tuple[str, str]]]
ADMIN = Actor.operator()

ROWS: dict[str, Row] = {
    "settle_alert": (
        lambda: {"actor": ADMIN, "alert": alert(organization=company("acme")), "note": "The price was made by hand."},
        [("alert.settled", "acme")],
    ),
    "settle_drift": (
        lambda: {"actor": ADMIN, "drift": drift(), "note": "They asked for it by mail."},
        [("drift.settled", "")],
    ),
    "retry_call": (lambda: {"actor": ADMIN, "call": call(company("acme"))}, [("call.retried", "acme")]),
    "give_up_call": (
        lambda: {"actor": ADMIN, "call": call(company("acme"), JobState.PENDING), "reason": "Not wanted any more."},
        [("call.given_up", "acme")],
    ),
}
