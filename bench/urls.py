"""Freehold's addresses, and behind the same middleware those that the check is compared with.

The empty view comes first, so that it is found at least as fast as the check.
"""

from __future__ import annotations

from django.urls import path

from bench.usual import UsualCheck
from bench.views import caching_check, empty, worker
from freehold import urls

urlpatterns = [
    path("bench/empty", empty),
    path("bench/usual", UsualCheck.as_view()),
    path("bench/caching", caching_check),
    path("bench/worker", worker),
    *urls.urlpatterns,
]

handler400 = urls.handler400
handler403 = urls.handler403
handler404 = urls.handler404
handler500 = urls.handler500
