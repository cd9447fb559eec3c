"""The closed vocabularies of organizations: kinds, states, standings, roles, permissions (DESIGN section 7).

Pure data. The database, the checks, the pages and the tests' matrix are all made from what stands here.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    COMPANY = "company", _("Company")
    COMMUNITY = "community", _("Community project")


class State(models.TextChoices):
    APPLIED = "applied", _("Applied")
    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    CLOSED = "closed", _("Closed")


class Standing(models.TextChoices):
    GOOD = "good", _("Good")
    GRACE = "grace", _("Grace period")
    LAPSED = "lapsed", _("Lapsed")


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    MANAGER = "manager", _("Manager")
    BILLING = "billing", _("Billing")
    MEMBER = "member", _("Member")


class Permission(models.TextChoices):
    VIEW = "view", _("See the organization, people, teams, namespaces")
    MANAGE_PEOPLE = "manage_people", _("Invite, remove, change roles; settings; delete")
    MANAGE_TEAMS = "manage_teams", _("Teams and their publishing rights; child grants; trusted publishers")
    MANAGE_NAMESPACES = "manage_namespaces", _("Claims, shares, transfers, release; API tokens")
    PUBLISH = "publish", _("Publish new projects in any namespace")
    MANAGE_BILLING = "manage_billing", _("Plan, invoices, tax details, cancel")
    VIEW_AUDIT = "view_audit", _("Audit trail")


ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.MANAGER: frozenset(
        {Permission.VIEW, Permission.MANAGE_TEAMS, Permission.PUBLISH, Permission.VIEW_AUDIT},
    ),
    Role.BILLING: frozenset({Permission.VIEW, Permission.MANAGE_BILLING}),
    Role.MEMBER: frozenset({Permission.VIEW}),
}

PUBLISHING_ROLES: tuple[Role, ...] = tuple(role for role in Role if Permission.PUBLISH in ROLE_PERMISSIONS[role])


class ProofKind(models.TextChoices):
    DNS = "dns", _("DNS record")
    HTTPS = "https", _("File on a website")
    FORGE = "forge", _("Code forge organization")
    EMAIL_DOMAIN = "email_domain", _("E-mail domain")
    PROJECTS = "projects", _("Projects on the index")
    VOUCH = "vouch", _("Vouched for by a fiscal sponsor")


class ProofState(models.TextChoices):
    """A ``failing`` proof still counts: its owners are warned before it is ``lost``."""

    PENDING = "pending", _("Pending")
    VERIFIED = "verified", _("Verified")
    FAILING = "failing", _("Failing")
    LOST = "lost", _("Lost")


class RecoveryState(models.TextChoices):
    PROVING = "proving", _("Proof awaited")
    WAITING = "waiting", _("Waiting period")
    GRANTED = "granted", _("Granted")
    OPPOSED = "opposed", _("Opposed by an owner")
    VETOED = "vetoed", _("Vetoed by staff")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Scope(models.TextChoices):
    """What a service token may do. An index needs the first three; ``usage`` where traffic is billed; ``identities``
    where it tells us who its users are."""

    CHECK = "check", _("Ask whether an upload is allowed")
    PROJECTS = "projects", _("Keep the mirror of projects")
    FEED = "feed", _("Read the snapshot and the feed of changes")
    USAGE = "usage", _("Report what projects cost the index")
    IDENTITIES = "identities", _("Say which of its users somebody is")
