"""Nothing goes out by another door."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.test_house import name_of, python

APPS = ("accounts", "billing", "freehold", "namespaces", "orgs", "review")
DOORS = {"httpcore", "requests", "httpx", "urllib3", "aiohttp", "dns", "http.client", "urllib.request", "ftplib"}
ERRORS = {"requests.RequestException"}  # of libraries that others use; caught, they open nothing
# Who may, beside the guarded client: to addresses that the operator gives, and to none that a user does.
OPERATORS = {
    "billing/sandbox/events.py": {"http.client"},  # a program of its own, for the demo and the tests
    "freehold/demo/dns.py": {"dns"},  # it is a server
    "freehold/webhooks.py": {"http.client"},
    "freehold/supervisor.py": {"http.client"},
}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def doors(path: Path) -> set[str]:
    return {
        door for name in imported(path) for door in DOORS if name not in ERRORS and f"{name}.".startswith(f"{door}.")
    }


def test_only_the_guarded_client_speaks_to_others() -> None:
    found = {name_of(path): opened for path in python(*APPS) if (opened := doors(path))}
    elsewhere = {name: opened for name, opened in found.items() if not name.startswith("freehold/outgoing/")}
    assert elsewhere == OPERATORS
    assert found["freehold/outgoing/dns.py"] and found["freehold/outgoing/http.py"]
