"""Stripe's objects as they were when we last asked. Only the functions that ask write here."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models.plans import Plan, Price
from billing.models.purchases import Customer
from billing.vocabulary import Item
from orgs.models import Organization

LIVE = ("active", "trialing", "past_due", "unpaid", "incomplete", "paused")
"""Statuses of a subscription that is not over: none of them lets another one be bought."""


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def live(self) -> SubscriptionQuerySet:
        return self.filter(status__in=LIVE)


class Subscription(models.Model):
    """``status`` is Stripe's word, whatever it is. ``unpaid_since`` is when the oldest payment that is open was due.

    ``problems`` are sentences for staff: a price that nobody knows, an item twice. ``plan`` is null where they leave it
    open. ``paid_plan`` is the one before it, until the invoice of a better one is paid; null where it was never
    compared. ``ends_at`` is when it will end by a cancellation, whichever of Stripe's two fields says so.
    """

    stripe_id = models.CharField(_("subscription at Stripe"), max_length=100, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="subscriptions")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="subscriptions")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, null=True, blank=True, related_name="subscriptions")
    paid_plan = models.ForeignKey(Plan, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(_("status"), max_length=40)
    livemode = models.BooleanField(_("live"))
    currency = models.CharField(_("currency"), max_length=3)
    interval = models.CharField(_("interval"), max_length=10, blank=True)
    collection_method = models.CharField(_("collected"), max_length=30)
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)
    canceled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    period_start = models.DateTimeField(_("period from"), null=True, blank=True)
    period_end = models.DateTimeField(_("period to"), null=True, blank=True)
    latest_invoice = models.CharField(_("latest invoice"), max_length=100, blank=True)
    unpaid_since = models.DateTimeField(_("unpaid since"), null=True, blank=True)
    pending_until = models.DateTimeField(_("a change waits for its payment until"), null=True, blank=True)
    problems = models.JSONField(_("problems"), default=list, blank=True)
    started_at = models.DateTimeField(_("started"))
    synced_at = models.DateTimeField(_("last compared"), default=timezone.now)
    raw = models.JSONField(_("as Stripe has it"), default=dict)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        indexes = [models.Index(fields=["organization", "status"])]

    def __str__(self) -> str:
        return self.stripe_id

    @property
    def is_live(self) -> bool:
        return self.status in LIVE


class SubscriptionItem(models.Model):
    """How many of what. ``quantity`` is what the next invoice will bill; ``paid_quantity`` what is paid in this period
    and may be used until its end, the higher one after a decrease, the lower one until an increase is paid; of
    namespaces, beside those that the plan includes which is paid."""

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="items")
    stripe_id = models.CharField(_("item at Stripe"), max_length=100, unique=True)
    item = models.CharField(_("item"), max_length=20, choices=Item.choices, blank=True)
    price = models.ForeignKey(Price, on_delete=models.PROTECT, null=True, blank=True, related_name="items")
    quantity = models.PositiveIntegerField(_("quantity"), default=0)
    paid_quantity = models.PositiveIntegerField(_("paid"), default=0)
    pending_quantity = models.PositiveIntegerField(_("waiting for payment"), null=True, blank=True)

    class Meta:
        verbose_name = _("item of a subscription")
        verbose_name_plural = _("items of subscriptions")

    def __str__(self) -> str:
        return f"{self.quantity} × {self.item}"


class Invoice(models.Model):
    """``status`` is Stripe's word. All amounts are minor units (``billing.money``), not as Stripe writes them."""

    stripe_id = models.CharField(_("invoice at Stripe"), max_length=100, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="invoices")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="invoices")
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, null=True, blank=True, related_name="invoices"
    )
    number = models.CharField(_("number"), max_length=60, blank=True)
    status = models.CharField(_("status"), max_length=30)
    currency = models.CharField(_("currency"), max_length=3)
    collection_method = models.CharField(_("collected"), max_length=30)
    billing_reason = models.CharField(_("reason"), max_length=60, blank=True)
    subtotal = models.BigIntegerField(_("before tax"))
    discount = models.BigIntegerField(_("discount"), default=0)
    tax = models.BigIntegerField(_("tax"), default=0)
    total = models.BigIntegerField(_("total"))
    amount_due = models.BigIntegerField(_("to pay"))
    amount_paid = models.BigIntegerField(_("paid"))
    amount_remaining = models.BigIntegerField(_("still to pay"))
    created = models.DateTimeField(_("created"))
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    finalized_at = models.DateTimeField(_("final since"), null=True, blank=True)
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)
    period_start = models.DateTimeField(_("period from"))
    period_end = models.DateTimeField(_("period to"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    hosted_url = models.URLField(_("page at Stripe"), max_length=2000, blank=True)
    pdf_url = models.URLField(_("PDF at Stripe"), max_length=2000, blank=True)
    purchase_order = models.CharField(_("purchase order"), max_length=60, blank=True)
    last_error = models.CharField(_("why it is not final"), max_length=500, blank=True)
    lines = models.JSONField(_("lines"), default=list)
    taxes = models.JSONField(_("taxes"), default=list)
    synced_at = models.DateTimeField(_("last compared"), default=timezone.now)
    raw = models.JSONField(_("as Stripe has it"), default=dict)

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        indexes = [
            models.Index(fields=["organization", "-created"]),
            models.Index(fields=["status"], condition=Q(status="open"), name="invoice_open"),
        ]

    def __str__(self) -> str:
        return self.number or self.stripe_id


class Wanted(models.Model):
    """What an organization wants to have of each item: the number that Stripe is told, absolute, under its lock.

    ``plan`` and ``interval`` are null and empty but while a change of these is under way, which takes effect at
    ``due_at``.
    """

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="wanted")
    seats = models.PositiveIntegerField(_("seats"))
    roots = models.PositiveIntegerField(_("root namespaces"))
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    interval = models.CharField(_("interval"), max_length=10, blank=True)
    due_at = models.DateTimeField(_("takes effect"), null=True, blank=True)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)

    class Meta:
        verbose_name = _("wanted quantities")
        verbose_name_plural = _("wanted quantities")

    def __str__(self) -> str:
        return f"{self.seats} seats, {self.roots} roots"
