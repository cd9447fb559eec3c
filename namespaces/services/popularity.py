"""What is popular on the index, counted anew from the mirror and from what the index reported."""

from __future__ import annotations

from django.db import connection


def measure_popularity() -> int:
    """Count again under which names there are many projects, and what is downloaded often; returns how many names.

    Evaluations go on with the former counts meanwhile. To be done about daily: popularity changes slowly.
    """
    with connection.cursor() as cursor:
        cursor.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY namespaces_popular")
        cursor.execute("ANALYZE namespaces_popular")
        cursor.execute("SELECT count(*) FROM namespaces_popular")
        return int(cursor.fetchone()[0])
