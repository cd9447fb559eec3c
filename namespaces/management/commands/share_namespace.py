from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand
from namespaces.services.grants import parse_namespace
from namespaces.services.locks import holding_grant
from namespaces.services.shares import share_namespace, unshare_namespace
from orgs.selectors import organization_named
from orgs.services.organizations import parse_name


class Command(FreeholdCommand):
    help = "Let another organization publish in a namespace, beside its holder; or, with --end, no longer."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("namespace", metavar="NAMESPACE", help="a namespace that is held")
        parser.add_argument("organization", metavar="ORGANIZATION", help="the name of who is to use it too")
        parser.add_argument("--end", action="store_true", help="take the permission back")

    def perform(self, *, namespace: str, organization: str, end: bool = False, **options: Any) -> str:
        grant = holding_grant(parse_namespace(namespace))
        guest = organization_named(parse_name(organization))
        if end:
            unshare_namespace(actor=self.actor, grant=grant, organization=guest)
            return f"{grant.name} is no longer shared with {guest.name}."
        share_namespace(actor=self.actor, grant=grant, organization=guest)
        return f"{grant.name} is shared with {guest.name}."
