from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand
from orgs.selectors import organization_named
from orgs.services.memberships import add_member
from orgs.services.organizations import parse_name
from orgs.vocabulary import Role


class Command(FreeholdCommand):
    help = "Make a person a member of an organization. Owners and managers may publish in all its namespaces."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", metavar="ORGANIZATION", help="the organization's name")
        parser.add_argument("email", metavar="EMAIL", help="the e-mail address with which the person signs in")
        parser.add_argument("--role", required=True, choices=Role.values, help="what the person may do there")

    def perform(self, *, organization: str, email: str, role: str, **options: Any) -> str:
        found = organization_named(parse_name(organization))
        membership = add_member(actor=self.actor, organization=found, email=email, role=Role(role))
        return f"{membership.user.email} is in {found.name} as {role}."
