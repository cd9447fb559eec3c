"""What every template knows."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    """What is the same for everybody. The page for errors of the server needs no more than this."""
    return {
        "index_name": settings.FREEHOLD_INDEX_NAME,
        "site_url": settings.FREEHOLD_URL,
        "is_demo": settings.FREEHOLD_ENV == "demo",
        "sandbox_url": f"{settings.FREEHOLD_STRIPE.base}/_sandbox/" if settings.FREEHOLD_STRIPE.is_sandbox else "",
    }


def viewer(request: HttpRequest) -> dict[str, object]:
    """``viewer``: whose page this is. None, unless the view said that its answer is private (``freehold.pages``)."""
    return {"viewer": getattr(request, "viewer", None)}
