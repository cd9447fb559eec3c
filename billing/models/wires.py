"""Money that came to the bank by itself."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models.mirror import Invoice


class Wire(models.Model):
    """What a bank statement has for an invoice; several may pay one. ``amount`` is in minor units of the invoice.

    ``settles`` is true of the one with which the invoice counts as paid, even where a little is missing. Rows are added
    and never changed.
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="wires")
    amount = models.PositiveBigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    reference = models.CharField(_("reference at the bank"), max_length=100)
    received_on = models.DateField(_("received"))
    settles = models.BooleanField(_("the invoice is paid by it"), default=False)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    recorded_at = models.DateTimeField(_("recorded"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("wire")
        verbose_name_plural = _("wires")
        constraints = [
            models.CheckConstraint(name="wire_has_an_amount", condition=Q(amount__gte=1)),
            models.UniqueConstraint(fields=["invoice", "reference"], name="wire_once"),
            models.UniqueConstraint(fields=["invoice"], condition=Q(settles=True), name="wire_settles_once"),
        ]

    def __str__(self) -> str:
        return f"{self.invoice_id}: {self.amount} {self.currency}"
