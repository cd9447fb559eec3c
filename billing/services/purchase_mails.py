"""Mail about buying and ending a plan, to everybody of the organization who may see to its billing.

What a mail says stands in ``templates/mail/``.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from billing import tiers
from billing.models import Allowance, Call, Intent, Invoice, Plan
from billing.money import Money
from billing.selectors.buying import sum_of
from billing.selectors.quantities import Counts
from billing.services.standing_mails import mail_payers
from billing.vocabulary import Interval, Tier
from orgs.models import Organization
from orgs.services.notices import site_url


def tell_bought(intent: Intent, *, is_paid: bool) -> None:
    """Not ``is_paid``: a bank is still at it."""
    mail_payers(intent.organization, "plan_bought", f"billing:bought:{intent.pk}", **_about(intent), is_paid=is_paid)


def tell_bought_twice(intent: Intent) -> None:
    mail_payers(intent.organization, "plan_bought_twice", f"billing:bought-twice:{intent.pk}", **_about(intent))


def tell_quoted(intent: Intent) -> None:
    """With the quote's address, which may be handed on to whoever signs orders."""
    url = site_url("organization-plan-quote", intent.organization.name, intent.number)
    mail_payers(intent.organization, "plan_quoted", f"billing:quoted:{intent.pk}", **_about(intent), page=url)


def tell_ordered(intent: Intent) -> None:
    """That the order was received, and an invoice comes."""
    mail_payers(intent.organization, "plan_ordered", f"billing:ordered:{intent.pk}", **_about(intent))


def tell_stuck(intent: Intent) -> None:
    """That Stripe did not take the order, once."""
    mail_payers(intent.organization, "plan_stuck", f"billing:stuck:{intent.pk}", **_about(intent))


def tell_allowed(allowance: Allowance) -> None:
    """That it may begin before the money is there."""
    context = {"allowance": allowance, "intent": allowance.intent}
    mail_payers(allowance.organization, "plan_allowed", f"billing:allowed:{allowance.pk}", **context)


def tell_not_allowed(allowance: Allowance, reason: str) -> None:
    context = {"allowance": allowance, "reason": reason}
    mail_payers(allowance.organization, "plan_not_allowed", f"billing:not-allowed:{allowance.pk}", **context)


def tell_wired(
    invoice: Invoice, amount: Money, *, received_on: date, missing: Money | None, over: Money | None
) -> None:
    """What came, and what is missing or too much of it."""
    context = {"invoice": invoice, "amount": amount, "received_on": received_on, "missing": missing, "over": over}
    mail_payers(invoice.organization, "plan_wired", "", **context)


def tell_ending(organization: Organization, ends_at: datetime, by: str) -> None:
    mail_payers(organization, "plan_ending", "", ends_at=ends_at, by=by)


def tell_going_on(organization: Organization, by: str) -> None:
    mail_payers(organization, "plan_going_on", "", by=by)


def tell_not_changed(call: Call, plan: Plan, interval: Interval) -> None:
    """That a change was dropped which Stripe heard of too late, so that they choose again; once for each call."""
    context = {"plan": tiers.terms_of(Tier(plan.tier)).label, "interval": interval.value}
    url = site_url("organization-plan-change", call.organization.name)
    mail_payers(call.organization, "plan_not_changed", f"billing:not-changed:{call.pk}", **context, page=url)


def tell_not_increased(organization: Organization, asked: Counts, billed: Counts) -> None:
    """That more was asked for and is not wanted any more, for it was not paid."""
    url = site_url("organization-plan-quantities", organization.name)
    mail_payers(organization, "plan_not_increased", "", asked=asked, billed=billed, page=url)


def _about(intent: Intent) -> dict[str, Any]:
    total = sum_of(intent).total
    return {"intent": intent, "plan": tiers.terms_of(Tier(intent.plan.tier)).label, "total": total}
