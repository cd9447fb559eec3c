"""Room for one more root namespace, where each has to be paid for (``namespaces.hooks.payment_due``).

What is approved is held until it is paid. What is enforced already can't be: nobody would be kept out of it meanwhile.
So what is offered stays with who offers it, and what is in quarantine stays there, until its new place is paid.
"""

from __future__ import annotations

from dataclasses import dataclass

from namespaces.errors import NoRoom
from namespaces.hooks import awaits_payment, payment_page, price
from orgs.actors import ALLOWED, Actor, Verdict
from orgs.models import Organization


def has_room(organization: Organization, actor: Actor) -> Verdict:
    """Whether it may have a further root at once. Staff is not asked for money: it is told of what is not paid for."""
    if actor.is_operator or not awaits_payment(organization):
        return ALLOWED
    return Verdict(
        False,
        f"All the namespaces that {organization.name!r} pays for are in use. Pay for one more first; "
        "until then this one stays as it is.",
    )


@dataclass(frozen=True)
class Due:
    """What one more costs, in sentences, and where it is paid; empty where that can't be told."""

    prices: list[str]
    url: str


def due_before(verdict: Verdict, organization: Organization, actor: Actor) -> Due | None:
    """What is to be paid, where that is all that stands in the way of what the ``verdict`` is about."""
    if verdict or verdict != has_room(organization, actor):
        return None
    return Due(price(organization), payment_page(organization, 1))


def demand_room(organization: Organization, actor: Actor) -> None:
    """For whoever has locked the organization; raises ``NoRoom``."""
    if not (verdict := has_room(organization, actor)):
        raise NoRoom(verdict.reason)
