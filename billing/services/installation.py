"""To which account of Stripe's this database belongs, and in which mode: written down once, and asked before anything
is sold. A staging copy of production's database, or production's key in staging, refuses to start."""

from __future__ import annotations

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from billing.gateway.calls import gateway
from billing.gateway.objects import AccountObject
from billing.models import Installation
from freehold.errors import DomainError, NotPermitted
from orgs import audit
from orgs.actors import Actor

WRONG = "billing.E001"
_ADOPT = "If this is meant, run billing_doctor --adopt: what was bought there stays as it was known last."


class WrongInstallation(DomainError):
    """The keys and the database are not of one installation."""

    code = "wrong-installation"


def mismatch(row: Installation | None, account: str, *, livemode: bool) -> str:
    """In one sentence what does not go together, or nothing. An empty ``account`` is any. Pure."""
    if row is None:
        return ""
    if row.livemode != livemode:
        mine, theirs = ("live", "test") if row.livemode else ("test", "live")
        return f"This database is of {mine} mode ({row.account}), and the key is of {theirs} mode."
    if account and row.account != account:
        return f"This database belongs to Stripe's account {row.account}, and not to {account}."
    return ""


def known_mismatch() -> str:
    """By what is written down and set, without asking Stripe."""
    return mismatch(
        Installation.objects.first(), settings.FREEHOLD_STRIPE.account, livemode=settings.FREEHOLD_STRIPE.livemode
    )


@transaction.atomic
def ensure_installation(*, actor: Actor) -> Installation:
    """Ask Stripe whose key it is, and write that down the first time; raises ``WrongInstallation``."""
    _demand_operator(actor)
    account = gateway().account()
    row = Installation.objects.select_for_update().first()
    wanted = settings.FREEHOLD_STRIPE.account
    if wanted and wanted != account.id:
        raise WrongInstallation(f"STRIPE_ACCOUNT is {wanted}, and the key belongs to {account.id}.")
    if reason := mismatch(row, account.id, livemode=settings.FREEHOLD_STRIPE.livemode):
        raise WrongInstallation(f"{reason} {_ADOPT}")
    return row or _write(actor, account, None)


@transaction.atomic
def adopt_installation(*, actor: Actor) -> Installation:
    """From now on the database belongs to the account of the key that is set, whatever it belonged to."""
    _demand_operator(actor)
    account = gateway().account()
    return _write(actor, account, Installation.objects.select_for_update().first())


def _write(actor: Actor, account: AccountObject, before: Installation | None) -> Installation:
    was = {"account": before.account, "livemode": before.livemode} if before else None
    row = before or Installation(pk=1)
    row.account, row.livemode, row.recorded_at = account.id, settings.FREEHOLD_STRIPE.livemode, timezone.now()
    row.save()
    told = {"account": row.account, "livemode": row.livemode}
    audit.record(actor, "installation.recorded", f"account {row.account}", before=was, after=told)
    return row


def _demand_operator(actor: Actor) -> None:
    if not actor.is_operator:
        raise NotPermitted("Which account of Stripe's it is, is the operator's to say.")


@checks.register(checks.Tags.security, checks.Tags.urls)
def check_installation(**options: object) -> list[checks.CheckMessage]:
    """A system check, of those that a web server runs too, so that neither it nor a worker nor a command starts. A
    database that is away, or has no tables yet, is no evidence of anything."""
    if not settings.FREEHOLD_STRIPE.enabled:
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('billing_installation') IS NOT NULL")
            has_table = cursor.fetchone() == (True,)
        reason = known_mismatch() if has_table else ""
    except DatabaseError:
        return []
    finally:
        if not connection.in_atomic_block:
            connection.close()  # of the thread that starts a server, which never asks again
    return [checks.Error(reason, hint=_ADOPT, id=WRONG)] if reason else []
