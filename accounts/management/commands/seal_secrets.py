from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts import sealed


class Command(BaseCommand):
    help = "Seal the secrets of all authenticators with the first key, so that those before it can be forgotten."

    def handle(self, *args: Any, **options: Any) -> str:
        return f"{sealed.seal_all_anew()} authenticators sealed anew."
