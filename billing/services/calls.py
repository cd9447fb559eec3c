"""How each kind of call is made: who owns a kind enters a function for it.

    @makes(CallKind.CANCEL)
    def _cancel(call: Call) -> Result:
        subscription = gateway().cancel(call.key, call.arguments["subscription"])
        return {"subscription": subscription.id}

The function runs outside of any transaction and hands ``call.key`` on as the idempotency key. What it returns is kept
as ``call.result``; a ``subscription`` in it is synced next. It may run again with the same key after it has succeeded,
for the worker may die in between. What is sent with a key must be the same each time, or the key must say what differs,
for Stripe refuses it else. Its module must be imported in ``BillingConfig.ready``, or the worker knows of none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from billing.models import Call
from billing.vocabulary import CallKind

Result = Mapping[str, Any]
Maker = Callable[[Call], Result]

MAKERS: dict[str, Maker] = {}

ONCE = frozenset({CallKind.OPEN_INVOICED, CallKind.CREDIT, CallKind.CANCEL_NOW, CallKind.REPORT_USAGE})
"""Made twice, these do twice as much: what waits is not replaced, and keeps its key. All others say what is to be, and
may be said again under another key."""

MARKED = frozenset({CallKind.OPEN_INVOICED, CallKind.CANCEL_NOW})
"""Of those, the ones that mark what they make, and look for the mark before they make it: any key will do."""

LOOKING = MARKED | {CallKind.REPORT_USAGE}
"""Of those, the ones that find at Stripe whether they were made, once it has forgotten their key. What is in ``ONCE``
and not here is given up then, for people to look."""

KEY_REMEMBERED = timedelta(hours=23)
"""Stripe remembers keys for a day."""


class CantBeMade(Exception):
    """A call that makes no sense any more, such as for a subscription that is over; the text says why."""


class NotYet(Exception):
    """A call that must wait for something else, such as a customer that is being made; the text says for what."""


def begun(call: Call) -> datetime:
    """When it was tried for the first time, with this key."""
    return datetime.fromisoformat(call.result["begun"])


def is_forgotten(call: Call) -> bool:
    """Whether an earlier attempt may have come through of which Stripe's memory of the key would not tell any more."""
    return call.attempts > 1 and timezone.now() - begun(call) >= KEY_REMEMBERED


def makes(kind: CallKind) -> Callable[[Maker], Maker]:
    """Enter the function that makes calls of this kind."""

    def enter(maker: Maker) -> Maker:
        MAKERS[kind] = maker
        return maker

    return enter
