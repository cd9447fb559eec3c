"""What Freehold writes about buying and ending a plan (see ``scenes``)."""

from __future__ import annotations

from billing.models import Allowance, Call, Intent, Plan
from billing.money import Money
from billing.selectors.quantities import Counts
from billing.services import purchase_mails
from billing.vocabulary import CallKind, Interval, Method, Tier
from orgs.models import Organization
from orgs.vocabulary import State
from tests.billing.buying.rows import intent, sold
from tests.notices.billing_scenes import owed, paying
from tests.notices.scenes import DAY, NOW, scene


def buying(method: Method = Method.CARD, **fields: object) -> Intent:
    """Acme buys, by Ann."""
    sold()
    organization = paying()
    Organization.objects.filter(pk=organization.pk).update(state=State.APPLIED)
    known = {"number": "Q-2026-00042"} if method is Method.INVOICE else {}
    return intent(organization, method, created_at=NOW, expires_at=NOW + 30 * DAY, **known | fields)


@scene("plan_bought.paid")
def bought() -> None:
    purchase_mails.tell_bought(buying(), is_paid=True)


@scene("plan_bought.on_its_way")
def on_its_way() -> None:
    purchase_mails.tell_bought(buying(interval="year", currency="jpy", seats=3), is_paid=False)


@scene("plan_bought_twice")
def bought_twice() -> None:
    purchase_mails.tell_bought_twice(buying())


@scene("plan_quoted")
def quoted() -> None:
    purchase_mails.tell_quoted(buying(Method.INVOICE, seats=12, roots=3))


@scene("plan_ordered")
def ordered() -> None:
    purchase_mails.tell_ordered(buying(Method.INVOICE, purchase_order="PO-4711"))


@scene("plan_stuck")
def stuck() -> None:
    purchase_mails.tell_stuck(buying(Method.INVOICE))


def asked() -> Allowance:
    ordered = buying(Method.INVOICE, purchase_order="PO-4711")
    return Allowance.objects.create(
        organization=ordered.organization,
        intent=ordered,
        reason="The wire is on its way.",
        seats=2,
        roots=1,
        until=NOW + 44 * DAY,
        requested_by=ordered.requested_by,
    )


@scene("plan_allowed")
def allowed() -> None:
    purchase_mails.tell_allowed(asked())


@scene("plan_not_allowed")
def not_allowed() -> None:
    purchase_mails.tell_not_allowed(asked(), "We could not find your company\nin any register.")


@scene("plan_wired.whole")
def wired() -> None:
    _wired(5000)


@scene("plan_wired.short")
def wired_short() -> None:
    _wired(4985, missing=Money(15, "usd"))


@scene("plan_wired.over")
def wired_over() -> None:
    _wired(5500, over=Money(500, "usd"))


def _wired(amount: int, missing: Money | None = None, over: Money | None = None) -> None:
    invoice = owed(paying(), "send_invoice")
    money = Money(amount, "usd")
    purchase_mails.tell_wired(invoice, money, received_on=NOW.date(), missing=missing, over=over)


@scene("plan_ending")
def ending() -> None:
    purchase_mails.tell_ending(paying(), NOW + 20 * DAY, "ann@example.com")


@scene("plan_ending.not_begun")
def order_ending() -> None:
    purchase_mails.tell_ending(paying(State.APPLIED), NOW + 20 * DAY, "ann@example.com")


@scene("plan_going_on")
def going_on() -> None:
    purchase_mails.tell_going_on(paying(), "ann@example.com")


@scene("plan_not_changed.month")
def not_changed() -> None:
    _not_changed(Interval.MONTH)


@scene("plan_not_changed.year")
def not_changed_by_year() -> None:
    _not_changed(Interval.YEAR)


def _not_changed(interval: Interval) -> None:
    sold()
    call = Call.objects.create(kind=CallKind.CHANGE_PLAN, organization=paying())
    purchase_mails.tell_not_changed(call, Plan.objects.get(tier=Tier.TEAM), interval)


@scene("plan_not_increased")
def not_increased() -> None:
    sold()
    purchase_mails.tell_not_increased(paying(), Counts(5, 2), Counts(3, 1))
