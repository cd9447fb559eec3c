from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from freehold.commands import FreeholdCommand
from orgs import tokens
from orgs.services.scanning import report_leak

LONGEST = 10_000_000


class Command(FreeholdCommand):
    help = (
        "Revoke every token of ours that stands in the text on standard input, at once, and tell its owners. "
        "Tokens are never given as arguments: those are seen by everybody on the machine."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seen", metavar="WHERE", default="", help="where they were found, such as an address")

    def perform(self, *, seen: str, **options: Any) -> str:
        text = sys.stdin.read(LONGEST)
        found = list(dict.fromkeys(match.group() for match in tokens.PATTERN.finditer(text)))
        if not found:
            raise CommandError("There is no token in what came on standard input.")
        known = sum(report_leak(actor=self.actor, token=token, seen=seen) for token in found)
        return f"{known} of {len(found)} are tokens of ours, and revoked."
