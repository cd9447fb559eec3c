"""A company that ordered and never paid: nothing of it was ever in force, so that nothing is locked, and none is told so."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Mail
from billing.models import Invoice, Subscription
from billing.selectors import standings
from billing.services import ladder, purchase_mails, standing_mails
from billing.services.effects import apply
from billing.standing import GRACE, LOCKED, QUARANTINE
from billing.vocabulary import Item
from namespaces.states import GrantState
from orgs.models import Organization
from orgs.vocabulary import Role, Standing, State
from tests import factories
from tests.billing.standing.rows import (
    DAY,
    HOSTED,
    WORKER,
    Clock,
    company,
    invoice,
    paid_for,
    pay,
    standing,
    states,
    subjects,
    subscription,
)
from tests.sessions import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("asked")]
PLAN = "/manage/acme/plan/"
NOT_YET, ENDED = "Acme: your order is not paid yet", "Acme: your order has ended unpaid"


@pytest.fixture
def acme(clock: Clock) -> Organization:
    """It ordered by invoice, which was due just now; a name is held for it."""
    made = company(state=State.APPLIED)
    factories.grant("acme", made, state=GrantState.HELD)
    fields: dict[str, Any] = {
        "collection_method": "send_invoice",
        "unpaid_since": clock.now,
        "period_end": clock.now + DAY,
    }
    ordered = subscription(made, seats=0, roots=1, **fields)
    first: dict[str, Any] = {
        "billing_reason": "subscription_create",
        "collection_method": "send_invoice",
        "due_at": clock.now,
    }
    invoice(ordered, made, **first)
    return made


def shown_to_bea(acme: Organization, page: str = PLAN) -> str:
    """Who signs in only now, so that no session is too old."""
    return signed_in(acme.memberships.get(role=Role.BILLING).user).get(page).content.decode()


def letters() -> list[str]:
    return list(Mail.objects.filter(to__startswith="bea").order_by("pk").values_list("text", flat=True))


def ended(clock: Clock) -> None:
    Subscription.objects.update(status="canceled", ended_at=clock.now, unpaid_since=None)


def test_on_the_whole_way_down_it_is_told_what_is_true(acme: Organization, clock: Clock) -> None:
    lapses = clock.now + 14 * DAY
    for days in (0, 7, 6, 1, 46, 20):
        clock.forward(days)
        ladder.sweep()
    assert (standing(acme), states(acme)) == (Standing.LAPSED, {"acme": GrantState.HELD})
    assert subjects("bea") == [NOT_YET] * 4 == subjects("olga"), "at once, seven days before, one, and when it came"
    *before, last = letters()
    for text in before:
        assert f"Nothing is locked. If no plan is paid by {lapses:%-d %B %Y}, you can claim nothing more" in text
    assert "Nothing is locked, but you can claim nothing more until a plan is paid." in last
    for text in (*before, last):
        assert "The invoice F-1 over US$50.00 was due and is not paid" in text and HOSTED in text
        assert "- acme, held until " in text


@pytest.mark.parametrize(("days", "says"), [(0, "If no plan is paid by"), (15, "but you can claim nothing more")])
def test_its_page_threatens_nothing(acme: Organization, clock: Clock, days: int, says: str) -> None:
    clock.forward(days)
    ladder.sweep()
    shown = shown_to_bea(acme)
    assert "Your order is not paid yet" in shown and "Pay US$50.00 now" in shown
    assert "Nothing is locked" in shown and says in shown
    assert "<code>acme</code> is held for you, and yours within a minute of paying." in shown
    for untrue in ("New projects are stopped", "Everything works as before", "namespaces are locked", "quarantine"):
        assert untrue not in shown


def test_an_order_that_is_over_is_no_plan_that_was_paid_for(acme: Organization, clock: Clock) -> None:
    ended(clock)
    ladder.sweep()
    assert (standing(acme), subjects("bea")) == (Standing.GRACE, [ENDED])
    (text,) = letters()
    assert "was never paid, and the order is over. Nothing is locked." in text
    assert HOSTED not in text, "to pay it would begin nothing"
    shown = shown_to_bea(acme)
    assert "Your order has ended unpaid" in shown and "No plan yet" in shown
    assert "Pay US$50.00 now" not in shown and "The plan has ended" not in shown


def test_once_it_is_paid_it_begins(acme: Organization, clock: Clock) -> None:
    ladder.sweep()
    ordered = acme.subscriptions.get()
    pay(ordered)
    paid_for(ordered, Item.SEAT, 5)
    apply(actor=WORKER, organization=acme)
    assert (standing(acme), states(acme)) == (Standing.GOOD, {"acme": GrantState.ACTIVE})
    assert subjects("bea")[-1] == "Acme: everything is paid" and "your namespaces are in force" in letters()[-1]


def test_where_its_invoice_was_taken_back_nothing_is_said_to_be_paid(acme: Organization, clock: Clock) -> None:
    ladder.sweep()
    Invoice.objects.update(status="void", amount_remaining=0)
    Subscription.objects.update(unpaid_since=None)
    ladder.sweep()
    assert standing(acme) == Standing.GOOD
    assert subjects("bea")[-1] == "Acme: nothing is owed any more" and "has not begun" in letters()[-1]


def test_to_end_the_order_locks_nothing(acme: Organization, clock: Clock) -> None:
    shown = shown_to_bea(acme, f"{PLAN}end/")
    assert "the plan has not begun" in shown and "Nothing is locked by it" in shown
    assert "which is paid" not in shown and "quarantine" not in shown
    purchase_mails.tell_ending(acme, clock.now + 9 * DAY, "olga")
    standing_mails.warn_of_end(acme.subscriptions.get(), clock.now + 7 * DAY, 7)
    for text in letters():
        assert "Nothing is locked; what is held for you waits until a plan is paid." in text
        assert "namespaces are locked" not in text
    assert len(letters()) == 2


def test_who_has_begun_is_warned_of_the_lock(acme: Organization, clock: Clock) -> None:
    """Staff made it active before it paid: what it holds is in force, and is locked."""
    Organization.objects.filter(pk=acme.pk).update(state=State.ACTIVE)
    ladder.sweep()
    clock.forward(7)
    ladder.sweep()
    assert subjects("bea")[0] == "Acme: an invoice is overdue"
    assert "your namespaces are locked on" in subjects("bea")[1]


def test_staff_reads_that_nothing_of_it_is_locked_and_that_none_waits_for_them(
    acme: Organization, clock: Clock
) -> None:
    first = standings.row_of(apply(actor=WORKER, organization=acme) or pytest.fail("it is judged"))
    assert (first.next, first.until) == ("may claim nothing more", clock.now + GRACE)
    clock.now += GRACE + LOCKED + QUARANTINE
    Subscription.objects.update(synced_at=clock.now)
    last = standings.row_of(apply(actor=WORKER, organization=acme) or pytest.fail("it is judged"))
    assert (last.next, last.until, last.waits_for_staff) == ("", None, False)
