"""Money that came to the bank: recorded by staff against the invoice that it pays.

An invoice counts as paid once as much came as it asks for. A little less may be taken as enough; a little more is the
customer's, and staff is told. Stripe is told by a worker, and what it says then is what counts.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from billing import clock
from billing.bookkeeping import Account, Posting
from billing.models import Invoice, Wire
from billing.money import Money, total
from billing.services import purchase_mails
from billing.services.alerts import raise_alert
from billing.services.entries import Draft, balance, is_written, lock_subject, write
from billing.services.impartial import is_impartial
from billing.services.outbox import enqueue
from billing.vocabulary import CallKind
from freehold.errors import Invalid, NotPermitted
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict
from orgs.services.organizations import NotNow, locked_organization

_REFERENCE_LENGTH = 100


@transaction.atomic
def record_wire(
    *, actor: Actor, invoice: Invoice, amount: Money, reference: str, received_on: date, is_enough: bool = False
) -> Wire:
    """``is_enough``: what is missing is let go, such as what a bank kept for itself."""
    locked_organization(invoice.organization)
    invoice = Invoice.objects.select_for_update(no_key=True, of=("self",)).get(pk=invoice.pk)
    if not actor.is_operator:
        raise NotPermitted(_("Only staff reads the bank’s statements."))
    if not (verdict := is_impartial(actor, invoice.organization)):
        raise NotPermitted(verdict.reason)
    if not (verdict := can_record(invoice)):
        raise NotNow(verdict.reason)
    _demand_sense(invoice, amount, received_on)
    missing = outstanding(invoice) - amount
    settles = missing.amount <= 0 or is_enough
    wire = _save(actor, invoice, amount, _parsed(reference), received_on, settles=settles)
    over = post_wire(wire=wire)
    if settles:
        enqueue(
            kind=CallKind.MARK_PAID,
            organization=invoice.organization,
            topic=invoice.stripe_id,
            arguments={"invoice": invoice.stripe_id, "wire": wire.pk, "over": over.as_stripe()},
        )
    _tell(invoice, wire, missing)
    after = {"amount": str(amount), "reference": wire.reference, "missing": str(missing), "settles": settles}
    name = invoice.organization.name
    audit.record(actor, "wire.recorded", f"invoice {invoice}", organization=name, after=after)
    return wire


def can_record(invoice: Invoice) -> Verdict:
    if invoice.status != "open":
        return Verdict(False, _("The invoice is not open, so there is nothing to pay."))
    if invoice.wires.filter(settles=True).exists():
        return Verdict(False, _("A wire for it was recorded already, and Stripe is being told."))
    return ALLOWED


def outstanding(invoice: Invoice) -> Money:
    """What is still to come: what the invoice asks for, without what came by wire before."""
    came = total([Money(wire.amount, wire.currency) for wire in invoice.wires.all()], invoice.currency)
    return Money(invoice.amount_remaining, invoice.currency) - came


def _demand_sense(invoice: Invoice, amount: Money, received_on: date) -> None:
    if amount.currency != invoice.currency:
        raise Invalid(_("The invoice is in %(currency)s.") % {"currency": invoice.currency.upper()})
    if amount.amount < 1:
        raise Invalid(_("A wire brings something."))
    if received_on > clock.now().date():
        raise Invalid(_("It can’t have come after today."))


def _parsed(reference: str) -> str:
    found = " ".join(reference.split())
    if not found or len(found) > _REFERENCE_LENGTH or not found.isprintable():
        raise Invalid(_("Give the reference that the bank has for it, in up to %(count)s characters.") % {"count": 100})
    return found


def _save(actor: Actor, invoice: Invoice, amount: Money, reference: str, received_on: date, *, settles: bool) -> Wire:
    try:
        with transaction.atomic():
            return Wire.objects.create(
                invoice=invoice,
                amount=amount.amount,
                currency=amount.currency,
                reference=reference,
                received_on=received_on,
                settles=settles,
                recorded_by=actor.user,
            )
    except IntegrityError as error:
        raise NotNow(_("A wire with this reference was recorded for the invoice already.")) from error


def _tell(invoice: Invoice, wire: Wire, missing: Money) -> None:
    """The customer, always; staff, where the sum is not what was asked for."""
    amount, is_short = Money(wire.amount, wire.currency), missing.amount > 0
    purchase_mails.tell_wired(
        invoice,
        amount,
        received_on=wire.received_on,
        missing=missing if is_short and not wire.settles else None,
        over=-missing if missing.amount < 0 else None,
    )
    if missing.amount < 0:
        raise_alert(f"wire-over:{wire.pk}", f"{-missing} too much came for {invoice}.", invoice.organization)
    elif is_short and not wire.settles:
        raise_alert(f"wire-under:{wire.pk}", f"{missing} is missing of {invoice}.", invoice.organization)


# --- The books --------------------------------------------------------------------------------------------------------


@transaction.atomic
def post_wire(*, wire: Wire) -> Money:
    """A wire for an invoice, be it posted already or about to be: what is more than owed becomes the customer's credit,
    and is answered; what is less is written off if the invoice counts as paid by it, and stays owed if not."""
    invoice = wire.invoice
    lock_subject(invoice.stripe_id)
    draft = Draft(
        source=f"wire:{wire.pk}",
        kind=Posting.WIRE,
        happened_at=datetime.combine(wire.received_on, time(), UTC),
        narration=f"Wire {wire.reference} for invoice {invoice.number}",
        organization=invoice.organization,
        subject=invoice.stripe_id,
        reference=wire.reference,
        document=invoice.number,
    )
    rest = wire.amount
    owed = {each: balance(each, subject=invoice.stripe_id) for each in (Account.BY_HAND, Account.RECEIVABLE)}
    if not is_written(f"invoice:{invoice.stripe_id}"):
        owed[Account.RECEIVABLE] += invoice.amount_remaining
    draft.debit(Account.BANK, wire.amount, wire.currency)
    for account, amount in owed.items():
        part = max(min(rest, amount), 0)
        short = max(amount - part, 0) if wire.settles else 0
        draft.credit(account, part + short, wire.currency)
        draft.debit(Account.SHORTFALLS, short, wire.currency)
        rest -= part
    draft.credit(Account.CUSTOMER_BALANCE, rest, wire.currency)
    write(draft)
    return Money(-balance(Account.CUSTOMER_BALANCE, source=draft.source), wire.currency)
