from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from billing.services import ladder
from freehold.commands import FreeholdCommand
from orgs.selectors import organization_named
from orgs.services.organizations import parse_name


class Command(FreeholdCommand):
    help = "Judge anew the standing of all who owe something, or of one organization, and do what follows from it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", metavar="ORGANIZATION", nargs="?", help="a name that it has or had")

    def perform(self, *, organization: str | None, **options: Any) -> str:
        if organization is None:
            return f"{ladder.sweep()} organizations were judged."
        found = organization_named(parse_name(organization))
        health = ladder.follow(actor=self.actor, organization=found)
        return f"{found.name}: {health.standing}, {health.evidence}." if health else f"{found.name} is closed."
