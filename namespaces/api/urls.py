from __future__ import annotations

from django.urls import path

from namespaces.api import schema
from namespaces.api.feed import ChangesView, SnapshotView
from namespaces.api.projects import ProjectDetail
from namespaces.api.usage import UsageView

urlpatterns = [
    path("uploads/check", schema.check, name="check"),
    path("uploads/check/batch", schema.check_batch, name="check-batch"),
    path("projects/<str:name>", ProjectDetail.as_view(), name="project"),
    path("snapshot", SnapshotView.as_view(), name="snapshot"),
    path("changes", ChangesView.as_view(), name="changes"),
    path("usage/<str:day>", UsageView.as_view(), name="usage"),
]
