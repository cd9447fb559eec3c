from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand
from namespaces.services.grants import parse_namespace
from namespaces.services.locks import holding_grant
from namespaces.services.transfers import transfer_namespace
from orgs.selectors import organization_named
from orgs.services.organizations import parse_name


class Command(FreeholdCommand):
    help = "Move a namespace, with its children and shares, to another organization, at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("namespace", metavar="NAMESPACE", help="a root namespace that is active")
        parser.add_argument("organization", metavar="ORGANIZATION", help="the name of who is to hold it")

    def perform(self, *, namespace: str, organization: str, **options: Any) -> str:
        grant = holding_grant(parse_namespace(namespace))
        to = organization_named(parse_name(organization))
        moved = transfer_namespace(actor=self.actor, grant=grant, to=to)
        return f"{moved.name} is held by {to.name}."
