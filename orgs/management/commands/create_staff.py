from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand
from orgs.services.staff_accounts import create_staff, set_up_link


class Command(FreeholdCommand):
    help = (
        "Make somebody staff: a reviewer, or with --admin one who runs Freehold. For a new account it prints a link by "
        "which that person chooses a password, once, within a day; two-step verification comes after it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True, help="the e-mail address with which the person signs in")
        parser.add_argument("--admin", action="store_true", help="not a reviewer only: may do everything")

    def perform(self, *, email: str, admin: bool, **options: Any) -> str:
        user, is_new = create_staff(actor=self.actor, email=email, admin=admin)
        done = f"{user.email} is staff."
        return f"{done} Hand over this link, which works once, within a day:\n{set_up_link(user)}" if is_new else done
