"""An organization's life: setting it up, its overview and settings, its profile, its recovery, and staff's view."""

from __future__ import annotations

from django.urls import path

from orgs.views import dashboard, organizations, profile, recovery, staff

MANAGE = "manage/<str:name>/"
SETTINGS = f"{MANAGE}settings/"
PROFILE = "organizations/<str:name>/"
REVIEW = "review/organizations/<str:name>/"

urlpatterns = [
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("new/", organizations.new, name="organization-new"),
    path(PROFILE, profile.profile, name="organization"),
    path(f"{PROFILE}recover/", recovery.recovery, name="recovery"),
    path(f"{PROFILE}recover/check/", recovery.check, name="recovery-check"),
    path(f"{PROFILE}recover/withdraw/", recovery.withdraw, name="recovery-withdraw"),
    path(MANAGE, organizations.overview, name="organization-overview"),
    path(f"{MANAGE}recoveries/<int:recovery>/oppose/", recovery.oppose, name="organization-recovery-oppose"),
    path(f"{MANAGE}roles/", organizations.roles_page, name="organization-roles"),
    path(SETTINGS, organizations.settings, name="organization-settings"),
    path(f"{SETTINGS}two-step/", organizations.second_factor, name="organization-settings-second-factor"),
    path(f"{SETTINGS}rename/", organizations.rename, name="organization-settings-rename"),
    path(f"{SETTINGS}close/", organizations.close, name="organization-settings-close"),
    path("review/organizations/", staff.organizations, name="review-organizations"),
    path(REVIEW, staff.organization, name="review-organization"),
    path(f"{REVIEW}seats/", staff.seats, name="review-organization-seats"),
    path(f"{REVIEW}sponsor/", staff.sponsor, name="review-organization-sponsor"),
    path(f"{REVIEW}<str:action>/", staff.decide, name="review-organization-decide"),
    path("review/recoveries/", staff.recoveries, name="review-recoveries"),
    path("review/recoveries/<int:recovery>/veto/", staff.veto, name="review-recovery-veto"),
]
