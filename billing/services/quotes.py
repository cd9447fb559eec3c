"""Buying by invoice: a quote that can be printed and handed on, an order with the buyer's own number, and then an
invoice that is due in thirty days. Nobody's card is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from billing import clock, tax_ids
from billing.gateway.errors import GatewayError, Refused
from billing.models import Allowance, Intent
from billing.money import Money
from billing.selectors.buying import is_given_up, open_intent, use_of
from billing.selectors.previews import tax_of_new
from billing.services import purchase_mails
from billing.services.checkout import lines_of
from billing.services.intents import end_intent, facts, record
from billing.services.outbox import enqueue
from billing.services.purchases import Order, Terms, demand_currency, demand_may_buy, person_of, terms_of
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
WITH_STATES = frozenset({"US", "CA"})
_ORDER_LENGTH, _NAME_LENGTH, _LINE_LENGTH = 30, 200, 200
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """To whom the invoice is made out. ``address`` has Stripe's words; ``tax_id`` is empty for none."""

    name: str
    email: str
    address: Mapping[str, str]
    tax_id: str = ""


def request_quote(*, actor: Actor, organization: Organization, order: Order, billed: Billed) -> Intent:
    """A quote at once, good for thirty days: its terms stay what they are, whatever the prices do.

    Stripe is asked for the tax before anything is locked. Where it does not answer, the quote says that it comes with
    the invoice.
    """
    demand_may_buy(actor, organization)
    terms, billed = terms_of(order, use_of(organization)), _parsed(billed)
    return _made(actor, organization, order, billed, _tax(terms, billed))


@transaction.atomic
def _made(actor: Actor, organization: Organization, order: Order, billed: Billed, tax: Money | None) -> Intent:
    organization = locked_organization(organization)
    demand_may_buy(actor, organization)
    demand_currency(organization, order.currency)
    terms = terms_of(order, use_of(organization))
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
        tax_id=billed.tax_id,
        tax=None if tax is None else tax.amount,
        **terms.as_fields(),
    )
    intent.number = f"Q-{now:%Y}-{intent.pk:05}"
    intent.save(update_fields=["number"])
    record(actor, "quote.made", intent, after={"number": intent.number, **facts(intent)})
    purchase_mails.tell_quoted(intent)
    return intent


def _tax(terms: Terms, billed: Billed) -> Money | None:
    """None where Stripe can't say it now, or is not to reckon it."""
    if not settings.FREEHOLD_STRIPE.automatic_tax:
        return None
    try:
        lines = lines_of(Intent(method=Method.INVOICE, **terms.as_fields()))
        return tax_of_new(lines, terms.order.currency, billed.address, billed.tax_id)
    except Refused as error:
        _raise_what_can_be_mended(error, billed)
        return None
    except GatewayError:
        return None


def _raise_what_can_be_mended(error: Refused, billed: Billed) -> None:
    """Now, by the buyer: else the order would be refused when the quote has been through everybody's hands."""
    if error.code in {"tax_id_invalid", "invalid_tax_id"}:
        text = _("“%(number)s” is no tax number of a company there. Correct it, or leave it out.")
        raise Invalid(text % {"number": billed.tax_id}) from error
    if error.code == "customer_tax_location_invalid":
        raise Invalid(_("The tax can’t be told from this address. Give the postal code, and the state.")) from error


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


def tell_of_stuck_orders() -> None:
    """Whoever waits for an invoice of which Stripe made nothing is told, once: they can order again."""
    waiting = Intent.objects.filter(state=IntentState.OPEN, method=Method.INVOICE)
    for intent in waiting.select_related("plan", "organization", "requested_by").order_by("pk"):
        if is_given_up(intent):
            purchase_mails.tell_stuck(intent)


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
    if address["country"] in WITH_STATES and not (address["state"] and address["postal_code"]):
        raise Invalid(_("In the United States and Canada the tax depends on the state and the postal code: give both."))
    try:
        tax_id = tax_ids.parse(address["country"], billed.tax_id)
    except ValueError as error:
        raise Invalid(_("A tax number has letters and digits, such as DE123456789.")) from error
    told = {field: text for field, text in address.items() if text}
    return Billed(name=name, email=email, address=told, tax_id=tax_id)


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
