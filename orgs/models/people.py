"""People in organizations: memberships, teams of them, and invitations to become one."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orgs.models.organizations import Organization
from orgs.vocabulary import Role


class Membership(models.Model):
    """A user in an organization. All rights of the user there derive from this row and go with it.

    There is always an owner, and never more memberships than seats: the database sees to both.
    """

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
    description = models.CharField(_("description"), max_length=300, blank=True, db_default="")
    members: models.ManyToManyField[Membership, TeamMember] = models.ManyToManyField(
        Membership, through="TeamMember", related_name="teams"
    )

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        constraints = [models.UniqueConstraint("organization", Lower("name"), name="team_name_unique")]

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


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        """Those that can still be accepted."""
        return self.filter(expires_at__gt=timezone.now())


class Invitation(models.Model):
    """An offer of a membership, to an e-mail address or to an index user name; it is deleted when it is answered.

    Only the SHA-256 of the link's token is stored. It goes with the membership of whoever sent it; ``invited_by`` is
    null when the operator did.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(_("e-mail address"), blank=True)
    index_username = models.CharField(_("index user name"), max_length=100, blank=True, db_collation="C")
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    teams: models.ManyToManyField[Team, models.Model] = models.ManyToManyField(Team, related_name="invitations")
    digest = models.BinaryField(_("digest"), max_length=32, unique=True, editable=False)
    invited_by = models.ForeignKey(
        Membership, on_delete=models.CASCADE, null=True, blank=True, related_name="invitations_sent"
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    sent_at = models.DateTimeField(_("last sent"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))

    objects: ClassVar[models.Manager[Invitation]] = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.CheckConstraint(name="invitation_role_known", condition=Q(role__in=Role.values)),
            models.CheckConstraint(
                name="invitation_to_one",
                condition=(Q(email="") & ~Q(index_username="")) | (~Q(email="") & Q(index_username="")),
            ),
            models.UniqueConstraint(
                "organization", Lower("email"), condition=~Q(email=""), name="invitation_email_unique"
            ),
            models.UniqueConstraint(
                fields=["organization", "index_username"],
                condition=~Q(index_username=""),
                name="invitation_username_unique",
            ),
        ]
        indexes = [
            models.Index(fields=["email"], name="invitation_by_email"),
            models.Index(fields=["index_username"], name="invitation_by_username"),
        ]

    def __str__(self) -> str:
        return f"{self.addressee} to {self.organization_id}"

    @property
    def addressee(self) -> str:
        return self.email or self.index_username
