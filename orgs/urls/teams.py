from __future__ import annotations

from django.urls import URLPattern, path

from orgs.views import publishers, teams

# The list of teams and the page of one show what they may publish: they are in ``namespaces.urls``.
urlpatterns: list[URLPattern] = [
    path("manage/<str:name>/teams/new/", teams.create, name="organization-team-new"),
    path("manage/<str:name>/teams/<int:team>/edit/", teams.edit, name="organization-team-edit"),
    path("manage/<str:name>/teams/<int:team>/delete/", teams.delete, name="organization-team-delete"),
    path("manage/<str:name>/teams/<int:team>/members/", teams.add_members, name="organization-team-members"),
    path(
        "manage/<str:name>/teams/<int:team>/members/<int:membership>/remove/",
        teams.remove_member,
        name="organization-team-member-remove",
    ),
    path("manage/<str:name>/teams/<int:team>/leave/", teams.leave, name="organization-team-leave"),
    path("manage/<str:name>/publishers/", publishers.publishers, name="organization-publishers"),
    path("manage/<str:name>/publishers/new/<str:kind>/", publishers.add, name="organization-publisher-new"),
    path(
        "manage/<str:name>/publishers/<int:publisher>/remove/", publishers.remove, name="organization-publisher-remove"
    ),
]
