"""Grants, who shares them, and what was refused because of them."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import Deferrable, F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from namespaces import names
from namespaces.fields import span_field
from namespaces.states import ENFORCED, HOLDING, GrantState
from orgs.models import NORMALIZED_NAME, Organization, Team


class GrantQuerySet(models.QuerySet["Grant"]):
    def holding(self) -> GrantQuerySet:
        return self.filter(state__in=HOLDING)

    def enforceable(self) -> GrantQuerySet:
        """Those that are enforced now or as soon as their ``effective_at`` has come; what the public is shown."""
        return self.filter(state__in=ENFORCED)

    def covering(self, normalized: str) -> GrantQuerySet:
        """Those whose namespace covers the name, outermost first."""
        return self.filter(name__in=names.prefixes(normalized)).order_by("name")

    def within(self, namespace: str) -> GrantQuerySet:
        """Those strictly below the namespace, by name."""
        low, high = names.interval(namespace)
        return self.filter(name__gte=low, name__lt=high).order_by("name")

    def overlapping(self, namespace: str) -> GrantQuerySet:
        """Those above, at or below the namespace."""
        low, high = names.interval(namespace)
        return self.filter(Q(name__gte=low, name__lt=high) | Q(name__in=names.prefixes(namespace)))

    def tree(self, root: Grant) -> GrantQuerySet:
        """A root grant with its children."""
        return self.filter(Q(pk=root.pk) | Q(root=root))


class Grant(models.Model):
    """A namespace held by an organization (PEP 752, "Semantics").

    ``root`` is null for a root grant; a child names the root it stands under, whatever stands between. PEP 752's rule
    that grants must not overlap in ownership is the constraint ``grant_no_foreign_overlap``: no two holding grants
    with overlapping names have different owners, in whatever order and however concurrently they are made.
    """

    name = models.CharField(_("namespace"), max_length=names.MAX_LENGTH, db_collation="C")
    display_name = models.CharField(_("as its holder writes it"), max_length=names.MAX_LENGTH)
    owner = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="grants", verbose_name=_("owner"))
    root = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    state = models.CharField(_("state"), max_length=20, choices=GrantState.choices)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    state_changed_at = models.DateTimeField(_("in this state since"), default=timezone.now)
    effective_at = models.DateTimeField(_("enforced from"), null=True, blank=True)
    span = span_field()

    objects: ClassVar[models.Manager[Grant]] = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        constraints = [
            ExclusionConstraint(
                name="grant_no_foreign_overlap",
                expressions=[("span", "&&"), ("owner", "<>")],
                condition=Q(state__in=HOLDING),
                # Judged at the end of each statement, so that a transfer moves a whole tree in one.
                deferrable=Deferrable.IMMEDIATE,
            ),
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(state__in=HOLDING),
                # All that a check reads of a grant, so that it reads the index alone.
                include=["state", "effective_at", "owner", "id"],
                name="grant_name_unique",
            ),
            models.CheckConstraint(name="grant_name_normalized", condition=Q(name__regex=NORMALIZED_NAME)),
            models.CheckConstraint(name="grant_state_known", condition=Q(state__in=GrantState.values)),
            models.CheckConstraint(
                name="grant_enforced_has_effective_at",
                condition=~Q(state__in=ENFORCED) | Q(effective_at__isnull=False),
            ),
            models.CheckConstraint(name="grant_not_its_own_root", condition=~Q(root=F("id"))),
        ]
        indexes = [models.Index(fields=["owner", "state"], name="grant_by_owner")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_root(self) -> bool:
        return self.root_id is None


class ShareQuerySet(models.QuerySet["Share"]):
    def current(self) -> ShareQuerySet:
        """Those that have not expired."""
        return self.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now()))

    def expired(self) -> ShareQuerySet:
        return self.filter(expires_at__lte=timezone.now())


class Share(models.Model):
    """Permission of another organization to use a grant, until ``expires_at`` where that is set."""

    grant = models.ForeignKey(Grant, on_delete=models.CASCADE, related_name="shares")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="shares")
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)

    objects: ClassVar[models.Manager[Share]] = ShareQuerySet.as_manager()

    class Meta:
        verbose_name = _("share")
        verbose_name_plural = _("shares")
        constraints = [models.UniqueConstraint(fields=["grant", "organization"], name="share_unique")]

    def __str__(self) -> str:
        return f"{self.grant_id} to {self.organization_id}"


class TeamGrant(models.Model):
    """The publishing right of a team of a holder on a grant. Older ones do not know since when."""

    grant = models.ForeignKey(Grant, on_delete=models.CASCADE, related_name="team_grants")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="team_grants")
    created_at = models.DateTimeField(_("created"), default=timezone.now, null=True, editable=False)

    class Meta:
        verbose_name = _("publishing right")
        verbose_name_plural = _("publishing rights")
        constraints = [models.UniqueConstraint(fields=["grant", "team"], name="team_grant_unique")]

    def __str__(self) -> str:
        return f"{self.team_id} on {self.grant_id}"


class Transfer(models.Model):
    """An offer of a root grant, with all that stands under it, to another organization."""

    grant = models.ForeignKey(Grant, on_delete=models.CASCADE, related_name="transfers")
    to = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="transfers_offered")
    offered_at = models.DateTimeField(_("offered"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"))

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        constraints = [models.UniqueConstraint(fields=["grant"], name="transfer_one_at_a_time")]

    def __str__(self) -> str:
        return f"{self.grant_id} to {self.to_id}"


class BlockedAttempt(models.Model):
    """Uploads of one name by one publisher that were refused, counted."""

    namespace = models.CharField(_("namespace"), max_length=names.MAX_LENGTH, db_collation="C")
    project = models.CharField(_("project"), max_length=names.MAX_LENGTH, db_collation="C")
    publisher = models.CharField(_("publisher"), max_length=300)
    reason = models.CharField(_("reason"), max_length=20)
    count = models.PositiveIntegerField(_("count"), default=1)
    first_at = models.DateTimeField(_("first"), default=timezone.now)
    last_at = models.DateTimeField(_("last"), default=timezone.now)

    class Meta:
        verbose_name = _("blocked attempt")
        verbose_name_plural = _("blocked attempts")
        constraints = [
            models.UniqueConstraint(
                fields=["namespace", "project", "publisher", "reason"], name="blocked_attempt_unique"
            )
        ]
        indexes = [models.Index(fields=["last_at"], name="blocked_attempt_last")]

    def __str__(self) -> str:
        return f"{self.project} by {self.publisher}"
