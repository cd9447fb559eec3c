"""The ledger: double entries that are written once. Triggers see to all of it (migration 0003_ledger)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.bookkeeping import Account, Posting
from orgs.models import Organization


class LedgerEntry(models.Model):
    """Something that happened, booked. ``source`` names it, so that it is booked once, however often it is seen.

    ``happened_at`` is when it did; ``booked_on`` the day it counts for, a later one if its month was closed by then.
    ``subject`` is the invoice it belongs to, ``reference`` the object at Stripe or the bank, ``document`` the number on
    paper, ``party`` the organization as it was called then. ``country`` and the tax id are what was known of the buyer.
    """

    source = models.CharField(_("source"), max_length=200, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Posting.choices)
    happened_at = models.DateTimeField(_("happened"))
    booked_on = models.DateField(_("booked"))
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, related_name="ledger_entries"
    )
    party = models.CharField(_("party"), max_length=200, blank=True)
    subject = models.CharField(_("invoice at Stripe"), max_length=100, blank=True)
    reference = models.CharField(_("object at Stripe"), max_length=200, blank=True)
    document = models.CharField(_("document"), max_length=100, blank=True)
    narration = models.CharField(_("what"), max_length=500)
    country = models.CharField(_("country"), max_length=2, blank=True)
    tax_id = models.CharField(_("tax id"), max_length=130, blank=True)
    tax_id_status = models.CharField(_("state of the tax id"), max_length=20, blank=True)
    written_at = models.DateTimeField(_("written"), default=timezone.now, editable=False)
    written_in = models.BigIntegerField(_("transaction"), default=0, editable=False)

    class Meta:
        verbose_name = _("entry of the ledger")
        verbose_name_plural = _("entries of the ledger")
        indexes = [
            models.Index(fields=["booked_on", "id"]),
            models.Index(fields=["subject"], condition=~Q(subject=""), name="ledgerentry_subject"),
            models.Index(fields=["reference"], condition=~Q(reference=""), name="ledgerentry_reference"),
        ]
        constraints = [
            models.CheckConstraint(name="ledgerentry_kind_known", condition=Q(kind__in=Posting.values)),
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.narration}"

    @property
    def number(self) -> str:
        """As the journal of an accounting program has it."""
        return f"FH-{self.pk:06}"

    @property
    def is_late(self) -> bool:
        return self.happened_at.date() < self.booked_on


class Deferral(models.Model):
    """Revenue that is earned day by day, from ``start`` until before ``end``. A negative one takes some of it back."""

    entry = models.ForeignKey(LedgerEntry, on_delete=models.PROTECT, related_name="deferrals")
    subject = models.CharField(_("invoice at Stripe"), max_length=100, db_index=True)
    line = models.CharField(_("line of the invoice"), max_length=100, blank=True)
    currency = models.CharField(_("currency"), max_length=3)
    amount = models.BigIntegerField(_("amount"))
    start = models.DateField(_("from"))
    end = models.DateField(_("until before"))

    class Meta:
        verbose_name = _("deferral")
        verbose_name_plural = _("deferrals")
        constraints = [
            models.CheckConstraint(name="deferral_lasts", condition=Q(end__gt=F("start"))),
            models.CheckConstraint(name="deferral_has_an_amount", condition=~Q(amount=0)),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}, {self.start} – {self.end}"


class LedgerLine(models.Model):
    """One account of an entry: a debit is positive, a credit negative. The lines of an entry add up to nothing in each
    currency. ``jurisdiction`` is of tax; ``deferral`` is what became earned."""

    entry = models.ForeignKey(LedgerEntry, on_delete=models.PROTECT, related_name="lines")
    account = models.CharField(_("account"), max_length=20, choices=Account.choices)
    currency = models.CharField(_("currency"), max_length=3)
    amount = models.BigIntegerField(_("amount"))
    jurisdiction = models.CharField(_("jurisdiction"), max_length=20, blank=True)
    deferral = models.ForeignKey(Deferral, on_delete=models.PROTECT, null=True, blank=True, related_name="lines")

    class Meta:
        verbose_name = _("line of the ledger")
        verbose_name_plural = _("lines of the ledger")
        indexes = [models.Index(fields=["account", "currency"])]
        constraints = [
            models.CheckConstraint(name="ledgerline_account_known", condition=Q(account__in=Account.values)),
            models.CheckConstraint(name="ledgerline_currency_small", condition=Q(currency__regex=r"^[a-z]{3}$")),
            models.UniqueConstraint(
                fields=["entry", "account", "currency", "jurisdiction", "deferral"],
                name="ledgerline_once",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.amount} {self.currency}"


class TaxRow(models.Model):
    """Tax on an invoice as it was computed, what is zero too: to whom, at which rate in percent, on how much, and why
    none. Negative on a credit note."""

    entry = models.ForeignKey(LedgerEntry, on_delete=models.PROTECT, related_name="taxes")
    jurisdiction = models.CharField(_("jurisdiction"), max_length=20, blank=True)
    rate = models.CharField(_("rate"), max_length=20, blank=True)
    currency = models.CharField(_("currency"), max_length=3)
    taxable = models.BigIntegerField(_("taxed"))
    amount = models.BigIntegerField(_("tax"))
    reason = models.CharField(_("reason"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("tax of an entry")
        verbose_name_plural = _("taxes of entries")

    def __str__(self) -> str:
        return f"{self.jurisdiction}: {self.amount} {self.currency}"


class ClosedMonth(models.Model):
    """A month into which nothing is booked any more. Months are closed in order, and never opened again."""

    month = models.DateField(_("month"), unique=True)
    closed_by = models.CharField(_("closed by"), max_length=300)
    closed_at = models.DateTimeField(_("closed"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("closed month")
        verbose_name_plural = _("closed months")
        constraints = [models.CheckConstraint(name="closedmonth_is_its_first_day", condition=Q(month__day=1))]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
