"""The closed vocabularies of billing. Pure data: the database, the services and the pages are made from these."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Tier(models.TextChoices):
    COMMUNITY = "community", _("Community")
    TEAM = "team", _("Team")
    BUSINESS = "business", _("Business")
    ENTERPRISE = "enterprise", _("Enterprise")


class Interval(models.TextChoices):
    MONTH = "month", _("Monthly")
    YEAR = "year", _("Yearly")


class Item(models.TextChoices):
    """What is counted, and paid for."""

    SEAT = "seat", _("Seat")
    ROOT = "root", _("Root namespace")
    SERVED = "served", _("Gigabytes served")


class Method(models.TextChoices):
    CARD = "card", _("By card, at once")
    INVOICE = "invoice", _("By invoice, within 30 days")


class IntentState(models.TextChoices):
    """A purchase. ``quoted`` waits for the buyer's purchase order, ``open`` for the payment."""

    QUOTED = "quoted", _("Quoted")
    OPEN = "open", _("Open")
    COMPLETED = "completed", _("Completed")
    EXPIRED = "expired", _("Expired")
    CANCELLED = "cancelled", _("Cancelled")
    REVERSED = "reversed", _("Paid twice, and given back")


class JobState(models.TextChoices):
    """A row that a worker has to do something about: an event that came, a call that is to be made."""

    PENDING = "pending", _("Waiting")
    DONE = "done", _("Done")
    IGNORED = "ignored", _("Ignored")
    DEAD = "dead", _("Given up")


class CallKind(models.TextChoices):
    """Writes to Stripe that are made by a worker, and made again until they are done."""

    SET_QUANTITIES = "set_quantities", _("Set the quantities")
    CHANGE_PLAN = "change_plan", _("Change the plan")
    CANCEL = "cancel", _("Cancel at the end of the period")
    CANCEL_NOW = "cancel_now", _("Cancel at once, and give the rest back")
    RESUME = "resume", _("Take back the cancellation")
    OPEN_INVOICED = "open_invoiced", _("Open a subscription by invoice")
    MARK_PAID = "mark_paid", _("Record a wire")
    CREDIT = "credit", _("Give money back by a credit note")
    DESCRIBE_CUSTOMER = "describe_customer", _("Tell who the customer is")
    REPORT_USAGE = "report_usage", _("Report what was served")
    EXPIRE_SESSION = "expire_session", _("End a checkout that is not wanted any more")


class Means(models.TextChoices):
    """How a cost of the index is borne."""

    PAID = "paid", _("Paid with money")
    IN_KIND = "in_kind", _("Given in kind")
