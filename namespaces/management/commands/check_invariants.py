from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from freehold.commands import FreeholdCommand
from namespaces.invariants import EVERY_INVARIANT
from orgs.invariants import Violation, violations


class Command(FreeholdCommand):
    help = (
        "Look over the whole database for what must never be: namespaces that overlap, rights without a holder, an "
        "organization without an owner. Prints one line for each thing found, and exits with 1 if there is any."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print what is found as a JSON list")

    def perform(self, **options: Any) -> str:
        found = violations(EVERY_INVARIANT)
        report = _as_json(found) if options["json"] else "\n".join(map(str, found))
        if found:
            self.stdout.write(report)
            raise CommandError(f"{len(found)} found in {len(EVERY_INVARIANT)} invariants.")
        return report or f"{len(EVERY_INVARIANT)} invariants hold."


def _as_json(found: list[Violation]) -> str:
    return json.dumps([asdict(violation) for violation in found], indent=2)
