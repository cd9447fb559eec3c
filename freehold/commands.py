"""What Freehold's commands have in common: a refusal is one sentence on standard error and exit status 1."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from freehold.errors import DomainError
from orgs.actors import Actor


class FreeholdCommand(BaseCommand):
    """A command that calls services as the operator."""

    actor = Actor.operator()

    def run_from_argv(self, argv: list[str]) -> None:
        """Django would put the name of the error's class before the sentence; asked for a traceback, it raises."""
        try:
            super().run_from_argv([*argv[:2], "--traceback", *argv[2:]])
        except CommandError as error:
            self.stderr.write(str(error))
            sys.exit(error.returncode)

    def perform(self, *args: Any, **options: Any) -> str | None:
        """Do it; what is returned is printed."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> str | None:
        try:
            return self.perform(**options)
        except DomainError as error:
            raise CommandError(error.message) from error
