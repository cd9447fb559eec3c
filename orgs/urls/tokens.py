from __future__ import annotations

from django.urls import path

from orgs.views import tokens

urlpatterns = [
    path("manage/<str:name>/tokens/", tokens.listing, name="organization-tokens"),
    path("manage/<str:name>/tokens/new/", tokens.create, name="organization-token-new"),
    path("manage/<str:name>/tokens/<int:token>/revoke/", tokens.revoke, name="organization-token-revoke"),
]
