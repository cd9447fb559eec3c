from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from freehold.commands import FreeholdCommand
from namespaces.services.demo import TOKEN_NAME, make_demo
from orgs import tokens
from orgs.selectors import usable_token
from orgs.vocabulary import Scope


class Command(FreeholdCommand):
    help = (
        "Fill an empty database with the demo, once, and write var/demo.json, which says how to use it: "
        "address, tokens, users with their passwords, organizations, namespaces."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default=settings.FREEHOLD_URL, help="where the demo is served")

    def perform(self, *, url: str, **options: Any) -> None:
        path = settings.VAR_DIR / "demo.json"
        described = _still_true(path)
        if described is None:
            described = make_demo(actor=self.actor, url=url)
        _write(path, described | {"url": url})


def _still_true(path: Path) -> dict[str, Any] | None:
    """What the file says, when it is of this database: its token is known here, and may do all that there is."""
    try:
        described: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        token = usable_token(tokens.digest(described["tokens"]["index"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    current = token is not None and token.name == TOKEN_NAME and set(token.scopes) == set(Scope.values)
    return described if current else None


def _write(path: Path, described: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # it has passwords
    path.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
