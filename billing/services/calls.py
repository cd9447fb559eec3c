"""How each kind of call is made: who owns a kind enters a function for it.

    @makes(CallKind.CANCEL)
    def _cancel(call: Call) -> Result:
        subscription = gateway().cancel(call.key, call.arguments["subscription"])
        return {"subscription": subscription.id}

The function runs outside of any transaction and hands ``call.key`` on as the idempotency key. What it returns is kept
as ``call.result``; a ``subscription`` in it is synced next. It may run again with the same key after it has succeeded,
for the worker may die in between. Its module must be imported in ``BillingConfig.ready``, or the worker knows of none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from billing.models import Call
from billing.vocabulary import CallKind

Result = Mapping[str, Any]
Maker = Callable[[Call], Result]

MAKERS: dict[str, Maker] = {}

ONCE = frozenset(
    {CallKind.OPEN_INVOICED, CallKind.MARK_PAID, CallKind.CREDIT, CallKind.CANCEL_NOW, CallKind.REPORT_USAGE}
)
"""Made twice, these do twice as much, and only their key prevents it. All others say what is to be, and may be said
again under another key."""


class CantBeMade(Exception):
    """A call that makes no sense any more, such as for a subscription that is over; the text says why."""


class NotYet(Exception):
    """A call that must wait for something else, such as a customer that is being made; the text says for what."""


def makes(kind: CallKind) -> Callable[[Maker], Maker]:
    """Enter the function that makes calls of this kind."""

    def enter(maker: Maker) -> Maker:
        MAKERS[kind] = maker
        return maker

    return enter
