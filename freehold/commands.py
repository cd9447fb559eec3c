"""What Freehold's commands have in common: a refusal is one sentence on standard error and exit status 1."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from freehold.errors import DomainError
from orgs.actors import Actor


class FreeholdCommand(BaseCommand):
    """A command that calls services as the operator."""

    actor = Actor.operator()

    def perform(self, *args: Any, **options: Any) -> str | None:
        """Do it; what is returned is printed."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> str | None:
        try:
            return self.perform(**options)
        except DomainError as error:
            raise CommandError(error.message) from error
