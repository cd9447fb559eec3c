"""Organizations, who is in them, what may act for them, what they prove, and the trail of what was done."""

from __future__ import annotations

from orgs.models.audit import AuditDelivery, AuditEndpoint, AuditEvent
from orgs.models.organizations import NORMALIZED_NAME, Organization, OrganizationName, Recovery
from orgs.models.people import Invitation, Membership, Team, TeamMember
from orgs.models.proofs import Proof
from orgs.models.tokens import OrganizationToken, ServiceToken, TrustedPublisher

__all__ = [
    "NORMALIZED_NAME",
    "AuditDelivery",
    "AuditEndpoint",
    "AuditEvent",
    "Invitation",
    "Membership",
    "Organization",
    "OrganizationName",
    "OrganizationToken",
    "Proof",
    "Recovery",
    "ServiceToken",
    "Team",
    "TeamMember",
    "TrustedPublisher",
]
