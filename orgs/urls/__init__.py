"""The addresses of organizations' pages, by subject. All end in a slash."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("orgs.urls.organizations")),
    path("", include("orgs.urls.people")),
    path("", include("orgs.urls.teams")),
    path("", include("orgs.urls.proofs")),
    path("", include("orgs.urls.tokens")),
    path("", include("orgs.urls.audit")),
]
