"""From our orders to the parameters of Stripe's library. Its types are looked at only when types are checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from billing.gateway.orders import Change, Line, Mode, PreviewOrder
from billing.gateway.reading import seconds

if TYPE_CHECKING:
    from stripe import params as wanted
    from stripe.params import checkout

PAID_HOW: dict[Mode, tuple[str, str]] = {
    Mode.INCREASE: ("always_invoice", "pending_if_incomplete"),
    Mode.INVOICED: ("always_invoice", ""),
    Mode.DECREASE: ("none", ""),
}
"""How Stripe calls it: the proration, and what happens while it is not paid."""


def address(address: Mapping[str, str]) -> wanted.CustomerCreateParamsAddress:
    known = ("line1", "line2", "city", "postal_code", "state", "country")
    return {name: address[name] for name in known if address.get(name)}  # type: ignore[return-value]  # names as typed


def session_line(line: Line) -> checkout.SessionCreateParamsLineItem:
    asked: checkout.SessionCreateParamsLineItem = {"price": line.price}
    if line.quantity is not None:
        asked["quantity"] = line.quantity
    if line.maximum:
        asked["adjustable_quantity"] = {"enabled": True, "minimum": line.minimum, "maximum": line.maximum}
    return asked


def subscription_line(line: Line) -> wanted.SubscriptionCreateParamsItem:
    asked: wanted.SubscriptionCreateParamsItem = {"price": line.price}
    if line.quantity is not None:
        asked["quantity"] = line.quantity
    return asked


def update_line(change: Change) -> wanted.SubscriptionUpdateParamsItem:
    asked: wanted.SubscriptionUpdateParamsItem = {}
    if change.item:
        asked["id"] = change.item
    if change.remove:
        asked["deleted"] = True
        return asked
    if change.price:
        asked["price"] = change.price
    if change.quantity is not None:
        asked["quantity"] = change.quantity
    return asked


def preview(order: PreviewOrder) -> wanted.InvoiceCreatePreviewParams:
    asked: wanted.InvoiceCreatePreviewParams = {}
    if order.subscription:
        asked["subscription"] = order.subscription
    else:
        asked["automatic_tax"] = {"enabled": order.automatic_tax}
    if order.customer:
        asked["customer"] = order.customer
    if order.address:
        asked["customer_details"] = _buyer(order)
    if order.currency:
        asked["currency"] = order.currency
    if details := _details(order):
        asked["subscription_details"] = details
    return asked


def _details(order: PreviewOrder) -> wanted.InvoiceCreatePreviewParamsSubscriptionDetails:
    details: wanted.InvoiceCreatePreviewParamsSubscriptionDetails = {}
    if order.changes:
        details["items"] = [update_line(change) for change in order.changes]
        details["proration_behavior"] = PAID_HOW[order.mode][0]
        if order.at and order.mode is not Mode.DECREASE:
            details["proration_date"] = seconds(order.at)
    if order.lines:
        details["items"] = [subscription_line(line) for line in order.lines]  # type: ignore[misc]  # the same words
    return details


def _buyer(order: PreviewOrder) -> wanted.InvoiceCreatePreviewParamsCustomerDetails:
    told: wanted.InvoiceCreatePreviewParamsCustomerDetails = {"address": address(order.address)}
    if order.tax_id:
        kind, value = order.tax_id
        told["tax_ids"] = [{"type": kind, "value": value}]
    return told
