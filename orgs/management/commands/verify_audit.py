from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from freehold.commands import FreeholdCommand
from orgs.selectors import first_broken_audit_event


class Command(FreeholdCommand):
    help = "Check the chain of hashes of the audit trail, from its first event to its last."

    def perform(self, **options: Any) -> str:
        count, broken = first_broken_audit_event()
        if broken is not None:
            raise CommandError(f"The audit trail was altered: event {broken} is missing or not as it was written.")
        return f"{count} events, the chain is whole."
