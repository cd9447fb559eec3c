from __future__ import annotations

from django.urls import include, path

from namespaces.api import manage, manage_rights, manage_transfers, schema
from namespaces.api.feed import ChangesView, SnapshotView
from namespaces.api.projects import ProjectDetail
from namespaces.api.usage import UsageView

organization_patterns = [
    path("namespaces", manage.NamespacesView.as_view(), name="api-namespaces"),
    path("namespaces/<str:namespace>", manage.NamespaceView.as_view(), name="api-namespace"),
    path("namespaces/<str:namespace>/children", manage.ChildrenView.as_view(), name="api-namespace-children"),
    path("namespaces/<str:namespace>/take-back", manage.TakeBackView.as_view(), name="api-namespace-take-back"),
    path("namespaces/<str:namespace>/teams", manage_rights.NamespaceTeamsView.as_view(), name="api-namespace-teams"),
    path(
        "namespaces/<str:namespace>/teams/<int:team>",
        manage_rights.NamespaceTeamView.as_view(),
        name="api-namespace-team",
    ),
    path("namespaces/<str:namespace>/shares", manage_rights.SharesView.as_view(), name="api-shares"),
    path("namespaces/<str:namespace>/shares/<str:guest>", manage_rights.ShareView.as_view(), name="api-share"),
    path("transfers", manage_transfers.TransfersView.as_view(), name="api-transfers"),
    path("transfers/<int:transfer>", manage_transfers.TransferView.as_view(), name="api-transfer"),
    path("transfers/<int:transfer>/accept", manage_transfers.AcceptTransferView.as_view(), name="api-transfer-accept"),
]

urlpatterns = [
    path("uploads/check", schema.check, name="check"),
    path("uploads/check/batch", schema.check_batch, name="check-batch"),
    path("projects/<str:name>", ProjectDetail.as_view(), name="project"),
    path("snapshot", SnapshotView.as_view(), name="snapshot"),
    path("changes", ChangesView.as_view(), name="changes"),
    path("usage/<str:day>", UsageView.as_view(), name="usage"),
    path("organizations/<str:name>/", include(organization_patterns)),
]
