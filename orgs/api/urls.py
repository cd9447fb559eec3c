from __future__ import annotations

from django.urls import include, path

from orgs.api import audit, invitations, members, organizations, proofs, publishers, scanning, teams, tokens
from orgs.api.identities import IdentitiesView

organization_patterns = [
    path("", organizations.OrganizationDetail.as_view(), name="api-organization"),
    path("/members", members.MembersView.as_view(), name="api-members"),
    path("/members/<int:member>", members.MemberView.as_view(), name="api-member"),
    path("/invitations", invitations.InvitationsView.as_view(), name="api-invitations"),
    path("/invitations/<int:invitation>", invitations.InvitationView.as_view(), name="api-invitation"),
    path("/invitations/<int:invitation>/resend", invitations.ResendView.as_view(), name="api-invitation-resend"),
    path("/teams", teams.TeamsView.as_view(), name="api-teams"),
    path("/teams/<int:team>", teams.TeamView.as_view(), name="api-team"),
    path("/teams/<int:team>/members", teams.TeamMembersView.as_view(), name="api-team-members"),
    path("/teams/<int:team>/members/<int:member>", teams.TeamMemberView.as_view(), name="api-team-member"),
    path("/publishers", publishers.PublishersView.as_view(), name="api-publishers"),
    path("/publishers/<int:publisher>", publishers.PublisherView.as_view(), name="api-publisher"),
    path("/proofs", proofs.ProofsView.as_view(), name="api-proofs"),
    path("/proofs/<int:proof>", proofs.ProofView.as_view(), name="api-proof"),
    path("/proofs/<int:proof>/check", proofs.CheckProofView.as_view(), name="api-proof-check"),
    path("/tokens", tokens.TokensView.as_view(), name="api-tokens"),
    path("/tokens/<int:token>", tokens.TokenView.as_view(), name="api-token"),
    path("/audit", audit.AuditView.as_view(), name="api-audit"),
]

urlpatterns = [
    path("identities", IdentitiesView.as_view(), name="identities"),
    path("secret-scanning", scanning.SecretScanningView.as_view(), name="secret-scanning"),
    path("organizations/<str:name>", include(organization_patterns)),
]
