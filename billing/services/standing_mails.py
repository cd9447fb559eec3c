"""Mails about what is due and what comes of it, to those who may pay for an organization.

Each has a key, so that however often something is judged, nobody is told the same twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.models import User
from accounts.preferences import mail_people
from accounts.topics import Topic
from billing.models import Event, Health, Invoice, Subscription
from billing.money import Money
from billing.pages.plan import held_for
from billing.selectors.buying import live_subscription
from billing.standing import LOCKED, Evidence
from billing.words import spelled
from namespaces.services.held import held_until
from orgs.models import Organization
from orgs.services.notices import people, site_url
from orgs.vocabulary import ROLE_PERMISSIONS, Permission, Role, Standing, State

PAYING_ROLES = tuple(role for role in Role if Permission.MANAGE_BILLING in ROLE_PERMISSIONS[role])
CONFIRM = "invoice.payment_action_required"
"""The event that says that a bank wants its customer to confirm the payment."""


def payers(organization: Organization) -> list[User]:
    """Whom it concerns: those of its people who may pay."""
    return people(organization, role__in=PAYING_ROLES)


def mail_payers(organization: Organization, template: str, key: str, **context: Any) -> None:
    known = {"organization": organization, "url": site_url("organization-plan", organization.name)}
    mail_people(payers(organization), topic=Topic.BILLING, template=template, context=known | context, key=key)


# --- The standing has changed -----------------------------------------------------------------------------------------


def tell_of_change(organization: Organization, health: Health, was: Standing) -> None:
    """Tell of the standing that it has now, if that was another before."""
    if was == health.standing:
        return
    key = f"standing:{organization.pk}:{health.standing}:{health.since:%Y%m%d%H%M%S}"
    if health.standing == Standing.GOOD:
        mail_payers(organization, "billing_good", key)
    elif not has_begun(organization):
        say_it_waits(organization, key, health.until if health.standing == Standing.GRACE else None)
    elif health.standing == Standing.LAPSED:
        mail_payers(organization, "billing_locked", key, until=health.since + LOCKED)
    elif health.evidence == Evidence.PAYMENT_FAILED:
        mail_payers(organization, "billing_payment_failed", key, until=health.until, **about_invoice(organization))
    else:
        had_plan = Subscription.objects.filter(organization=organization).exists()
        mail_payers(organization, "billing_ended", key, until=health.until, had_plan=had_plan)


def has_begun(organization: Organization) -> bool:
    """Whether anything of it was ever in force. A company that was never active has only names that are held for it:
    what it does not pay locks nothing."""
    return organization.state != State.APPLIED


def say_it_waits(organization: Organization, key: str, until: datetime | None) -> None:
    """Of a company that ordered and never paid. ``until`` is how long it may still claim; None: no longer."""
    held = [(grant.name, held_until(grant)) for grant in held_for(organization)]
    is_over = live_subscription(organization) is None
    context = {"until": until, "held": held, "is_over": is_over, **about_invoice(organization)}
    mail_payers(organization, "billing_order_unpaid", key, **context)


def about_invoice(organization: Organization) -> dict[str, Any]:
    """The invoice that waits longest: how much it is, where it is paid, and why it is not paid yet."""
    found = open_invoice(organization)
    if found is None:
        return {"invoice": None, "amount": "", "pay_url": "", "by_invoice": False, "to_confirm": False}
    return {
        "invoice": found,
        "amount": spelled(Money(found.amount_remaining, found.currency)),
        "pay_url": found.hosted_url,
        "by_invoice": found.collection_method == "send_invoice",
        "to_confirm": Event.objects.filter(object_id=found.stripe_id, type=CONFIRM).exists(),
    }


def open_invoice(organization: Organization) -> Invoice | None:
    waiting = Invoice.objects.filter(organization=organization, status="open", amount_remaining__gt=0)
    return waiting.filter(subscription__isnull=False).order_by("created", "pk").first()


# --- A step is near ---------------------------------------------------------------------------------------------------


def step_key(organization: Organization, step: str, at: datetime, days: int) -> str:
    return f"standing:{organization.pk}:{step}:{at:%Y%m%d}:{days}"


def warn_of_step(organization: Organization, step: str, at: datetime, until: datetime, days: int) -> None:
    """Say what comes on which day: ``lock``, ``quarantine`` or ``release``. ``at`` is when the rules have it, ``until``
    when it will be."""
    key = step_key(organization, step, at, days)
    if not has_begun(organization):
        say_it_waits(organization, key, until)
        return
    mail_payers(organization, "billing_step", key, step=step, until=until, **about_invoice(organization))


def tell_of_quarantine(organization: Organization, health: Health, names: list[str]) -> None:
    key = f"standing:{organization.pk}:quarantined:{health.since:%Y%m%d%H%M%S}"
    mail_payers(organization, "billing_quarantined", key, names=names)


def warn_of_end(subscription: Subscription, ends_at: datetime, days: int) -> None:
    """Of a plan that somebody cancelled."""
    key = f"ending:{subscription.stripe_id}:{ends_at:%Y%m%d}:{days}"
    mail_payers(subscription.organization, "billing_ending", key, until=ends_at)


# --- An invoice that can't be made ------------------------------------------------------------------------------------


def tell_of_invoices(organization: Organization) -> None:
    """An invoice that Stripe can't finish, such as for an address that no tax can be worked out for, is never paid:
    those who could put it right are told (scenario 38). Staff is told where it is noticed, by ``syncing``."""
    for invoice in Invoice.objects.filter(organization=organization, status="draft").exclude(last_error=""):
        key = f"invoice-stuck:{invoice.stripe_id}"
        mail_payers(organization, "billing_invoice_stuck", key, why=invoice.last_error)
