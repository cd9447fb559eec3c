"""All addresses."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from freehold import health
from namespaces.api.simple import NamespaceDetail, NamespaceList

simple_base = f"{settings.FREEHOLD_SIMPLE_BASE}/" if settings.FREEHOLD_SIMPLE_BASE else ""
simple_patterns = [
    path("namespaces", NamespaceList.as_view(), name="simple-namespaces"),
    re_path(r"^namespace/(?P<name>[^/]+)/?$", NamespaceDetail.as_view(), name="simple-namespace"),
]

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
    path("api/v1/", include("namespaces.api.urls")),
    path(simple_base, include(simple_patterns)),
    path("", include("namespaces.urls")),
]

handler400 = "freehold.error_pages.bad_request"
handler403 = "freehold.error_pages.permission_denied"
handler404 = "freehold.error_pages.not_found"
handler500 = "freehold.error_pages.server_error"
