from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand
from namespaces.services.purge_endpoints import delete_purge_endpoint


class Command(FreeholdCommand):
    help = "Send no more purges to an address."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", metavar="ID", type=int, help="its number, as list_purge_webhooks has it")

    def perform(self, *, id: int, **options: Any) -> None:  # noqa: A002 -- the argument is called so on the command line
        delete_purge_endpoint(actor=self.actor, number=id)
