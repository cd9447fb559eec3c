from __future__ import annotations

from django.urls import URLPattern, path

from orgs.views import invitations, people

HERE = "manage/<str:name>/people"

urlpatterns: list[URLPattern] = [
    path(f"{HERE}/", people.listing, name="organization-people"),
    path(f"{HERE}/leave/", people.leave, name="organization-leave"),
    path(f"{HERE}/<int:membership>/role/", people.role, name="organization-person-role"),
    path(f"{HERE}/<int:membership>/remove/", people.remove, name="organization-person-remove"),
    path(f"{HERE}/invite/", invitations.invite_one, name="organization-invite"),
    path(f"{HERE}/invite/many/", invitations.invite_many, name="organization-invite-many"),
    path(f"{HERE}/invitations/", invitations.sent, name="organization-invitations"),
    path(f"{HERE}/invitations/<int:invitation>/resend/", invitations.resend, name="organization-invitation-resend"),
    path(f"{HERE}/invitations/<int:invitation>/revoke/", invitations.revoke, name="organization-invitation-revoke"),
    path("invitations/", invitations.own, name="invitations"),
    path("invitations/own/<int:invitation>/accept/", invitations.accept, name="invitation-accept"),
    path("invitations/own/<int:invitation>/decline/", invitations.decline, name="invitation-decline"),
    path("invitations/<str:token>/", invitations.link, name="invitation"),
    path("invitations/<str:token>/sign-up/", invitations.sign_up, name="invitation-sign-up"),
    path("invitations/<str:token>/decline/", invitations.decline_by_link, name="invitation-decline-by-link"),
]
