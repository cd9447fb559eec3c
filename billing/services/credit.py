"""What customers have to their credit: Stripe keeps it, and the ledger follows each movement of it.

Most movements come of an invoice, a credit note or a wire, which book them. The others somebody made by hand at Stripe:
these are booked here, against what is to be clarified, for nobody but who did it knows what it was for.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from billing import clock
from billing.bookkeeping import Account, Posting
from billing.gateway.calls import gateway
from billing.gateway.errors import NotThere
from billing.gateway.objects import CreditMoveObject
from billing.models import Alert, Call, Customer, Drift, LedgerEntry, Reconciliation, Wire
from billing.money import Money, UnevenAmount, UnknownCurrency, from_stripe
from billing.reports.balances import CreditDifference, credit_differences
from billing.services.alerts import raise_alert, withdraw_alert
from billing.services.customers import sync_customer
from billing.services.entries import Draft, is_written, lock_subject, write
from billing.services.settling import settle_credit_note, settle_invoice
from billing.vocabulary import CallKind, JobState

WIRE = "freehold_wire"
"""What the credit of a wire is marked with at Stripe."""
_APPLIED = frozenset({"applied_to_invoice", "unapplied_from_invoice", "invoice_too_small", "invoice_too_large"})
_OVERPAID = "invoice_overpaid"
_BY_HAND = frozenset({"adjustment", "initial", "migration"})
_PREFIX = "ledger-credit:"


def mark_of(wire: Wire) -> str:
    return f"{wire.invoice.stripe_id} {wire.reference}"


# --- One customer -----------------------------------------------------------------------------------------------------


def follow_credit(customer: Customer) -> int:
    """Book what moved the customer's credit and is not booked yet; how many movements. What can't be booked is left for
    staff, and the rest goes on."""
    booked = 0
    for move in reversed(list(gateway().credit_moves(customer.stripe_id))):
        try:
            booked += _follow(move, customer)
        except (UnknownCurrency, UnevenAmount) as error:
            raise_alert(f"credit:{move.id}", str(error), customer.organization)
    return booked


def _follow(move: CreditMoveObject, customer: Customer) -> bool:
    if move.kind == "credit_note" and move.credit_note:
        return not is_written(f"credit_note:{move.credit_note}") and settle_credit_note(move.credit_note)
    if move.kind in _APPLIED and move.invoice:
        return _follow_invoice(move, customer)
    if _is_of_wire(move):
        return False
    return _post(move, customer) is not None


def _follow_invoice(move: CreditMoveObject, customer: Customer) -> bool:
    suffix = ":void" if move.kind == "unapplied_from_invoice" else ""
    if is_written(f"invoice:{move.invoice}{suffix}"):
        return False
    settle_invoice(invoice=gateway().invoice(move.invoice), organization=customer.organization)
    return True


def _is_of_wire(move: CreditMoveObject) -> bool:
    """Whether it was booked when the wire was recorded."""
    invoice, _space, reference = move.metadata.get(WIRE, "").partition(" ")
    return Wire.objects.filter(invoice__stripe_id=invoice, reference=reference).exists()


@transaction.atomic
def _post(move: CreditMoveObject, customer: Customer) -> LedgerEntry | None:
    """What was paid too much of an invoice comes from there; what is by hand, or of a kind that nobody knows, is to be
    clarified, as staff is told."""
    lock_subject(customer.stripe_id)
    is_overpaid = move.kind == _OVERPAID and bool(move.invoice)
    amount = from_stripe(move.amount, move.currency)
    draft = Draft(
        source=f"customer_balance_transaction:{move.id}",
        kind=Posting.OTHER,
        happened_at=move.created,
        narration=" ".join(filter(None, ("Credit", move.kind.replace("_", " "), move.description))),
        organization=customer.organization,
        subject=move.invoice if is_overpaid else "",
        reference=move.id,
    )
    draft.debit(Account.CUSTOMER_BALANCE, amount.amount, amount.currency)
    draft.credit(Account.RECEIVABLE if is_overpaid else Account.SUSPENSE, amount.amount, amount.currency)
    entry = write(draft)
    if entry is not None and not is_overpaid:
        _tell(move, customer, -amount)
    return entry


def _tell(move: CreditMoveObject, customer: Customer, amount: Money) -> None:
    text = (
        _("The credit of %(name)s was changed by %(amount)s by hand at Stripe (%(why)s): say to your accountant why.")
        if move.kind in _BY_HAND
        else _("The credit of %(name)s was changed by %(amount)s at Stripe, by “%(kind)s”, which is not known here.")
    )
    facts = {"name": customer.organization.name, "amount": amount, "why": move.description or "-", "kind": move.kind}
    raise_alert(f"credit:{move.id}", text % facts, customer.organization)


# --- Everybody --------------------------------------------------------------------------------------------------------


def balance_credit(run: Reconciliation) -> int:
    """Compare everybody's credit in the ledger with Stripe's, and book what is missing; how many still differ. Each of
    them is told to staff. Raises ``GatewayError``."""
    for found in credit_differences():
        run.repaired += _settle(found)
    left = [found for found in credit_differences() if not _is_moving(found)]
    apart = {_key(found) for found in left}
    for key in _told() - apart:
        withdraw_alert(key)
    for found in left:
        _report(run, found)
    return len(left)


def _settle(found: CreditDifference) -> int:
    """What Stripe has is looked at anew first; how many movements were booked."""
    booked = 0
    customers = list(Customer.objects.select_related("organization").filter(organization=found.organization))
    for customer in customers:
        with suppress(NotThere):
            sync_customer(customer.stripe_id)
            booked += follow_credit(customer)
    return booked + _write_off(found, customers)


@transaction.atomic
def _write_off(found: CreditDifference, customers: Iterable[Customer]) -> bool:
    """With a customer who was deleted at Stripe the credit went too. Whether it is still owed is for people to say."""
    gone = [customer for customer in customers if customer.deleted_at]
    lock_subject(f"credit of {found.organization.pk}")
    left = [each for each in credit_differences(found.organization) if each.is_of_same(found)]
    if not gone or not left or _is_moving(found):
        return False
    source, lost = f"customer:{gone[-1].stripe_id}:credit", left[0].ours - left[0].theirs
    times = LedgerEntry.objects.filter(source__startswith=source).count()
    draft = Draft(
        source=f"{source}:{times + 1}",
        kind=Posting.OTHER,
        happened_at=clock.now(),
        narration=f"Credit of the deleted customer {gone[-1].stripe_id}",
        organization=found.organization,
        reference=gone[-1].stripe_id,
    )
    draft.debit(Account.CUSTOMER_BALANCE, lost.amount, lost.currency)
    draft.credit(Account.SUSPENSE, lost.amount, lost.currency)
    text = _("%(customer)s was deleted at Stripe, and a credit of %(amount)s with it: decide whether it is still owed.")
    raise_alert(source, text % {"customer": gone[-1].stripe_id, "amount": lost}, found.organization)
    return write(draft) is not None


def _is_moving(found: CreditDifference) -> bool:
    """While Stripe is being told of a wire it has less than the ledger."""
    waiting = Q(kind=CallKind.MARK_PAID, state=JobState.PENDING)
    return Call.objects.filter(waiting, organization=found.organization).exists()


def _key(found: CreditDifference) -> str:
    return f"{_PREFIX}{found.organization.pk}:{found.currency}"


def _told() -> set[str]:
    open_ones = Alert.objects.filter(key__startswith=_PREFIX, settled_at__isnull=True)
    return set(open_ones.values_list("key", flat=True))


def _report(run: Reconciliation, found: CreditDifference) -> None:
    Drift.objects.create(
        run=run,
        organization=found.organization,
        object_type="customer",
        object_id=str(found.customer),
        field="credit",
        ours=str(found.ours),
        theirs=str(found.theirs),
        repaired=False,
    )
    text = _("The ledger has a credit of %(ours)s for %(name)s, and Stripe says %(theirs)s.")
    facts = {"name": found.organization.name, "ours": found.ours, "theirs": found.theirs}
    raise_alert(_key(found), text % facts, found.organization)
