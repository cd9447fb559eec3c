from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand
from orgs.selectors import organization_named
from orgs.services.organizations import parse_name
from orgs.services.staff import suspend_organization


class Command(FreeholdCommand):
    help = "Suspend an organization: it receives nothing and publishes nothing new. Its owners are told why."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", metavar="ORGANIZATION", help="a name that it has or had")
        parser.add_argument("--reason", required=True, help="why; its owners are told")

    def perform(self, *, organization: str, reason: str, **options: Any) -> str:
        found = organization_named(parse_name(organization))
        changed = suspend_organization(actor=self.actor, organization=found, reason=reason)
        return f"{changed.name} is {changed.state}."
