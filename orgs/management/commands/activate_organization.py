from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand
from orgs.selectors import organization_named
from orgs.services.organizations import parse_name
from orgs.services.staff import activate_organization


class Command(FreeholdCommand):
    help = "Let an organization hold namespaces without a payment. Its owners are told."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", metavar="ORGANIZATION", help="a name that it has or had")
        parser.add_argument("--reason", default="", help="what its owners are told besides")

    def perform(self, *, organization: str, reason: str, **options: Any) -> str:
        found = organization_named(parse_name(organization))
        changed = activate_organization(actor=self.actor, organization=found, reason=reason)
        return f"{changed.name} is {changed.state}."
