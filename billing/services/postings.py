"""What happened to money, booked: each thing once, whoever saw it first and however often it is seen.

Nothing here asks Stripe; ``billing.services.settling`` does, and hands on what it was told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Q, Sum

from billing import clock
from billing.bookkeeping import Account, Posting, shared_out
from billing.gateway.objects import (
    BalanceTransactionObject,
    CreditNoteObject,
    DisputeObject,
    InvoiceObject,
    TaxLine,
)
from billing.models import LedgerEntry, LedgerLine, TaxEvidence, TaxRow
from billing.money import Money, from_stripe
from billing.services.entries import Draft, balance, cut_deferred, is_written, lock_subject, take_back, write
from billing.services.losses import give_less_up, give_up, lost
from orgs.models import Organization

REMOVED = "removed"
_CLAIMS = (Posting.INVOICE, Posting.CREDIT_NOTE, Posting.CREDIT_NOTE_VOID, Posting.UNCOLLECTIBLE, Posting.RECOVERED)
_NOTES = (Posting.CREDIT_NOTE, Posting.CREDIT_NOTE_VOID)
_SAID = {"": "", ":void": " is void", ":loss": ": less is lost", ":loss:void": " is void: so much is lost again"}
_ROUTES: dict[str, tuple[Posting, Account]] = {
    "charge": (Posting.CHARGE, Account.RECEIVABLE),
    "charge_failure": (Posting.CHARGE, Account.RECEIVABLE),
    "refund": (Posting.REFUND, Account.REFUNDS),
    "refund_failure": (Posting.REFUND, Account.REFUNDS),
    "dispute": (Posting.DISPUTE, Account.DISPUTED),
    "dispute_reversal": (Posting.DISPUTE, Account.DISPUTED),
    "payout": (Posting.PAYOUT, Account.BANK),
    "payout_reversal": (Posting.PAYOUT, Account.BANK),
    "topup": (Posting.PAYOUT, Account.BANK),
    "topup_reversal": (Posting.PAYOUT, Account.BANK),
    "fee": (Posting.FEE, Account.FEES),
    "network_cost": (Posting.FEE, Account.FEES),
}
"""By the reporting category of a balance transaction: the account on its other side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What a movement at Stripe is about. ``original`` is its amount before a conversion, without a sign. ``foreign``
    is another application's on the same account: it moves the balance and is nothing of ours."""

    organization: Organization | None = None
    subject: str = ""
    reference: str = ""
    document: str = ""
    original: Money | None = None
    foreign: bool = False


# --- Invoices ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def post_invoice(*, invoice: InvoiceObject, organization: Organization, notes: Sequence[CreditNoteObject] = ()) -> None:
    """Everything that the invoice says of itself: that it is final, void, given up, paid after all or by hand. What
    ``notes`` took off comes before its end, unless they are later. What Stripe collected for it comes by balance
    transactions."""
    if not invoice.id or invoice.finalized_at is None or invoice.status == "draft":
        return
    lock_subject(invoice.id)
    _post_final(invoice, organization)
    late = [note for note in notes if _is_late(note, invoice)]
    for note in notes:
        if note not in late:
            post_credit_note(note=note, organization=organization)
    if invoice.status == "void":
        _post_void(invoice, organization)
    elif invoice.status == "uncollectible":
        _post_given_up(invoice, organization)
    elif invoice.status == "paid":
        _post_recovered(invoice, organization)
        _post_by_hand(invoice, organization)
    for note in late:
        post_credit_note(note=note, organization=organization)


def _is_late(note: CreditNoteObject, invoice: InvoiceObject) -> bool:
    """Whether the invoice had been given up by then."""
    return invoice.status == "uncollectible" and note.created > _turned(invoice, "marked_uncollectible_at")


def _draft(
    invoice: InvoiceObject, organization: Organization, kind: Posting, *, at: datetime, narration: str, suffix: str = ""
) -> Draft:
    return Draft(
        source=f"invoice:{invoice.id}{suffix}",
        kind=kind,
        happened_at=at,
        narration=narration,
        organization=organization,
        subject=invoice.id,
        reference=invoice.id,
        document=invoice.number,
    )


def _post_final(invoice: InvoiceObject, organization: Organization) -> None:
    assert invoice.finalized_at is not None, "post_invoice has looked"
    draft = _draft(
        invoice, organization, Posting.INVOICE, at=invoice.finalized_at, narration=f"Invoice {invoice.number}"
    )
    currency = invoice.currency
    total, tax = _minor(invoice.total, currency), _minor(invoice.tax, currency)
    applied = _minor(_balance_applied(invoice), currency)
    draft.debit(Account.RECEIVABLE, total - applied, currency)
    draft.debit(Account.CUSTOMER_BALANCE, applied, currency)
    draft.credit(Account.DEFERRED, total - tax, currency)
    _enter_taxes(draft, invoice.taxes, currency, 1)
    _enter_buyer(draft, invoice)
    weights = [line.amount - line.discount for line in invoice.lines]
    for line, part in zip(invoice.lines, shared_out(total - tax, weights), strict=True):
        draft.defer(part, currency, line.period_start.date(), line.period_end.date(), line.id)
    write(draft)


def _balance_applied(invoice: InvoiceObject) -> int:
    """How much of the customer's credit it used; below zero what it added to it."""
    ending = invoice.raw.get("ending_balance")
    if ending is None:
        return invoice.total - invoice.amount_due
    return int(ending) - invoice.starting_balance


def _enter_taxes(draft: Draft, taxes: Sequence[TaxLine], currency: str, sign: int) -> None:
    for tax in taxes:
        amount = sign * _minor(tax.amount, currency)
        draft.credit(Account.TAX, amount, currency, tax.jurisdiction)
        row = TaxRow(jurisdiction=tax.jurisdiction, rate=tax.rate, currency=currency, amount=amount, reason=tax.reason)
        row.taxable = sign * _minor(tax.taxable, currency)
        draft.taxes.append(row)


def _enter_buyer(draft: Draft, invoice: InvoiceObject) -> None:
    """Country and tax id as they stand on the invoice, with what was known of the tax id just then."""
    draft.country = str((invoice.raw.get("customer_address") or {}).get("country") or "")
    rows = invoice.raw.get("customer_tax_ids") or []
    if not rows:
        return
    draft.tax_id = str(rows[0].get("value") or "")
    known = TaxEvidence.objects.filter(
        customer__stripe_id=invoice.customer, value=draft.tax_id, seen_at__lte=clock.now()
    )
    latest = known.order_by("-seen_at", "-pk").first()
    draft.tax_id_status = latest.status if latest else ""


def _post_void(invoice: InvoiceObject, organization: Organization) -> None:
    draft = _draft(
        invoice,
        organization,
        Posting.VOID,
        at=_turned(invoice, "voided_at"),
        narration=f"Invoice {invoice.number} is void",
        suffix=":void",
    )
    take_back(draft, LedgerEntry.objects.filter(subject=invoice.id, kind__in=_CLAIMS))
    write(draft)


def _post_given_up(invoice: InvoiceObject, organization: Organization) -> None:
    draft = _draft(
        invoice,
        organization,
        Posting.UNCOLLECTIBLE,
        at=_turned(invoice, "marked_uncollectible_at"),
        narration=f"Invoice {invoice.number} is uncollectible",
        suffix=":uncollectible",
    )
    owed = balance(Account.RECEIVABLE, subject=invoice.id)
    if owed > 0:
        give_up(draft, owed, invoice.currency)
        write(draft)


def _post_recovered(invoice: InvoiceObject, organization: Organization) -> None:
    """What of the loss no note had taken back."""
    given_up = LedgerEntry.objects.filter(subject=invoice.id, kind=Posting.UNCOLLECTIBLE)
    if given_up:
        draft = _draft(
            invoice,
            organization,
            Posting.RECOVERED,
            at=invoice.paid_at or clock.now(),
            narration=f"Invoice {invoice.number} is paid after all",
            suffix=":recovered",
        )
        take_back(draft, given_up)
        write(draft)


def _post_by_hand(invoice: InvoiceObject, organization: Organization) -> None:
    """What counts as paid at Stripe without having come through it, as far as no wire was recorded for it."""
    off = _minor(_paid_off_stripe(invoice), invoice.currency)
    kinds = (Posting.WIRE, Posting.BY_HAND)
    recorded = -balance(Account.RECEIVABLE, subject=invoice.id, kind__in=kinds)
    missing = min(off - recorded, balance(Account.RECEIVABLE, subject=invoice.id))
    if missing > 0:
        draft = _draft(
            invoice,
            organization,
            Posting.BY_HAND,
            at=invoice.paid_at or clock.now(),
            narration=f"Invoice {invoice.number} was marked as paid",
            suffix=f":by_hand:{off}",
        )
        draft.debit(Account.BY_HAND, missing, invoice.currency)
        draft.credit(Account.RECEIVABLE, missing, invoice.currency)
        write(draft)


def _paid_off_stripe(invoice: InvoiceObject) -> int:
    by_hand = (each for each in invoice.payments if not each.payment_intent and not each.charge)
    listed = sum(each.amount_paid for each in by_hand if each.status == "paid")
    return int(invoice.raw.get("amount_paid_off_stripe") or listed)


def _turned(invoice: InvoiceObject, name: str) -> datetime:
    """When its status became this; now, if Stripe doesn't say."""
    seconds = (invoice.raw.get("status_transitions") or {}).get(name)
    return datetime.fromtimestamp(seconds, UTC) if seconds else clock.now()


# --- Credit notes -----------------------------------------------------------------------------------------------------


@transaction.atomic
def post_credit_note(*, note: CreditNoteObject, organization: Organization) -> None:
    """Revenue and tax taken back: first what was not earned yet. What is owed for it: less to pay, more credit, or a
    refund, which the refunds themselves take from there. What was given up before is less of a loss then. Its invoice
    has been posted."""
    lock_subject(note.invoice)
    if not is_written(f"credit_note:{note.id}"):
        _post_less_lost(note, organization)
        _post_noted(note, organization)
    if note.status == "void":
        for kind, suffix in ((Posting.CREDIT_NOTE_VOID, ""), (Posting.UNCOLLECTIBLE, ":loss")):
            undone = _note_draft(note, organization, kind, note.voided_at or clock.now(), f"{suffix}:void")
            take_back(undone, LedgerEntry.objects.filter(source=f"credit_note:{note.id}{suffix}"))
            write(undone)


def _post_noted(note: CreditNoteObject, organization: Organization) -> None:
    draft = _note_draft(note, organization, Posting.CREDIT_NOTE, note.created, "")
    currency = note.currency
    total, tax = _minor(note.total, currency), _minor(note.tax, currency)
    less, credit = _minor(note.pre_payment, currency), _minor(note.to_balance, currency)
    cut = cut_deferred(draft, total - tax, currency)
    draft.debit(Account.REVENUE, total - tax - cut, currency)
    _enter_taxes(draft, note.taxes, currency, -1)
    draft.credit(Account.RECEIVABLE, less, currency)
    draft.credit(Account.CUSTOMER_BALANCE, credit, currency)
    draft.credit(Account.REFUNDS, total - less - credit, currency)
    invoice = LedgerEntry.objects.filter(source=f"invoice:{note.invoice}").first()
    if invoice is not None:
        draft.country, draft.tax_id, draft.tax_id_status = invoice.country, invoice.tax_id, invoice.tax_id_status
    write(draft)


def _post_less_lost(note: CreditNoteObject, organization: Organization) -> None:
    """An entry of its own, so that the note's says of every note alike what it took off (see ``noted``)."""
    less = min(_minor(note.pre_payment, note.currency), lost(note.invoice))
    if less > 0:
        draft = _note_draft(note, organization, Posting.UNCOLLECTIBLE, note.created, ":loss")
        give_less_up(draft, less, _minor(note.total - note.tax, note.currency), note.currency)
        write(draft)


def noted(invoice: str) -> tuple[int, int]:
    """What credit notes took off the invoice before it was paid, and what they gave back afterwards, in minor units."""
    notes = LedgerLine.objects.filter(entry__subject=invoice, entry__kind__in=_NOTES)
    less = Sum("amount", filter=Q(account=Account.RECEIVABLE), default=0)
    back = Sum("amount", filter=Q(account__in=[Account.CUSTOMER_BALANCE, Account.REFUNDS]), default=0)
    found = notes.aggregate(less=less, back=back)
    return -found["less"], -found["back"]


def _note_draft(note: CreditNoteObject, organization: Organization, kind: Posting, at: datetime, suffix: str) -> Draft:
    return Draft(
        source=f"credit_note:{note.id}{suffix}",
        kind=kind,
        happened_at=at,
        narration=f"Credit note {note.number}{_SAID[suffix]}",
        organization=organization,
        subject=note.invoice,
        reference=note.id,
        document=note.number,
    )


# --- What moved Stripe's balance --------------------------------------------------------------------------------------


@transaction.atomic
def post_transaction(*, movement: BalanceTransactionObject, matter: Matter) -> LedgerEntry | None:
    """A movement of Stripe's balance, and what it was about on the other side; None if it was booked before.

    Where Stripe converted, both currencies meet in an account of their own, at the rate that Stripe took.
    """
    if matter.subject:
        lock_subject(matter.subject)
    kind, account = _route(movement, matter)
    currency = movement.currency
    draft = Draft(
        source=f"balance_transaction:{movement.id}",
        kind=kind,
        happened_at=movement.created,
        narration=_narration(kind, movement, matter),
        organization=matter.organization,
        subject=matter.subject,
        reference=matter.reference or movement.source,
        document=matter.document,
    )
    amount, fee = _minor(movement.amount, currency), _minor(movement.fee, currency)
    draft.debit(Account.CLEARING, amount - fee, currency)
    draft.debit(Account.FEES, fee, currency)
    original = matter.original
    if original is None or original.currency == currency:
        draft.credit(account, amount, currency)
    else:
        before = original.amount if amount > 0 else -original.amount
        draft.credit(Account.EXCHANGE, amount, currency)
        draft.debit(Account.EXCHANGE, before, original.currency)
        draft.credit(account, before, original.currency)
    return write(draft)


def is_known(movement: BalanceTransactionObject) -> bool:
    """Whether we know what movements of its kind are."""
    return movement.reporting_category in _ROUTES


def _route(movement: BalanceTransactionObject, matter: Matter) -> tuple[Posting, Account]:
    kind, account = _ROUTES.get(movement.reporting_category, (Posting.OTHER, Account.SUSPENSE))
    return (kind, Account.SUSPENSE) if matter.foreign else (kind, account)


def _narration(kind: Posting, movement: BalanceTransactionObject, matter: Matter) -> str:
    words = movement.reporting_category.replace("_", " ").capitalize() or kind.value
    return " ".join(filter(None, (words, matter.document, movement.source or movement.id)))


@transaction.atomic
def post_dispute_end(*, dispute: DisputeObject, matter: Matter) -> LedgerEntry | None:
    """What is not given back when a dispute is over is lost; and found again, should Stripe think better of it."""
    if dispute.status not in {"lost", "won"}:
        return None
    lock_subject(matter.subject)
    left = balance(Account.DISPUTED, reference=dispute.id)
    draft = Draft(
        source=f"dispute:{dispute.id}:{len(dispute.balance_transactions)}",
        kind=Posting.DISPUTE_END,
        happened_at=clock.now(),
        narration=f"Dispute {dispute.id} is {dispute.status}",
        organization=matter.organization,
        subject=matter.subject,
        reference=dispute.id,
        document=matter.document,
    )
    draft.debit(Account.DISPUTE_LOSSES, left, dispute.currency)
    draft.credit(Account.DISPUTED, left, dispute.currency)
    return write(draft)


def _minor(amount: int, currency: str) -> int:
    """Minor units from an amount as Stripe writes it; raises ``UnknownCurrency``."""
    return from_stripe(amount, currency).amount
