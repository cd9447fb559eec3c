"""The addresses of the pages. Without its slash an address redirects; what stands here by name has a browser test."""

from __future__ import annotations

from django.urls import path

from namespaces.views import public

urlpatterns = [
    path("", public.front, name="front"),
    path("namespaces/", public.register, name="register"),
    path("namespaces", public.register),
    path("namespaces/<str:name>/", public.namespace, name="namespace"),
    path("namespaces/<str:name>", public.namespace),
    path("design/", public.design, name="design"),
]
