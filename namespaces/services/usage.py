"""What projects cost the index: reported by it, day by day, and never made up here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import connection

from namespaces.metering import UsageEntry

_UPSERT = """
INSERT INTO namespaces_usage AS known (day, project, bytes, downloads)
SELECT %s, * FROM unnest(%s::text[], %s::bigint[], %s::bigint[])
    ON CONFLICT (day, project) DO UPDATE SET bytes = excluded.bytes, downloads = excluded.downloads
 WHERE (known.bytes, known.downloads) IS DISTINCT FROM (excluded.bytes, excluded.downloads)
"""


def report_usage(*, day: date, entries: Sequence[UsageEntry]) -> None:
    """Make the day's usage of these projects so, all of it or nothing; the same again writes nothing.

    No project is in it twice. One that the mirror does not know is kept as well: it may be told of later.
    """
    # Sorted, so that two reports of one day lock their rows in the same order.
    ordered = sorted(entries)
    columns: list[Any] = [list(column) for column in zip(*ordered, strict=True)] or [[], [], []]
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, [day, *columns])
