"""What a worker has to do: events that came in, calls that go out, and what a comparison found."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.vocabulary import CallKind, JobState
from orgs.models import Organization


class Job(models.Model):
    """A row that one worker at a time takes by a lease; when the worker dies, the lease ends and another takes it."""

    state = models.CharField(_("state"), max_length=20, choices=JobState.choices, default=JobState.PENDING)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("not before"), default=timezone.now)
    leased_until = models.DateTimeField(_("in hand until"), null=True, blank=True)
    error = models.TextField(_("what went wrong"), blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        abstract = True


class Event(Job):
    """An event of Stripe's as it came: stored once, then only its object's id is used. ``note`` says why it was
    ignored; ``alert`` is set where staff should look."""

    stripe_id = models.CharField(_("event at Stripe"), max_length=100, unique=True)
    type = models.CharField(_("type"), max_length=100)
    object_id = models.CharField(_("object"), max_length=100, blank=True)
    object_type = models.CharField(_("type of the object"), max_length=60, blank=True)
    customer = models.CharField(_("customer"), max_length=100, blank=True)
    api_version = models.CharField(_("API version"), max_length=60, blank=True)
    account = models.CharField(_("account"), max_length=100, blank=True)
    livemode = models.BooleanField(_("live"))
    created = models.DateTimeField(_("created at Stripe"))
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    payload = models.JSONField(_("as it came"), default=dict)
    note = models.CharField(_("note"), max_length=300, blank=True)
    alert = models.BooleanField(_("staff should look"), default=False)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(state="pending"), name="event_pending"),
            models.Index(fields=["object_id"]),
            models.Index(fields=["-received_at"]),
        ]
        constraints = [models.CheckConstraint(name="event_state_known", condition=Q(state__in=JobState.values))]

    def __str__(self) -> str:
        return f"{self.stripe_id} {self.type}"


class Call(Job):
    """A write to Stripe that is to be made. ``key`` is its idempotency key, the same at each attempt. ``topic`` is what
    it is about: of the waiting ones of an organization there is one for each kind and topic."""

    key = models.UUIDField(_("key"), default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=30, choices=CallKind.choices)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="calls")
    topic = models.CharField(_("about"), max_length=100, blank=True)
    arguments = models.JSONField(_("arguments"), default=dict)
    result = models.JSONField(_("result"), default=dict)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("call to Stripe")
        verbose_name_plural = _("calls to Stripe")
        indexes = [models.Index(fields=["due_at", "id"], condition=Q(state="pending"), name="call_pending")]
        constraints = [
            models.CheckConstraint(name="call_state_known", condition=Q(state__in=JobState.values)),
            models.CheckConstraint(name="call_kind_known", condition=Q(kind__in=CallKind.values)),
            models.UniqueConstraint(
                fields=["organization", "kind", "topic"], condition=Q(state="pending"), name="call_one_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.organization_id}"


class Reconciliation(models.Model):
    """One comparison of everything, or of what changed lately. ``ended_at`` is null of one that broke off."""

    kind = models.CharField(_("kind"), max_length=20)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    compared = models.PositiveIntegerField(_("objects compared"), default=0)
    repaired = models.PositiveIntegerField(_("repaired"), default=0)
    open = models.PositiveIntegerField(_("left for staff"), default=0)
    error = models.CharField(_("error"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")
        indexes = [models.Index(fields=["-started_at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.started_at:%Y-%m-%d %H:%M}"


class Drift(models.Model):
    """Where ours was not Stripe's: what, which field, both values as text. Not ``repaired``: staff has to look."""

    run = models.ForeignKey(Reconciliation, on_delete=models.CASCADE, related_name="drifts")
    organization = models.ForeignKey(Organization, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    object_type = models.CharField(_("type"), max_length=60)
    object_id = models.CharField(_("object"), max_length=100)
    field = models.CharField(_("field"), max_length=60)
    ours = models.TextField(_("ours"), blank=True)
    theirs = models.TextField(_("Stripe’s"), blank=True)
    repaired = models.BooleanField(_("repaired"))
    settled_at = models.DateTimeField(_("looked into"), null=True, blank=True)

    class Meta:
        verbose_name = _("drift")
        verbose_name_plural = _("drifts")

    def __str__(self) -> str:
        return f"{self.object_type} {self.object_id}: {self.field}"


class Alert(models.Model):
    """Something that staff should look at. One for each ``key`` while it is open."""

    key = models.CharField(_("key"), max_length=200)
    text = models.CharField(_("what"), max_length=500)
    organization = models.ForeignKey(Organization, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    raised_at = models.DateTimeField(_("raised"), default=timezone.now)
    settled_at = models.DateTimeField(_("looked into"), null=True, blank=True)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=Q(settled_at__isnull=True), name="alert_once"),
        ]

    def __str__(self) -> str:
        return self.text


class Installation(models.Model):
    """With which account of Stripe's, and in which mode, this database belongs together. One row."""

    account = models.CharField(_("account"), max_length=100)
    livemode = models.BooleanField(_("live"))
    recorded_at = models.DateTimeField(_("recorded"), default=timezone.now)

    class Meta:
        verbose_name = _("installation")
        verbose_name_plural = _("installations")
        constraints = [models.CheckConstraint(name="installation_one", condition=Q(pk=1))]

    def __str__(self) -> str:
        return self.account
