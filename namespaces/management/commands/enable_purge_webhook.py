from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand
from namespaces.services.purge_endpoints import enable_purge_endpoint


class Command(FreeholdCommand):
    help = "Send to a purge webhook again, at once and from where it stopped, after it was given up."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", metavar="ID", type=int, help="its number, as list_purge_webhooks has it")

    def perform(self, *, id: int, **options: Any) -> None:  # noqa: A002 -- the argument is called so on the command line
        enable_purge_endpoint(actor=self.actor, number=id)
