"""A page that no browser test visits fails here."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from django.urls import get_resolver

from freehold import access
from tests.browser.walk import Visit

NOT_PAGES = {"healthz", "readyz", "organization-audit-export", "log-lines", "ledger-export"}
"""Addresses that say who may see them as pages do, and answer programs or with a file."""


def visits() -> Iterator[Visit]:
    for path in sorted(Path(__file__).parent.glob("test_*_pages.py")):
        yield from importlib.import_module(f"tests.browser.{path.stem}").VISITS


def test_every_page_is_visited() -> None:
    named = {route.name for route in access.pages(get_resolver().url_patterns) if route.name}
    assert named - NOT_PAGES == {visit.route for visit in visits() if visit.route}
