"""Everything the database holds of us, to show that a refusal changed nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps

OURS = ("accounts", "orgs", "namespaces", "billing", "review")
Dump = dict[str, list[tuple[Any, ...]]]


def dump() -> Dump:
    """Every row of every table of ours, the audit trail and the feed of changes among them."""
    models = (model for label in OURS for model in apps.get_app_config(label).get_models())
    return {model._meta.db_table: list(model._default_manager.order_by("pk").values_list()) for model in models}


@contextmanager
def nothing_changes() -> Iterator[None]:
    before = dump()
    yield
    after = dump()
    changed = {table: after[table] for table in after if after[table] != before[table]}
    assert not changed, f"It was to change nothing, and these are not as they were: {changed}"
