from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand
from namespaces.services.purge_endpoints import create_purge_endpoint


class Command(FreeholdCommand):
    help = (
        "Send what a cache has to purge to an address, from now on, and print the secret by which the messages are "
        "signed, alone, on standard output. It is shown this once. Purge everything there when it listens: what "
        "changed before is not sent."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", metavar="URL", help="https://…, or http://… on this machine")

    def perform(self, *, url: str, **options: Any) -> str:
        return create_purge_endpoint(actor=self.actor, url=url)
