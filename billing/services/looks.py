"""Who looks at what: for each type of object at Stripe the function that fetches it and makes ours equal to it.

    @looks_at("refund")
    def sync_refund(stripe_id: str) -> Found | None: ...

It answers with what it found, or None for what is not ours; it raises ``billing.gateway.errors`` where it could not
see. It may run at any time, twice, and for an object of which we never heard. Its module must be imported in
``BillingConfig.ready``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError
from psycopg.errors import LockNotAvailable

from billing.gateway.errors import Unavailable
from billing.services.locks import Lock, lock

Look = Callable[[str], object | None]
SomeLook = TypeVar("SomeLook", bound=Callable[..., object | None])

LOOKS: dict[str, Look] = {}


def looks_at(object_type: str) -> Callable[[SomeLook], SomeLook]:
    """Enter the function that looks at objects of this type; ``object_type`` is Stripe's word."""

    def enter(look: SomeLook) -> SomeLook:
        LOOKS[object_type] = look
        return look

    return enter


def look_at(object_type: str, stripe_id: str) -> object | None:
    """What was found, now equal to Stripe's; None for what is not ours, or of a type at which nobody looks."""
    look = LOOKS.get(object_type)
    return look(stripe_id) if look else None


def wait_for_turn(stripe_id: str) -> None:
    """One at a time looks at an object, until the transaction ends. Whoever waited too long knows nothing of it, as if
    Stripe had been silent."""
    try:
        lock(Lock.OBJECT, stripe_id)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise Unavailable("Somebody else has been asking Stripe about the same for long.") from error
        raise
