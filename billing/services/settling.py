"""Asking Stripe what happened to money, and having it booked. Asked again, it books nothing twice.

``SETTLERS`` says by which function an object of each type is settled; each answers whether it is about one of our
customers. All of them ask outside of any transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext as _

from billing.bookkeeping import Account, Posting
from billing.gateway.calls import gateway
from billing.gateway.errors import NotThere
from billing.gateway.objects import (
    BalanceTransactionObject,
    ChargeObject,
    CreditNoteObject,
    DisputeObject,
    InvoiceObject,
    RefundObject,
)
from billing.models import Alert, Customer, LedgerEntry, Wire
from billing.money import Money, UnevenAmount, UnknownCurrency, from_stripe
from billing.services.alerts import raise_alert, withdraw_alert
from billing.services.entries import balance, is_written
from billing.services.postings import (
    Matter,
    is_known,
    noted,
    post_credit_note,
    post_dispute_end,
    post_invoice,
    post_transaction,
)
from orgs.models import Organization

FOREIGN = Matter(foreign=True)
_ANSWERED = frozenset({"under_review", "warning_under_review", "warning_closed", "won", "lost", "prevented"})
"""Statuses of a dispute in which there is nothing to say, or no more."""


def settle_invoice(*, invoice: InvoiceObject, organization: Organization) -> None:
    """The invoice, and what was collected for it."""
    _post(invoice, organization)
    matter = Matter(organization=organization, subject=invoice.id, document=invoice.number)
    for payment in invoice.payments:
        if payment.charge and payment.status == "paid" and not _charged(payment.charge):
            charge = gateway().charge(payment.charge)
            _book(charge.balance_transaction, _about_charge(matter, charge))
    _tell_of_wires(matter, "wire-for-nothing" if invoice.status == "void" else "wire-twice")


def _post(invoice: InvoiceObject, organization: Organization) -> None:
    """With its credit notes, where the ledger has others: of a note that moved no money nothing else may ever tell us,
    and what was taken off an invoice before it was given up is no loss, of whichever of the two we hear first."""
    are_known = _noted(invoice) == noted(invoice.id)
    notes = () if are_known else tuple(gateway().credit_notes(invoice.id))
    post_invoice(invoice=invoice, organization=organization, notes=notes)


def _noted(invoice: InvoiceObject) -> tuple[int, int]:
    told = (invoice.raw.get(f"{when}_payment_credit_notes_amount") or 0 for when in ("pre", "post"))
    before, after = (from_stripe(int(amount), invoice.currency).amount for amount in told)
    return before, after


def settle_charge(identifier: str) -> bool:
    charge = gateway().charge(identifier)
    matter = _matter_of(charge)
    _book(charge.balance_transaction, _about_charge(matter, charge))
    _tell_of_wires(matter, "wire-twice")
    return not matter.foreign


def _tell_of_wires(matter: Matter, about: str) -> None:
    """Stripe knows of a wire only when all is there: it goes on to ask for the whole. What came is too much then, and
    stays so in the books until it is given back: staff is told once."""
    wires = list(Wire.objects.filter(invoice__stripe_id=matter.subject)) if matter.subject else []
    if not wires or not is_written(f"invoice:{matter.subject}"):
        return
    over = -balance(Account.RECEIVABLE, subject=matter.subject)
    if over >= 0:
        for wire in wires:
            withdraw_alert(f"wire-under:{wire.pk}")
    key = f"{about}:{matter.subject}"
    if over > 0 and not Alert.objects.filter(key=key).exists():
        text = _(
            "%(amount)s of what came by wire for the invoice %(invoice)s is not owed any more: send it back, or give it"
            " as credit."
        )
        names = {"amount": Money(over, wires[0].currency), "invoice": matter.document or matter.subject}
        raise_alert(key, text % names, matter.organization)


def settle_refund(identifier: str) -> bool:
    """What went out, and what came back if it failed. One without a credit note leaves revenue and tax as they are:
    staff is told."""
    refund = gateway().refund(identifier)
    matter = _matter_of(gateway().charge(refund.charge)) if refund.charge else FOREIGN
    about = replace(matter, reference=refund.id, original=from_stripe(refund.amount, refund.currency))
    _book(refund.balance_transaction, about)
    _book(refund.failure_balance_transaction, about)
    if matter.organization is not None:
        _compare_with_notes(refund, matter)
    return not matter.foreign


def _compare_with_notes(refund: RefundObject, matter: Matter) -> None:
    assert matter.organization is not None, "the caller has looked"
    notes = list(gateway().credit_notes(matter.subject)) if matter.subject else []
    for note in notes:
        post_credit_note(note=note, organization=matter.organization)
    key = f"refund-without-credit-note:{refund.id}"
    if refund.status not in {"failed", "canceled"} and not any(refund.id in note.refunds for note in notes):
        text = _("%(refund)s was made without a credit note: its revenue and tax still stand in the books.")
        raise_alert(key, text % {"refund": refund.id}, matter.organization)
    else:
        withdraw_alert(key)


def settle_credit_note(identifier: str) -> bool:
    note = gateway().credit_note(identifier)
    organization = organization_of(note.customer)
    if organization is None:
        return False
    _demand_invoice(note, organization)
    post_credit_note(note=note, organization=organization)
    for refund in note.refunds:
        settle_refund(refund)
    return True


def _demand_invoice(note: CreditNoteObject, organization: Organization) -> None:
    """As it is by now: it may have been given up before the note was made, and is booked in that order then."""
    is_new = bool(note.pre_payment) and not is_written(f"credit_note:{note.id}")
    if is_new or not is_written(f"invoice:{note.invoice}"):
        settle_invoice(invoice=gateway().invoice(note.invoice), organization=organization)


def settle_dispute(identifier: str) -> bool:
    """What the dispute took, gave back and cost so far, and what of it is lost when it is over."""
    dispute = gateway().dispute(identifier)
    matter = _matter_of(gateway().charge(dispute.charge)) if dispute.charge else FOREIGN
    about = replace(matter, reference=dispute.id, original=from_stripe(dispute.amount, dispute.currency))
    for movement in dispute.balance_transactions:
        _book(movement, about)
    if not matter.foreign:
        ended = post_dispute_end(dispute=dispute, matter=about)
        _tell_of_dispute(dispute, matter, is_new_loss=ended is not None and dispute.status == "lost")
    return not matter.foreign


def _tell_of_dispute(dispute: DisputeObject, matter: Matter, *, is_new_loss: bool) -> None:
    """Stripe waits for an answer until a day, and to it an invoice that was disputed stays paid: what becomes of the
    plan, people decide."""
    key, names = f"dispute:{dispute.id}", {"dispute": dispute.id, "invoice": matter.document or "-"}
    if is_new_loss:
        text = _("%(dispute)s took the payment of invoice %(invoice)s back, and its plan goes on: end it, or agree.")
        raise_alert(f"{key}:lost", text % names, matter.organization)
    if dispute.status in _ANSWERED:
        withdraw_alert(key)
    else:
        text = _("%(dispute)s is about the payment of invoice %(invoice)s: answer it at Stripe.")
        raise_alert(key, text % names, matter.organization)


def settle_payout(identifier: str) -> bool:
    """A payout is of the account, not of a customer."""
    payout = gateway().payout(identifier)
    _book(payout.balance_transaction, Matter(reference=payout.id, document=payout.id))
    return True


SETTLERS: dict[str, Callable[[str], bool]] = {
    "charge": settle_charge,
    "refund": settle_refund,
    "credit_note": settle_credit_note,
    "dispute": settle_dispute,
    "payout": settle_payout,
}

_BY_CATEGORY: dict[str, Callable[[str], bool]] = {
    "charge": settle_charge,
    "refund": settle_refund,
    "refund_failure": settle_refund,
    "dispute": settle_dispute,
    "dispute_reversal": settle_dispute,
    "payout": settle_payout,
}
_OF_CUSTOMERS = frozenset({*_BY_CATEGORY, "charge_failure"} - {"payout"})
_KINDS_OF_CUSTOMERS = frozenset({Posting.CHARGE, Posting.REFUND, Posting.DISPUTE})


def settle_movements(*, since: datetime | None = None) -> int:
    """Every movement of Stripe's balance since then that is not booked yet, the oldest first; how many there were.

    What can't be booked is left for staff, and the rest goes on.
    """
    found = [each for each in gateway().balance_transactions(since=since) if not _booked(each.id)]
    for movement in reversed(found):
        key = f"ledger:{movement.id}"
        try:
            _settle_movement(movement)
        except (UnknownCurrency, UnevenAmount) as error:
            raise_alert(key, str(error))
        else:
            withdraw_alert(key)
    return len(found)


def _settle_movement(movement: BalanceTransactionObject) -> None:
    settle = _BY_CATEGORY.get(movement.reporting_category)
    if settle is not None and movement.source:
        with suppress(NotThere):
            settle(movement.source)
    # A movement of its own, or one that its object does not name: such as a payout that came back.
    post_transaction(movement=movement, matter=_matter_of_movement(movement))
    if not is_known(movement):
        text = _("%(movement)s is of the kind “%(kind)s”, which is not known here: it stands in suspense.")
        raise_alert(
            f"ledger-kind:{movement.reporting_category}",
            text % {"movement": movement.id, "kind": movement.reporting_category},
        )


def _matter_of_movement(movement: BalanceTransactionObject) -> Matter:
    """As what was booked of the same source; of a charge that failed late, as the charge."""
    before = LedgerEntry.objects.filter(reference=movement.source).exclude(reference="").order_by("pk").first()
    if before is not None and movement.reporting_category == "charge_failure":
        # What Stripe converted is owed again in the currency of the invoice.
        return _about_charge(_matter_like(before), gateway().charge(movement.source))
    if before is not None:
        return _matter_like(before)
    return Matter(reference=movement.source, foreign=movement.reporting_category in _OF_CUSTOMERS)


# --- Whose, and of which invoice --------------------------------------------------------------------------------------


def organization_of(customer: str) -> Organization | None:
    """The organization that is, or was, this customer of Stripe's; None for another application's."""
    found = Customer.objects.filter(stripe_id=customer).select_related("organization").first()
    return found.organization if found else None


def _matter_of(charge: ChargeObject) -> Matter:
    if (before := _charged(charge.id)) is not None:
        return _matter_like(before)
    organization = organization_of(charge.customer)
    if organization is None:
        return FOREIGN
    for invoice in gateway().invoices(customer=charge.customer):
        if any(_is_by(charge, payment.charge, payment.payment_intent) for payment in invoice.payments):
            _post(invoice, organization)
            return Matter(organization=organization, subject=invoice.id, document=invoice.number)
    text = _("The payment %(charge)s belongs to no invoice.")
    raise_alert(f"charge-without-invoice:{charge.id}", text % {"charge": charge.id}, organization)
    return Matter(organization=organization)


def _is_by(charge: ChargeObject, paid_by: str, intent: str) -> bool:
    return paid_by == charge.id or bool(intent and intent == charge.payment_intent)


def _charged(charge: str) -> LedgerEntry | None:
    found = LedgerEntry.objects.filter(kind=Posting.CHARGE, reference=charge)
    return found.select_related("organization").order_by("pk").first()


def _matter_like(entry: LedgerEntry) -> Matter:
    return Matter(
        organization=entry.organization,
        subject=entry.subject,
        reference=entry.reference,
        document=entry.document,
        foreign=entry.organization is None and entry.kind in _KINDS_OF_CUSTOMERS,
    )


def _about_charge(matter: Matter, charge: ChargeObject) -> Matter:
    return replace(matter, reference=charge.id, original=from_stripe(charge.amount, charge.currency))


def _booked(movement: str) -> bool:
    return is_written(f"balance_transaction:{movement}")


def _book(movement: str, matter: Matter) -> None:
    """Nothing moved while there is no transaction."""
    if movement and not _booked(movement):
        post_transaction(movement=gateway().balance_transaction(movement), matter=matter)
