"""What a consumer asks of the packages that it installs (``freehold audit --policy``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from freehold_client.names import InvalidName, normalize

EVERY = "*"


class InvalidPolicy(ValueError):
    """The policy can't be understood. The message is one sentence."""


@dataclass(frozen=True)
class Policy:
    """Which packages have to be their namespace's own.

    - ``require_owned``: namespaces in which every package must be its holder's; ``*`` for all there are.
    - ``owners``: for a namespace, the organization that must own it. Packages whose name is in it violate the policy
      when nobody has reserved it or another organization has: the case of one's own prefix for internal packages.
    - ``allow``: names of packages that may be otherwise, such as those which are older than the namespace.

    Names are normalized. In a file (TOML or JSON) these are ``require-owned``, ``owners`` and ``allow``.
    """

    require_owned: frozenset[str] = frozenset({EVERY})
    owners: Mapping[str, str] = field(default_factory=dict)
    allow: frozenset[str] = frozenset()

    @classmethod
    def load(cls, path: str | Path) -> Policy:
        """From a file, TOML unless its name ends in ``.json``. Raises ``InvalidPolicy``, ``OSError``."""
        path = Path(path)
        text = path.read_text(encoding="utf-8")
        try:
            value = json.loads(text) if path.suffix == ".json" else _toml(text)
        except ValueError as error:
            raise InvalidPolicy(f"The policy is neither TOML nor JSON: {error}") from error
        return cls.parse(value)

    @classmethod
    def parse(cls, value: Any) -> Policy:
        """From what a file says. Raises ``InvalidPolicy``, also for a member that is not known: misspelled, it would
        be a check that never fails."""
        if not isinstance(value, dict) or not value.keys() <= {"require-owned", "owners", "allow"}:
            raise InvalidPolicy("A policy has 'require-owned', 'owners' and 'allow', and nothing else.")
        owners = value.get("owners", {})
        if not isinstance(owners, dict):
            raise InvalidPolicy("'owners' is a table of namespaces and the organizations that must own them.")
        return cls(
            require_owned=_names(value.get("require-owned", [EVERY]), "require-owned"),
            owners={_name(namespace): _name(owner) for namespace, owner in owners.items()},
            allow=_names(value.get("allow", []), "allow"),
        )


def _toml(text: str) -> Any:
    try:
        parser = import_module("tomllib")
    except ImportError:  # before Python 3.11
        try:
            parser = import_module("tomli")
        except ImportError:
            raise InvalidPolicy("This Python reads no TOML: install tomli, or write the policy as JSON.") from None
    return parser.loads(text)


def _names(value: Any, member: str) -> frozenset[str]:
    if not isinstance(value, list):
        raise InvalidPolicy(f"'{member}' is a list of names.")
    return frozenset(EVERY if entry == EVERY and member == "require-owned" else _name(entry) for entry in value)


def _name(value: Any) -> str:
    try:
        return normalize(value)
    except (InvalidName, TypeError) as error:
        raise InvalidPolicy(f"A name in the policy is not valid: {error}") from error
