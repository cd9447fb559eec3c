"""What customers are owed, from Stripe's objects as plain dicts to ours: credit notes, and their credit. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from billing.gateway import objects, reading
from billing.gateway.reading import Rate, Tree


def credit_note(tree: Tree, rate: Rate) -> objects.CreditNoteObject:
    levied = reading.taxes(tree, rate)
    balance = tree.get("customer_balance_transaction")
    refunds = tuple(reading.identifier(row.get("refund")) for row in tree.get("refunds") or [])
    return objects.CreditNoteObject(
        id=tree["id"],
        number=reading.text(tree, "number"),
        invoice=reading.identifier(tree["invoice"]),
        customer=reading.identifier(tree.get("customer")),
        status=tree["status"],
        currency=tree["currency"],
        subtotal=reading.number(tree, "subtotal"),
        tax=sum(line.amount for line in levied),
        total=reading.number(tree, "total"),
        pre_payment=reading.number(tree, "pre_payment_amount"),
        to_balance=-reading.number(balance, "amount") if isinstance(balance, Mapping) else 0,
        out_of_band=reading.number(tree, "out_of_band_amount"),
        refunds=tuple(filter(None, refunds)),
        reason=reading.text(tree, "reason"),
        created=reading.moment(tree["created"]),
        voided_at=reading.when(tree.get("voided_at")),
        taxes=levied,
        metadata=reading.metadata(tree),
    )


def credit_move(tree: Tree) -> objects.CreditMoveObject:
    return objects.CreditMoveObject(
        id=tree["id"],
        kind=reading.text(tree, "type"),
        amount=tree["amount"],
        currency=tree["currency"],
        customer=reading.identifier(tree.get("customer")),
        invoice=reading.identifier(tree.get("invoice")),
        credit_note=reading.identifier(tree.get("credit_note")),
        description=reading.text(tree, "description"),
        created=reading.moment(tree["created"]),
        metadata=reading.metadata(tree),
    )
