"""What of our mirror a reconciliation compares: a row as a table of texts, so that two looks can be told apart."""

from __future__ import annotations

from django.db.models import Model

from billing.models import Customer, Invoice, Subscription

Mirrored = Subscription | Invoice | Customer
_MIRRORED: dict[str, type[Mirrored]] = {"subscription": Subscription, "invoice": Invoice, "customer": Customer}
_LEFT_OUT = frozenset(
    {"id", "synced_at", "raw", "hosted_url", "pdf_url", "lines", "taxes", "created_at", "compared_at"}
)
"""What is no fact of Stripe's, changes at each look, or follows from what is compared."""

Facts = dict[str, str]


def facts_of(object_type: str, stripe_id: str) -> Facts:
    """Field by field; empty where there is no such row, or none of that kind."""
    row = row_of(object_type, stripe_id)
    if row is None:
        return {}
    return _fields(row) | (_items(row) if isinstance(row, Subscription) else {})


def row_of(object_type: str, stripe_id: str) -> Mirrored | None:
    model = _MIRRORED.get(object_type)
    return model.objects.select_related("organization").filter(stripe_id=stripe_id).first() if model else None


def _fields(row: Model) -> Facts:
    meta = row._meta  # noqa: SLF001 -- Django's documented way to a model's fields
    fields = [field for field in meta.concrete_fields if field.name not in _LEFT_OUT]
    return {field.name: _text(getattr(row, field.attname)) for field in fields}


def _items(subscription: Subscription) -> Facts:
    found: Facts = {}
    for item in subscription.items.all():
        name = item.item or item.stripe_id
        found[f"{name} quantity"] = str(item.quantity)
        found[f"{name} paid"] = str(item.paid_quantity)
        found[f"{name} pending"] = _text(item.pending_quantity)
    return found


def _text(value: object) -> str:
    return "" if value is None else str(value)


def differences(before: Facts, after: Facts) -> list[tuple[str, str, str]]:
    """Field, before, after. What was not there at all is one difference, not one for each field."""
    if not before and after:
        return [("", "", after.get("status", "") or after.get("stripe_id", ""))]
    fields = sorted(before.keys() | after.keys())
    changed = [(name, before.get(name, ""), after.get(name, "")) for name in fields]
    return [(name, ours, theirs) for name, ours, theirs in changed if ours != theirs]
