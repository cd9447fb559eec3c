"""The trail of what was done, and where organizations have it sent."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orgs import actions
from orgs.models.organizations import Organization


class AuditEvent(models.Model):
    """What was done: who, what, to what, before and after, when, from where.

    Append-only in the database. ``position`` and ``hash`` are set by the database as the transaction commits: each
    hash covers the event and the hash before it, so that an event that is changed or taken out breaks the chain.
    ``organization`` is the name it had then; names are never given to another, so they tell the organization.
    """

    position = models.BigIntegerField(null=True, unique=True, editable=False)
    at = models.DateTimeField(_("when"), default=timezone.now, editable=False)
    actor = models.CharField(_("who"), max_length=300)  # longer than the longest e-mail address
    action = models.CharField(_("what"), max_length=50)
    target = models.CharField(_("target"), max_length=300)
    organization = models.CharField(_("organization"), max_length=100, blank=True, db_collation="C")
    before = models.JSONField(_("before"), null=True)
    after = models.JSONField(_("after"), null=True)
    origin = models.CharField(_("from where"), max_length=100, blank=True)
    hash = models.BinaryField(_("hash"), max_length=32, null=True, editable=False)

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        indexes = [models.Index(fields=["organization", "-position"], name="audit_by_organization")]
        ordering: ClassVar[list[str]] = ["position"]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.target}"

    @property
    def in_words(self) -> str:
        """The action as it stands between who and to what."""
        return actions.in_words(self.action)

    @property
    def whom(self) -> str:
        """Who else it concerns, as the services write it down: a member of a team, or another organization."""
        facts = {**(self.before or {}), **(self.after or {})}
        return str(next((facts[part] for part in ("member", "with", "to") if facts.get(part)), ""))


class AuditEndpointQuerySet(models.QuerySet["AuditEndpoint"]):
    def due(self) -> AuditEndpointQuerySet:
        """Those to which something may be sent now."""
        return self.filter(disabled_at__isnull=True, next_attempt_at__lte=timezone.now())


class AuditEndpoint(models.Model):
    """An address of an organization to which its audit events are sent, signed (Standard Webhooks).

    It has been told of everything up to ``delivered_position``. ``secrets`` holds the one that signs and, after a
    rotation, the one before it; in clear, for a signature can't be made with a hash.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="audit_endpoints")
    url = models.CharField(_("address"), max_length=500)
    secrets = ArrayField(models.CharField(max_length=100), verbose_name=_("secrets"), editable=False)
    delivered_position = models.BigIntegerField(_("told up to"))
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    next_attempt_at = models.DateTimeField(_("not before"), default=timezone.now)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    disabled_at = models.DateTimeField(_("given up"), null=True, blank=True)

    objects: ClassVar[models.Manager[AuditEndpoint]] = AuditEndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit webhook")
        verbose_name_plural = _("audit webhooks")
        constraints = [
            models.CheckConstraint(
                name="audit_endpoint_has_secrets", condition=Q(secrets__len__gt=0) & Q(secrets__len__lte=2)
            )
        ]

    def __str__(self) -> str:
        return f"audit webhook {self.pk}"


class AuditDelivery(models.Model):
    """One attempt to send one event. ``status`` is null when no answer came."""

    endpoint = models.ForeignKey(AuditEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    position = models.BigIntegerField(_("event"))
    at = models.DateTimeField(_("when"), default=timezone.now)
    status = models.PositiveSmallIntegerField(_("status"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=500, blank=True)
    milliseconds = models.PositiveIntegerField(_("milliseconds"), default=0)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        indexes = [models.Index(fields=["endpoint", "-at"], name="audit_delivery_recent")]

    def __str__(self) -> str:
        return f"event {self.position} to {self.endpoint_id}"
