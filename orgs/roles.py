"""The table of who may do what, for the page and for the documentation: both are made from the registry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orgs.vocabulary import ROLE_PERMISSIONS, Permission, Role


@dataclass(frozen=True)
class Row:
    """A permission, and for each role in order whether it has it."""

    permission: Permission
    cells: tuple[tuple[Role, bool], ...]


def table() -> list[Row]:
    """In the order of the registry."""
    return [
        Row(permission, tuple((role, permission in ROLE_PERMISSIONS[role]) for role in Role))
        for permission in Permission
    ]


def markdown() -> str:
    """``docs/roles.md``, whole."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Who may do what in an organization"
    yield ""
    yield "Made from the registry by `manage.py print_roles`; a test holds it to that."
    yield ""
    yield "| may | " + " | ".join(str(role.label) for role in Role) + " |"
    yield "| --- " * (len(Role) + 1) + "|"
    for row in table():
        yield f"| {row.permission.label} | " + " | ".join("yes" if may else "" for _, may in row.cells) + " |"
    yield ""
    yield "A member publishes new projects in the namespaces for which one of their teams has the right. Who lacks the"
    yield "two-step verification that an organization requires may only look."
