"""Organizations, the names they ever had, and the recovery of one whose owners are gone."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orgs.vocabulary import Kind, RecoveryState, Standing, State

NORMALIZED_NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"


class Organization(models.Model):
    """A company or a community project that may hold namespaces.

    ``standing`` is the billing health as last decided; community organizations are always ``good``. ``seats`` is how
    many memberships it may have, null for any number; the database keeps to it. An organization is never deleted: a
    ``closed`` one keeps its name from others.
    """

    name = models.CharField(_("name"), max_length=100, unique=True, db_collation="C")
    display_name = models.CharField(_("display name"), max_length=200)
    description = models.CharField(_("description"), max_length=500, blank=True, db_default="")
    website = models.URLField(_("website"), max_length=300, blank=True, db_default="")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.APPLIED)
    standing = models.CharField(_("standing"), max_length=20, choices=Standing.choices, default=Standing.GOOD)
    requires_second_factor = models.BooleanField(
        _("members need two-step verification"), default=False, db_default=False
    )
    is_sponsor = models.BooleanField(_("recognized fiscal sponsor"), default=False, db_default=False)
    seats = models.PositiveIntegerField(_("seats"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")
        constraints = [
            models.CheckConstraint(name="organization_name_normalized", condition=Q(name__regex=NORMALIZED_NAME)),
            models.CheckConstraint(name="organization_kind_known", condition=Q(kind__in=Kind.values)),
            models.CheckConstraint(name="organization_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(name="organization_standing_known", condition=Q(standing__in=Standing.values)),
            models.CheckConstraint(
                name="organization_community_in_good_standing",
                condition=~Q(kind=Kind.COMMUNITY) | Q(standing=Standing.GOOD),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def may_hold(self) -> bool:
        """In a state to receive namespaces: active, and nothing owed."""
        return self.state == State.ACTIVE and self.standing == Standing.GOOD


class OrganizationName(models.Model):
    """A name that an organization has or ever had. Written by a trigger; a name is never given to another.

    ``organization`` is null when there is no such organization any more: the name stays taken.
    """

    name = models.CharField(_("name"), max_length=100, unique=True, db_collation="C")
    organization = models.ForeignKey(Organization, on_delete=models.SET_NULL, null=True, related_name="names")
    since = models.DateTimeField(_("since"), db_default=models.functions.Now(), editable=False)

    class Meta:
        verbose_name = _("organization name")
        verbose_name_plural = _("organization names")

    def __str__(self) -> str:
        return self.name


class Recovery(models.Model):
    """Somebody's request to become owner of an organization whose owners are gone (DESIGN section 7).

    They prove one of its domains anew by ``challenge`` (``proving``), then everybody concerned is told and a waiting
    period runs until ``due_at`` (``waiting``), in which any owner can oppose and staff can veto. ``notices`` is how
    often everybody was told, last at ``noticed_at``.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="recoveries")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recoveries")
    domain = models.CharField(_("domain"), max_length=253, db_collation="C")
    challenge = models.CharField(_("challenge"), max_length=64, editable=False)
    state = models.CharField(_("state"), max_length=20, choices=RecoveryState.choices, default=RecoveryState.PROVING)
    requested_at = models.DateTimeField(_("requested"), default=timezone.now, editable=False)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    notices = models.PositiveSmallIntegerField(_("notices sent"), default=0)
    noticed_at = models.DateTimeField(_("last notice"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    OPEN: ClassVar[tuple[RecoveryState, ...]] = (RecoveryState.PROVING, RecoveryState.WAITING)

    class Meta:
        verbose_name = _("recovery")
        verbose_name_plural = _("recoveries")
        constraints = [
            models.CheckConstraint(name="recovery_state_known", condition=Q(state__in=RecoveryState.values)),
            models.UniqueConstraint(
                fields=["organization", "user"],
                condition=Q(state__in=["proving", "waiting"]),
                name="recovery_one_open",
            ),
            models.CheckConstraint(
                name="recovery_waiting_has_due", condition=~Q(state="waiting") | Q(due_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id} by {self.user_id}"

    @property
    def is_open(self) -> bool:
        """Not decided yet."""
        return self.state in self.OPEN
