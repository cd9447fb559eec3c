from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand
from namespaces.services.grants import parse_namespace
from namespaces.services.lifecycle import release_namespace
from namespaces.services.locks import holding_grant
from namespaces.states import GrantState


class Command(FreeholdCommand):
    help = (
        "Give a namespace up. A root that was enforced goes into quarantine: nobody else can have it until that ends, "
        "and granting it to its former holder gives it back. Refused while it is shared."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("namespace", metavar="NAMESPACE", help="a namespace that is held")
        parser.add_argument("--reason", default="", help="for the audit trail")

    def perform(self, *, namespace: str, reason: str = "", **options: Any) -> str:
        grant = release_namespace(actor=self.actor, grant=holding_grant(parse_namespace(namespace)), reason=reason)
        if grant.state == GrantState.RELEASED:
            return f"{grant.name} is released."
        until = grant.state_changed_at + settings.FREEHOLD_QUARANTINE
        return f"{grant.name} is in quarantine until {until:%Y-%m-%d}."
