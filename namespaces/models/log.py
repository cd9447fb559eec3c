"""The public log of grants: what became of every namespace, for everybody to read and nobody to change."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from namespaces import names


class LogEntry(models.Model):
    """Written by a trigger alone, in the transaction of the change; the database takes no update and no deletion.

    ``id`` grows in the order of the commits (migration ``public_log``), so whoever has read up to one has missed none.
    ``organization`` is the name it had then; empty while a namespace is held, for who waits for it stays private.
    """

    class Change(models.TextChoices):
        HELD = "held", _("Approved, payment awaited")
        GRANTED = "granted", _("Granted")
        CHILD = "child", _("Divided off")
        ACTIVATED = "activated", _("Activated")
        LOCKED = "locked", _("Locked")
        UNLOCKED = "unlocked", _("Unlocked")
        QUARANTINED = "quarantined", _("Put into quarantine")
        REINSTATED = "reinstated", _("Taken back")
        TRANSFERRED = "transferred", _("Transferred")
        RELEASED = "released", _("Released")

    at = models.DateTimeField(_("at"))
    namespace = models.CharField(_("namespace"), max_length=names.MAX_LENGTH, db_collation="C")
    change = models.CharField(_("change"), max_length=20, choices=Change.choices)
    organization = models.CharField(_("organization"), max_length=100, db_collation="C")

    class Meta:
        verbose_name = _("log entry")
        verbose_name_plural = _("log entries")
        constraints = [
            models.CheckConstraint(
                name="log_entry_change_known",
                condition=Q(
                    change__in=[
                        "held",
                        "granted",
                        "child",
                        "activated",
                        "locked",
                        "unlocked",
                        "quarantined",
                        "reinstated",
                        "transferred",
                        "released",
                    ]
                ),
            )
        ]
        indexes = [
            models.Index(fields=["namespace", "-id"], name="log_entry_of_namespace"),
            models.Index(fields=["change", "-id"], name="log_entry_of_change"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.namespace} {self.change}"
