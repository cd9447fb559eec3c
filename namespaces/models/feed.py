"""The feed of changes, and who is told of them."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from namespaces import names


class Revision(models.Model):
    """One row: the number that grows with every change that can alter a decision. Written by triggers alone."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    value = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(name="revision_one_row", condition=Q(id=1))]

    def __str__(self) -> str:
        return str(self.value)


class Change(models.Model):
    """One entry of the feed: this thing is not as it was. Written by triggers alone.

    ``revision`` is given out as the transaction commits, under a lock that is held until it has, so that revisions
    become visible in their order and a reader who has seen one has seen all before it.
    """

    class Kind(models.TextChoices):
        GRANT = "grant", _("Grant")
        ORGANIZATION = "organization", _("Organization")
        PROJECT = "project", _("Project")
        PROJECTS = "projects", _("Many projects")

    revision = models.BigIntegerField(null=True, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    name = models.CharField(max_length=names.MAX_LENGTH, blank=True, db_collation="C")
    at = models.DateTimeField(db_default=Func(function="statement_timestamp", template="%(function)s()"))

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="change_kind_known", condition=Q(kind__in=["grant", "organization", "project", "projects"])
            )
        ]

    def __str__(self) -> str:
        return f"{self.revision}: {self.kind} {self.name}"


class PurgeEndpointQuerySet(models.QuerySet["PurgeEndpoint"]):
    def due(self) -> PurgeEndpointQuerySet:
        """Those to which something may be sent now."""
        return self.filter(disabled_at__isnull=True, next_attempt_at__lte=timezone.now())


class PurgeEndpoint(models.Model):
    """An address that is told which cached answers a change concerns (``docs/cdn.md``).

    It has been told of everything up to ``delivered_revision``. ``secrets`` holds the one that signs and, after a
    rotation, the one before it. They are kept in clear, for a signature can't be made with a hash: they let who has
    them send purges to the receiver, and nothing else. They go into no log, no audit event and no error.
    """

    url = models.CharField(_("address"), max_length=500)
    secrets = ArrayField(models.CharField(max_length=100), verbose_name=_("secrets"), editable=False)
    delivered_revision = models.BigIntegerField(_("told up to"))
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    next_attempt_at = models.DateTimeField(_("not before"), default=timezone.now)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    disabled_at = models.DateTimeField(_("given up"), null=True, blank=True)

    objects: ClassVar[models.Manager[PurgeEndpoint]] = PurgeEndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("purge webhook")
        verbose_name_plural = _("purge webhooks")
        constraints = [
            models.CheckConstraint(
                name="purge_endpoint_has_secrets", condition=Q(secrets__len__gt=0) & Q(secrets__len__lte=2)
            )
        ]

    def __str__(self) -> str:
        return f"purge webhook {self.pk}"
