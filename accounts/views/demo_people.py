"""``/demo/people/``: who one can be on a demo. There is no such page in production (``freehold/urls.py``)."""

from __future__ import annotations

import json
import time
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from freehold.access import public
from freehold.pages import private_page

SECONDS = 30
"""How long a code of an authenticator app is shown."""


@public
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Those of ``var/demo.json`` with their passwords, and of those with two steps the code of the moment."""
    described = _described()
    codes = _codes([person["email"] for person in described])
    rows = [{**person, "code": codes.get(person["email"], "")} for person in described]
    return private_page(request, "accounts/demo_people.html", {"people": sorted(rows, key=_staff_first)})


def _staff_first(person: dict[str, Any]) -> bool:
    return not person.get("is_staff")


def _described() -> list[dict[str, Any]]:
    """Empty where no demo was made here."""
    try:
        found = json.loads((settings.VAR_DIR / "demo.json").read_text(encoding="utf-8"))["users"]
    except (OSError, ValueError, KeyError):
        return []
    return list(found)


def _codes(emails: list[str]) -> dict[str, str]:
    """What their authenticator apps show now, by address."""
    apps = Authenticator.objects.filter(type=Authenticator.Type.TOTP, user__email__in=emails).select_related("user")
    counter = int(time.time()) // SECONDS
    return {
        app.user.email: str(format_hotp_value(hotp_value(get_adapter().decrypt(app.data["secret"]), counter)))
        for app in apps
    }
