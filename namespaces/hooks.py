"""What other apps say about claims: ``namespaces`` knows none of them, so they enter themselves here as they start."""

from __future__ import annotations

from collections.abc import Callable

from accounts.models import User
from namespaces.models import Case, Grant
from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import Kind, State

payment_due: list[Callable[[Organization], bool]] = []
"""Each says whether a further root namespace has to be paid for before it becomes active. Where nobody is asked, it is
due of a company that is not active yet."""

priorities: list[Callable[[Organization], int]] = []
"""Each says how far up the organization's cases stand in the queue; the highest counts, 0 for none."""

objections: list[Callable[[User, Case], str]] = []
"""Each says in one sentence why the reviewer must not decide the case, or nothing. Asked under the case's lock."""

on_released: list[Callable[[Actor, Grant], None]] = []
"""Called in the transaction that opens a namespace to everybody, under its locks."""

on_transferred: list[Callable[[Actor, Grant, Organization], None]] = []
"""Called in the transaction in which a root goes to another organization, under the locks of both."""

on_dropped: list[Callable[[Actor, Case], None]] = []
"""Called in the transaction in which a case ends undecided: withdrawn, or expired for want of an answer."""


def awaits_payment(organization: Organization) -> bool:
    """Whether what is approved now is held until it is paid."""
    if organization.kind == Kind.COMPANY and organization.state == State.APPLIED:
        return True
    return any(asked(organization) for asked in payment_due)


def priority(organization: Organization) -> int:
    return max((asked(organization) for asked in priorities), default=0)


def objection(reviewer: User, case: Case) -> str:
    """Why others know that this reviewer must not decide the case, or empty."""
    return next(filter(None, (asked(reviewer, case) for asked in objections)), "")


prices: list[Callable[[Organization | None], str]] = []
"""Each says in a sentence what one more root namespace costs the organization, or somebody of whom nothing is known
yet; empty where it can't say."""


def price(organization: Organization | None) -> list[str]:
    return [said for asked in prices if (said := asked(organization))]


payment_pages: list[Callable[[Organization, int], str]] = []
"""Each says where the organization pays for so many root namespaces more than it has now, those that are held for it
among what it has; empty where nothing is to be paid."""


def payment_page(organization: Organization, more: int = 0) -> str:
    """Its address, or empty where there is none."""
    return next(filter(None, (asked(organization, more) for asked in payment_pages)), "")
