"""Plans: what is sold, in versions. A customer keeps the version that was bought until told otherwise."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.vocabulary import Interval, Item, Tier


class Plan(models.Model):
    """One version of a tier. ``is_current`` is what new customers get; ``product`` is Stripe's id of
    that of which its seats are sold, empty until made; each item has a product of its own there."""

    tier = models.CharField(_("tier"), max_length=20, choices=Tier.choices)
    number = models.PositiveIntegerField(_("version"))
    roots_included = models.PositiveIntegerField(_("root namespaces included"), default=0)
    is_current = models.BooleanField(_("sold now"), default=True)
    product = models.CharField(_("product at Stripe"), max_length=100, blank=True)
    created_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        constraints = [
            models.CheckConstraint(name="plan_tier_known", condition=Q(tier__in=Tier.values)),
            models.UniqueConstraint(fields=["tier", "number"], name="plan_version_once"),
            models.UniqueConstraint(fields=["tier"], condition=Q(is_current=True), name="plan_one_current"),
        ]

    def __str__(self) -> str:
        return f"{self.tier} v{self.number}"


class Price(models.Model):
    """What one ``item`` of a plan costs for an interval, in minor units. Never changed: a new price is a new plan.

    ``lookup_key`` is how Stripe is asked for it; ``stripe_id`` is empty until it is made there.
    """

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="prices")
    item = models.CharField(_("item"), max_length=20, choices=Item.choices)
    currency = models.CharField(_("currency"), max_length=3)
    interval = models.CharField(_("interval"), max_length=10, choices=Interval.choices)
    amount = models.PositiveBigIntegerField(_("amount"))
    lookup_key = models.CharField(_("lookup key"), max_length=100, unique=True)
    stripe_id = models.CharField(_("price at Stripe"), max_length=100, blank=True, db_index=True)

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        constraints = [
            models.CheckConstraint(name="price_item_known", condition=Q(item__in=Item.values)),
            models.CheckConstraint(name="price_interval_known", condition=Q(interval__in=Interval.values)),
            models.CheckConstraint(name="price_currency_small", condition=Q(currency__regex=r"^[a-z]{3}$")),
            models.UniqueConstraint(fields=["plan", "item", "currency", "interval"], name="price_once"),
            models.UniqueConstraint(fields=["stripe_id"], condition=~Q(stripe_id=""), name="price_of_stripe_once"),
        ]

    def __str__(self) -> str:
        return self.lookup_key
