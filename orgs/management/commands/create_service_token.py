from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from freehold.commands import FreeholdCommand
from orgs.services.service_tokens import create_service_token
from orgs.vocabulary import Scope

MAX_DAYS = 36_500


class Command(FreeholdCommand):
    help = (
        "Make a token by which an index speaks to Freehold, and print it, alone, on standard output. "
        "It is shown this once; only its hash is kept."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="what it is for, such as the index's name")
        parser.add_argument(
            "--scope",
            required=True,
            action="extend",
            nargs="+",
            choices=Scope.values,
            help="what it may do: " + "; ".join(f"{scope.value}: {scope.label.lower()}" for scope in Scope),
        )
        parser.add_argument("--days", type=int, metavar="N", help="let it expire after this many days")

    def perform(self, *, name: str, scope: list[str], days: int | None = None, **options: Any) -> str:
        if days is not None and not 1 <= days <= MAX_DAYS:
            raise CommandError(f"--days must be between 1 and {MAX_DAYS}.")
        expires_at = None if days is None else timezone.now() + timedelta(days=days)
        scopes = {Scope(value) for value in scope}
        return create_service_token(actor=self.actor, name=name, scopes=scopes, expires_at=expires_at)
