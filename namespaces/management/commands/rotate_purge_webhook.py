from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand
from namespaces.services.purge_endpoints import rotate_purge_secret


class Command(FreeholdCommand):
    help = (
        "Make a new secret for a purge webhook and print it, alone, on standard output. Until the next rotation, "
        "messages are signed with the former one as well."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", metavar="ID", type=int, help="its number, as list_purge_webhooks has it")

    def perform(self, *, id: int, **options: Any) -> str:  # noqa: A002 -- the argument is called so on the command line
        return rotate_purge_secret(actor=self.actor, number=id)
