"""What it costs to run the index, and whether everybody may see how it is covered."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.vocabulary import Means


class IndexCost(models.Model):
    """What one ``category`` cost in one month, in minor units. ``month`` is its first day.

    What somebody gave in kind, such as bandwidth, is worth what it would have cost.
    """

    month = models.DateField(_("month"))
    category = models.CharField(_("category"), max_length=60)
    means = models.CharField(_("means"), max_length=10, choices=Means.choices)
    giver = models.CharField(_("given by"), max_length=100, blank=True)
    amount = models.PositiveBigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    entered_by = models.CharField(_("entered by"), max_length=300)
    entered_at = models.DateTimeField(_("entered"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("cost of the index")
        verbose_name_plural = _("costs of the index")
        constraints = [
            models.CheckConstraint(name="cost_means_known", condition=Q(means__in=Means.values)),
            models.CheckConstraint(name="cost_of_a_month", condition=Q(month__day=1)),
            models.CheckConstraint(name="cost_currency_small", condition=Q(currency__regex=r"^[a-z]{3}$")),
            models.UniqueConstraint(fields=["month", "category", "means", "giver", "currency"], name="cost_once"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.category}"


class Openness(models.Model):
    """Whether the page on sustainability is public, and in which currency it is reckoned. One row."""

    is_public = models.BooleanField(_("public"), default=False)
    currency = models.CharField(_("currency"), max_length=3, default="usd")

    class Meta:
        verbose_name = _("openness")
        verbose_name_plural = _("openness")
        constraints = [models.CheckConstraint(name="openness_one", condition=Q(pk=1))]

    def __str__(self) -> str:
        return "public" if self.is_public else "for staff"
