"""Who pays, and what they are about to buy."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models.plans import Plan
from billing.vocabulary import IntentState, Interval, Method
from orgs.models import Organization


class Customer(models.Model):
    """An organization as Stripe knows it. One is current; those before it were deleted there, and stay for history.

    ``compared_at``: when Stripe was last asked what it has bought, so that nothing older is unknown here.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="customers")
    stripe_id = models.CharField(_("customer at Stripe"), max_length=100, unique=True)
    livemode = models.BooleanField(_("live"))
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    email = models.EmailField(_("billing address"), blank=True)
    name = models.CharField(_("name on invoices"), max_length=200, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    balance = models.BigIntegerField(_("balance"), default=0)
    is_current = models.BooleanField(_("current"), default=True)
    deleted_at = models.DateTimeField(_("deleted at Stripe"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    compared_at = models.DateTimeField(_("last compared"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [
            models.UniqueConstraint(fields=["organization"], condition=Q(is_current=True), name="customer_one_current"),
        ]

    def __str__(self) -> str:
        return self.stripe_id


class TaxEvidence(models.Model):
    """What was known of a tax id from a time on. Rows are added and never changed: an old invoice rests on an old row.

    ``status`` is Stripe's word, ``removed`` when it is there no more.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="tax_evidence")
    kind = models.CharField(_("kind"), max_length=20)
    value = models.CharField(_("tax id"), max_length=100)
    country = models.CharField(_("country"), max_length=2, blank=True)
    status = models.CharField(_("status"), max_length=20)
    seen_at = models.DateTimeField(_("seen"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("tax evidence")
        verbose_name_plural = _("tax evidence")
        ordering = ["customer", "kind", "value", "seen_at", "pk"]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}: {self.status}"


class Intent(models.Model):
    """A purchase with its terms frozen: at most one is open for an organization. Its ``key`` is the idempotency key.

    By card: ``session`` and ``url`` are Checkout's. By invoice: ``number`` is the quote's, ``purchase_order`` what the
    buyer calls it. ``seats`` and ``roots`` are whole quantities, what is included among them. ``total`` is before tax;
    ``tax`` is null where it was not known when the quote was made.
    """

    key = models.UUIDField(_("key"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="intents")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(_("state"), max_length=20, choices=IntentState.choices, default=IntentState.OPEN)
    method = models.CharField(_("method"), max_length=10, choices=Method.choices)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="intents")
    interval = models.CharField(_("interval"), max_length=10, choices=Interval.choices)
    currency = models.CharField(_("currency"), max_length=3)
    seats = models.PositiveIntegerField(_("seats"))
    roots = models.PositiveIntegerField(_("root namespaces"))
    total = models.PositiveBigIntegerField(_("total before tax"))
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, null=True, blank=True, related_name="intents")
    session = models.CharField(_("checkout session"), max_length=200, blank=True, db_index=True)
    url = models.URLField(_("where it is paid"), max_length=2000, blank=True)
    subscription = models.CharField(_("subscription"), max_length=100, blank=True, db_index=True)
    number = models.CharField(_("quote"), max_length=30, blank=True)
    purchase_order = models.CharField(_("purchase order"), max_length=60, blank=True)
    billing_name = models.CharField(_("name on the invoice"), max_length=200, blank=True)
    billing_email = models.EmailField(_("address for invoices"), blank=True)
    billing_address = models.JSONField(_("address"), default=dict, blank=True)
    tax_id = models.CharField(_("tax id"), max_length=40, blank=True, db_default="")
    tax = models.BigIntegerField(_("tax as it was quoted"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"))
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    reason = models.CharField(_("why it ended"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("purchase intent")
        verbose_name_plural = _("purchase intents")
        constraints = [
            models.CheckConstraint(name="intent_state_known", condition=Q(state__in=IntentState.values)),
            models.CheckConstraint(name="intent_method_known", condition=Q(method__in=Method.values)),
            models.CheckConstraint(name="intent_interval_known", condition=Q(interval__in=Interval.values)),
            models.CheckConstraint(name="intent_has_a_seat", condition=Q(seats__gte=1)),
            models.UniqueConstraint(
                fields=["organization"], condition=Q(state__in=["quoted", "open"]), name="intent_one_open"
            ),
            models.UniqueConstraint(fields=["session"], condition=~Q(session=""), name="intent_session_once"),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="intent_quote_once"),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.plan_id}"


class Allowance(models.Model):
    """What staff grants by hand until a time: a standing without a payment, such as while a wire is on its way.

    Whoever approves is not who asked. ``seats`` and ``roots`` null: any number. Null ``approved_by``: it does not count
    yet.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="allowances")
    reason = models.CharField(_("reason"), max_length=500)
    seats = models.PositiveIntegerField(_("seats"), null=True, blank=True)
    roots = models.PositiveIntegerField(_("root namespaces"), null=True, blank=True)
    since = models.DateTimeField(_("since"), default=timezone.now)
    until = models.DateTimeField(_("until"), null=True, blank=True)
    intent = models.ForeignKey(Intent, on_delete=models.PROTECT, null=True, blank=True, related_name="allowances")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("allowance")
        verbose_name_plural = _("allowances")
        constraints = [
            models.CheckConstraint(
                name="allowance_by_two",
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("requested_by")),
            ),
            models.CheckConstraint(
                name="allowance_approved_with_time",
                condition=Q(approved_by__isnull=True, approved_at__isnull=True)
                | Q(approved_by__isnull=False, approved_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.reason}"
