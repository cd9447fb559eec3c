from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from billing.gateway.errors import GatewayError
from billing.services import doctor
from billing.services.installation import adopt_installation
from freehold.commands import FreeholdCommand


class Command(FreeholdCommand):
    help = "Say whether billing can work: keys, account, clock, webhook endpoint, prices, and what waits."
    requires_system_checks = []  # it also runs where start-up is refused, and says why

    def add_arguments(self, parser: CommandParser) -> None:
        wanted = parser.add_mutually_exclusive_group()
        wanted.add_argument(
            "--make-endpoint", action="store_true", help="have Stripe send events here, and print the secret, alone"
        )
        wanted.add_argument(
            "--adopt", action="store_true", help="let the database belong to the account of the key from now on"
        )

    def perform(self, *, make_endpoint: bool, adopt: bool, **options: Any) -> str:
        try:
            return self._do(make_endpoint=make_endpoint, adopt=adopt)
        except GatewayError as error:
            raise CommandError(f"Stripe says: {error.message}") from error

    def _do(self, *, make_endpoint: bool, adopt: bool) -> str:
        if make_endpoint:
            return doctor.make_endpoint()
        if adopt:
            return f"This database belongs to {adopt_installation(actor=self.actor).account} now."
        findings = list(doctor.examine())
        said = "\n".join(str(finding) for finding in findings)
        if any(finding.problem for finding in findings):
            self.stdout.write(said)
            raise CommandError("Something is wrong, as said above.")
        return said
