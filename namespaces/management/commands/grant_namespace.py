from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand
from namespaces.services.grants import grant_namespace
from orgs.selectors import organization_named
from orgs.services.organizations import parse_name


class Command(FreeholdCommand):
    help = (
        "Grant a namespace to an organization. It is enforced after the activation delay. "
        "Refused when an overlapping namespace belongs to somebody else."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("namespace", metavar="NAMESPACE", help="acme covers the project acme and every acme-…")
        parser.add_argument("organization", metavar="ORGANIZATION", help="the name of who is to hold it")

    def perform(self, *, namespace: str, organization: str, **options: Any) -> str:
        owner = organization_named(parse_name(organization))
        grant = grant_namespace(actor=self.actor, name=namespace, organization=owner)
        return f"{grant.name} is held by {owner.name} and enforced from {grant.effective_at:%Y-%m-%dT%H:%M:%SZ} on."
