"""Grants, who shares them, the mirror of the index's projects, and the feed of changes."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Deferrable, F, Func, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from namespaces import names
from namespaces.fields import span_field
from namespaces.states import ENFORCED, HOLDING, GrantState
from orgs.models import NORMALIZED_NAME, Organization, Team

OWNER_TEXT = r"^(user:.+|[a-z0-9]+(-[a-z0-9]+)*)?$"


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
    """The publishing right of a team of a holder on a grant."""

    grant = models.ForeignKey(Grant, on_delete=models.CASCADE, related_name="team_grants")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="team_grants")

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


class ProjectQuerySet(models.QuerySet["Project"]):
    def under(self, namespace: str) -> ProjectQuerySet:
        """Those that the namespace covers, by name.

        As one interval, ``[foo, foo.)``: between ``foo`` and ``foo-`` there is no normalized name. So the first of them
        come straight from the index, in order; ``name = 'foo' OR name >= 'foo-' …`` would sort them all.
        """
        return self.filter(name__gte=namespace, name__lt=names.interval(namespace)[1]).order_by("name")


class Project(models.Model):
    """A project on the index, mirrored.

    ``owner`` is the name of the organization that owns it, or ``user:`` and an index user name, or empty when nobody
    has said. A prefix keeps a person who is called like an organization apart from it: no name has a colon.
    """

    name = models.CharField(_("name"), max_length=names.MAX_LENGTH, db_collation="C")
    owner = models.CharField(_("owner"), max_length=120, blank=True, default="", db_collation="C")
    first_uploaded = models.DateTimeField(_("first uploaded"))

    objects: ClassVar[models.Manager[Project]] = ProjectQuerySet.as_manager()

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        constraints = [
            models.UniqueConstraint(fields=["name"], include=["owner", "first_uploaded"], name="project_name_unique"),
            models.CheckConstraint(name="project_name_normalized", condition=Q(name__regex=NORMALIZED_NAME)),
            models.CheckConstraint(name="project_owner_shape", condition=Q(owner__regex=OWNER_TEXT)),
        ]

    def __str__(self) -> str:
        return self.name


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


class Usage(models.Model):
    """What one project cost the index on one day, as the index reported it; the project need not be in the mirror."""

    day = models.DateField(_("day"))
    project = models.CharField(_("project"), max_length=names.MAX_LENGTH, db_collation="C")
    bytes = models.BigIntegerField(_("bytes"))
    downloads = models.BigIntegerField(_("downloads"))

    class Meta:
        verbose_name = _("usage")
        verbose_name_plural = _("usage")
        constraints = [
            models.UniqueConstraint(fields=["day", "project"], name="usage_unique"),
            models.CheckConstraint(name="usage_project_normalized", condition=Q(project__regex=NORMALIZED_NAME)),
            models.CheckConstraint(name="usage_not_negative", condition=Q(bytes__gte=0) & Q(downloads__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.project} on {self.day}"
