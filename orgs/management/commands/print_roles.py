from __future__ import annotations

from typing import Any

from freehold.commands import FreeholdCommand
from orgs.roles import markdown


class Command(FreeholdCommand):
    help = "Print the table of who may do what in an organization, for docs/roles.md."

    def perform(self, **options: Any) -> str:
        return markdown().removesuffix("\n")
