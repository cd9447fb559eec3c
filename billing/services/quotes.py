"""Buying by invoice: a quote that can be printed and handed on, an order with the buyer's own number, and then an
invoice that is due in thirty days. Nobody's card is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from billing import clock
from billing.models import Allowance, Intent
from billing.selectors.buying import open_intent, use_of
from billing.services import purchase_mails
from billing.services.intents import end_intent, facts, is_given_up, record
from billing.services.outbox import enqueue
from billing.services.purchases import Order, demand_currency, demand_may_buy, person_of, terms_of
from billing.vocabulary import CallKind, IntentState, Method
from freehold.errors import Invalid, NotPermitted
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.models import Organization
from orgs.services.organizations import NotNow, locked_organization
from orgs.vocabulary import Permission

QUOTE_LIFE = timedelta(days=30)
DAYS_UNTIL_DUE = 30
PROVISIONAL = timedelta(days=DAYS_UNTIL_DUE + 14)
"""For how long somebody who ordered may begin before the money is there: until it is due, and the grace after that."""
ADDRESS_FIELDS = ("line1", "line2", "postal_code", "city", "state", "country")
_ORDER_LENGTH, _NAME_LENGTH, _LINE_LENGTH = 30, 200, 200
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """To whom the invoice is made out. ``address`` has Stripe's words."""

    name: str
    email: str
    address: Mapping[str, str]


@transaction.atomic
def request_quote(*, actor: Actor, organization: Organization, order: Order, billed: Billed) -> Intent:
    """A quote at once, good for thirty days: its terms stay what they are, whatever the prices do."""
    organization = locked_organization(organization)
    demand_may_buy(actor, organization)
    demand_currency(organization, order.currency)
    terms, billed = terms_of(order, use_of(organization)), _parsed(billed)
    before = open_intent(organization)
    if before is not None:
        _demand_replaceable(before)
        end_intent(actor, before, IntentState.CANCELLED, _("Another order took its place."))
    now = clock.now()
    intent = Intent.objects.create(
        organization=organization,
        requested_by=person_of(actor),
        method=Method.INVOICE,
        state=IntentState.QUOTED,
        expires_at=now + QUOTE_LIFE,
        billing_name=billed.name,
        billing_email=billed.email,
        billing_address=dict(billed.address),
        **terms.as_fields(),
    )
    intent.number = f"Q-{now:%Y}-{intent.pk:05}"
    intent.save(update_fields=["number"])
    record(actor, "quote.made", intent, after={"number": intent.number, **facts(intent)})
    purchase_mails.tell_quoted(intent)
    return intent


def _demand_replaceable(before: Intent) -> None:
    if before.method == Method.INVOICE and before.state == IntentState.OPEN and not is_given_up(before):
        raise NotNow(_("There is an order already, and its invoice is on the way."))


@transaction.atomic
def accept_with_order(*, actor: Actor, intent: Intent, purchase_order: str, begin_now: bool = False) -> Intent:
    """Order what was quoted. ``purchase_order`` is what the buyer calls it, and stands on every invoice; it may be
    empty. With ``begin_now`` staff is asked to let it begin before the money is there."""
    organization = locked_organization(intent.organization)
    intent = Intent.objects.select_related("plan", "organization").get(pk=intent.pk)
    if not (verdict := can_accept(intent, actor)):
        permitted = may(actor, Permission.MANAGE_BILLING, organization)
        raise (NotNow if permitted else NotPermitted)(verdict.reason)
    demand_may_buy(actor, organization)
    intent.purchase_order = _parsed_order(purchase_order)
    intent.state = IntentState.OPEN
    intent.save(update_fields=["purchase_order", "state"])
    enqueue(
        kind=CallKind.OPEN_INVOICED, organization=organization, topic=str(intent.key), arguments={"intent": intent.pk}
    )
    record(actor, "quote.accepted", intent, after={"number": intent.number, "purchase_order": intent.purchase_order})
    if begin_now:
        ask_to_begin(actor, intent)
    purchase_mails.tell_ordered(intent)
    return intent


def can_accept(intent: Intent, actor: Actor) -> Verdict:
    """Whether the quote can be ordered now."""
    if not (verdict := may(actor, Permission.MANAGE_BILLING, intent.organization)):
        return verdict
    if intent.state == IntentState.QUOTED and intent.expires_at <= clock.now():
        return Verdict(False, _("This quote was good until %(day)s. Ask for a new one.") % {"day": _day(intent)})
    if intent.state != IntentState.QUOTED:
        return Verdict(False, _("This quote was answered already."))
    return ALLOWED


def _day(intent: Intent) -> str:
    return f"{intent.expires_at:%Y-%m-%d}"


def ask_to_begin(actor: Actor, intent: Intent) -> Allowance:
    """Ask staff to let it begin at once. In the transaction of the order, under the lock of its organization."""
    now = clock.now()
    allowance = Allowance.objects.create(
        organization=intent.organization,
        reason=_("Ordered by %(order)s; the wire is on its way.") % {"order": intent.purchase_order or intent.number},
        seats=intent.seats,
        roots=intent.roots,
        since=now,
        until=now + PROVISIONAL,
        intent=intent,
        requested_by=person_of(actor),
    )
    record(actor, "allowance.requested", intent, after={"seats": intent.seats, "roots": intent.roots})
    return allowance


# --- What was typed ---------------------------------------------------------------------------------------------------


def _parsed(billed: Billed) -> Billed:
    """Raises ``Invalid``."""
    name, email = _one_line(billed.name, _NAME_LENGTH), billed.email.strip()
    address = {field: _one_line(billed.address.get(field, ""), _LINE_LENGTH) for field in ADDRESS_FIELDS}
    address["country"] = address["country"].upper()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid(_("Invoices need an e-mail address to go to.")) from error
    if not name or not address["line1"] or not address["city"]:
        raise Invalid(_("An invoice is made out to a name, with a street and a city."))
    if not _COUNTRY.fullmatch(address["country"]):
        raise Invalid(_("Choose the country: the tax depends on it."))
    return Billed(name=name, email=email, address={field: text for field, text in address.items() if text})


def _parsed_order(text: str) -> str:
    """Stripe prints up to thirty characters of it."""
    return _one_line(text, _ORDER_LENGTH)


def _one_line(text: str, longest: int) -> str:
    found = " ".join(text.split())
    if len(found) > longest or not (found.isprintable() or not found):
        raise Invalid(
            _("“%(text)s” is too long: at most %(count)s characters.") % {"text": found[:40], "count": longest}
        )
    return found
