"""Rows that an address or a body names, looked up where the caller may know of them and nowhere else."""

from __future__ import annotations

from collections.abc import Collection

from freehold.errors import NotFound
from orgs.models import Invitation, Membership, Organization, Proof, Team, TrustedPublisher
from orgs.selectors import NoSuchOrganization, organization_named
from orgs.services.invitations import InvitationGone
from orgs.services.memberships import NoSuchMember
from orgs.services.publishers import NoSuchPublisher
from orgs.services.teams import NoSuchTeam


class NoSuchProof(NotFound):
    code = "no-such-proof"


def team_of(organization: Organization, number: int) -> Team:
    """A team of this very organization."""
    found = organization.teams.filter(pk=number).select_related("organization").first()
    if found is None:
        raise NoSuchTeam("There is no such team in the organization.")
    return found


def teams_by_id(organization: Organization, numbers: Collection[int]) -> dict[int, Team]:
    """Several of them; one that is not of this organization is as if it were not there at all."""
    found = {team.pk: team for team in organization.teams.filter(pk__in=numbers)}
    if len(found) < len(numbers):
        raise NoSuchTeam("A team that is named is not one of the organization.")
    return found


def membership_in(organization: Organization, number: int) -> Membership:
    """A membership in this very organization."""
    found = organization.memberships.filter(pk=number).select_related("user", "organization").first()
    if found is None:
        raise NoSuchMember("There is no such member in the organization.")
    return found


def invitation_of(organization: Organization, number: int) -> Invitation:
    """An invitation to this very organization."""
    found = organization.invitations.filter(pk=number).select_related("organization").first()
    if found is None:
        raise InvitationGone("There is no such invitation to the organization.")
    return found


def proof_of(organization: Organization, number: int) -> Proof:
    """A proof of this very organization."""
    found = organization.proofs.filter(pk=number).select_related("organization").first()
    if found is None:
        raise NoSuchProof("There is no such proof of the organization.")
    return found


def publisher_of(organization: Organization, number: int) -> TrustedPublisher:
    """A trusted publisher of this very organization."""
    found = organization.trusted_publishers.filter(pk=number).select_related("organization").first()
    if found is None:
        raise NoSuchPublisher("There is no such trusted publisher in the organization.")
    return found


def other_organization(name: str) -> Organization:
    """Any organization, by its name; who it is, is public."""
    if "\x00" in name:
        raise NoSuchOrganization("There is no organization of that name.")
    return organization_named(name)
