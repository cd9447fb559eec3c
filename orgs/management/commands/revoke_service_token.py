from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand
from orgs.selectors import service_tokens_named
from orgs.services.service_tokens import revoke_service_token


class Command(FreeholdCommand):
    help = "Revoke the service tokens of a name, at once: the next request with one is refused."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the name that the tokens were made with")

    def perform(self, *, name: str, **options: Any) -> str:
        found = service_tokens_named(name)
        for token in found:
            revoke_service_token(actor=self.actor, token=token)
        return f"{len(found)} token{'' if len(found) == 1 else 's'} named {name!r} revoked."
