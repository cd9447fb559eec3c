from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand
from orgs.services.organizations import create_organization
from orgs.vocabulary import Kind, State


class Command(FreeholdCommand):
    help = "Set up an organization, active and in good standing, so that it can hold namespaces at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="its name, as it writes it; normalized, it must be unique")
        parser.add_argument("--kind", required=True, choices=Kind.values, help="company or community project")

    def perform(self, *, name: str, kind: str, **options: Any) -> str:
        organization = create_organization(actor=self.actor, name=name, kind=Kind(kind), state=State.ACTIVE)
        return f"{organization.name} is set up."
