"""Trouble on the way to Stripe, and what is asked of it meanwhile: what the tests of calls made once stand on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from billing.models import Alert, Call, Intent, Invoice
from billing.money import Money
from billing.sandbox.faults import RequestTrouble
from billing.sandbox.store import Sandbox
from billing.services.quotes import accept_with_order, request_quote
from billing.services.wires import record_wire
from billing.vocabulary import CallKind
from orgs.actors import Actor
from orgs.models import Organization
from tests import factories
from tests.billing.buying.shop import BILLED, order
from tests.billing.world import owner_of

Do = Callable[..., Any]
LOST = [RequestTrouble.TIMEOUT_AFTER, RequestTrouble.ERROR_KEPT]
"""It was done, and nobody heard of it."""
NOTHING = [RequestTrouble.TIMEOUT]
"""Nothing was done, and nobody can tell."""
EVERY = 10
"""More than the attempts that the library makes for one of ours."""


def trouble(sandbox: Sandbox, kind: str, match: str) -> None:
    sandbox.faults.add(kind, match=match, times=EVERY)


def ordered(organization: Organization) -> Intent:
    owner = owner_of(organization)
    quote = request_quote(actor=owner, organization=organization, order=order(), billed=BILLED)
    return accept_with_order(actor=owner, intent=quote, purchase_order="PO-1")


def invoiced(organization: Organization, settle: Do) -> Invoice:
    ordered(organization)
    settle()
    return Invoice.objects.get(organization=organization)


def wired(invoice: Invoice, amount: int) -> Call:
    today = timezone.now().date()
    staff = Actor.staff(factories.reviewer())
    money = Money(amount, invoice.currency)
    record_wire(actor=staff, invoice=invoice, amount=money, reference="B-1", received_on=today)
    return Call.objects.get(kind=CallKind.MARK_PAID)


def the_call(kind: CallKind) -> Call:
    found = Call.objects.get(kind=kind)
    assert found.attempts > 1, "it was tried before"
    return found


def given_up() -> list[str]:
    return list(Alert.objects.filter(key__startswith="call:", settled_at=None).values_list("text", flat=True))
