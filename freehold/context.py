"""What every template knows."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    return {"index_name": settings.FREEHOLD_INDEX_NAME, "site_url": settings.FREEHOLD_URL}
