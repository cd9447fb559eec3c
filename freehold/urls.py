"""All addresses."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from accounts.views import demo_mail, demo_people
from freehold import health
from freehold.demo import forge_views
from freehold.demo import views as demo
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
    path("api/v1/", include("orgs.api.urls")),
    path(simple_base, include(simple_patterns)),
    path("accounts/", include("accounts.urls")),
    path("", include("namespaces.urls")),
    path("", include("orgs.urls")),
    path("", include("review.urls")),
    path("", include("review.urls_public")),
]

if settings.FREEHOLD_STRIPE.enabled:
    urlpatterns += [path("", include("billing.urls"))]
if settings.FREEHOLD_MAIL_SHOWN:
    urlpatterns += [
        path("demo/mail/", demo_mail.mails, name="demo-mails"),
        path("demo/mail/<int:pk>/", demo_mail.mail, name="demo-mail"),
        path("demo/mail/<int:pk>/html/", demo_mail.html, name="demo-mail-html"),
    ]
if not settings.PRODUCTION:
    urlpatterns += [
        path("demo/people/", demo_people.people, name="demo-people"),
        path("demo/dns/", demo.dns, name="demo-dns"),
        path("demo/dns/remove/", demo.dns_remove, name="demo-dns-remove"),
        path("demo/forge/", forge_views.places, name="demo-forge"),
        path("demo/forge/remove/", forge_views.remove, name="demo-forge-remove"),
        path("demo/forge/api/v1/<path:asked>", forge_views.api),
    ]

handler400 = "freehold.error_pages.bad_request"
handler403 = "freehold.error_pages.permission_denied"
handler404 = "freehold.error_pages.not_found"
handler429 = "freehold.error_pages.too_many_requests"  # allauth looks for it
handler500 = "freehold.error_pages.server_error"
