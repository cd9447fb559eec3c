"""Organizations, who is in them, what may act for them, and the trail of what was done."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orgs.vocabulary import Kind, Role, Scope, Standing, State

NORMALIZED_NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"


class Organization(models.Model):
    """A company or a community project that may hold namespaces.

    ``standing`` is the billing health as last decided; community organizations are always ``good``.
    """

    name = models.CharField(_("name"), max_length=100, unique=True, db_collation="C")
    display_name = models.CharField(_("display name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.APPLIED)
    standing = models.CharField(_("standing"), max_length=20, choices=Standing.choices, default=Standing.GOOD)
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


class Membership(models.Model):
    """A user in an organization. All rights of the user there derive from this row and go with it."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["user", "organization"], name="membership_unique"),
            models.CheckConstraint(name="membership_role_known", condition=Q(role__in=Role.values)),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.organization_id} as {self.role}"


class Team(models.Model):
    """A named set of memberships of one organization."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(_("name"), max_length=100)
    members: models.ManyToManyField[Membership, TeamMember] = models.ManyToManyField(
        Membership, through="TeamMember", related_name="teams"
    )

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="team_name_unique")]

    def __str__(self) -> str:
        return self.name


class TeamMember(models.Model):
    """A membership in a team of the same organization: who leaves the organization leaves its teams."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="team_members")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="team_memberships")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["membership", "team"], name="team_member_unique")]

    def __str__(self) -> str:
        return f"{self.membership_id} in {self.team_id}"


class TrustedPublisher(models.Model):
    """An outside identity that may publish for the organization: an issuer, and claims that its tokens must carry.

    ``claims`` maps a claim's name to the exact string that is expected; a value that ends in ``*`` matches by what
    stands before it. All of them must match, and there is at least one.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="trusted_publishers")
    issuer = models.CharField(_("issuer"), max_length=500, db_collation="C")
    claims = models.JSONField(_("claims"))

    class Meta:
        verbose_name = _("trusted publisher")
        verbose_name_plural = _("trusted publishers")
        indexes = [models.Index(fields=["organization", "issuer"], name="trusted_publisher_lookup")]
        constraints = [
            models.UniqueConstraint(fields=["organization", "issuer", "claims"], name="trusted_publisher_unique"),
            models.CheckConstraint(name="trusted_publisher_claims_not_empty", condition=~Q(claims={})),
        ]

    def __str__(self) -> str:
        return self.issuer


class ServiceToken(models.Model):
    """A secret by which an index speaks to us. Only its SHA-256 is stored."""

    name = models.CharField(_("name"), max_length=100)
    digest = models.BinaryField(_("digest"), max_length=32, unique=True, editable=False)
    hint = models.CharField(_("last characters"), max_length=4)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices), verbose_name=_("scopes"))
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta:
        verbose_name = _("service token")
        verbose_name_plural = _("service tokens")
        constraints = [
            models.CheckConstraint(
                name="service_token_scopes_known",
                condition=Q(scopes__contained_by=Scope.values) & Q(scopes__len__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (…{self.hint})"


class AuditEvent(models.Model):
    """What was done: who, what, to what, before and after, when, from where.

    Append-only in the database. ``position`` and ``hash`` are set by the database as the transaction commits: each
    hash covers the event and the hash before it, so that an event that is changed or taken out breaks the chain.
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
