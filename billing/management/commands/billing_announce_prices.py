from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from billing.services.price_moves import LEAST_NOTICE, announce_prices, behind
from freehold.commands import FreeholdCommand
from freehold.errors import DomainError
from orgs.models import Organization
from orgs.selectors import organization_named
from orgs.services.organizations import parse_name

NOBODY = "Everybody has the prices of now."


class Command(FreeholdCommand):
    help = "Tell customers of the prices that are sold now, and charge these later. Without a name: who would be told."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organizations", nargs="*", metavar="ORGANIZATION")
        parser.add_argument("--all", action="store_true", help="everybody who pays older prices")
        parser.add_argument(
            "--days", type=int, default=LEAST_NOTICE.days, help=f"how long ahead, at least {LEAST_NOTICE.days}"
        )

    def perform(self, *, organizations: list[str], days: int, **options: Any) -> str:
        if options["all"] and organizations:
            raise CommandError("Name organizations, or give --all.")
        if not options["all"] and not organizations:
            return "\n".join(organization.name for organization in behind()) or NOBODY
        found = behind() if options["all"] else [organization_named(parse_name(name)) for name in organizations]
        return "\n".join(self._announce(organization, timedelta(days=days)) for organization in found) or NOBODY

    def _announce(self, organization: Organization, notice: timedelta) -> str:
        """One that can't be told keeps none of the others from it."""
        try:
            since = announce_prices(actor=self.actor, organization=organization, notice=notice)
        except DomainError as refusal:
            return f"{organization.name}: {refusal.message}"
        return f"{organization.name}: from {since:%Y-%m-%d} on"
