from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand


class Command(FreeholdCommand):
    help = "Make ready to serve: migrations, static files and, on a laptop, the demo's data. Safe to run again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default=settings.FREEHOLD_URL, help="where it will be served")

    def perform(self, *, url: str, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        if settings.FREEHOLD_ENV == "demo":
            call_command("demo", url=url)
            if settings.FREEHOLD_STRIPE.enabled:
                call_command("demo_billing")
