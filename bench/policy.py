"""``python -m bench.policy NAMES``: what an evaluation of a claim costs, over a mirror of real size.

NAMES is a catalogue of a package index, imported into a database of its own beside 100,000 grants and deleted at the
end. Printed are the milliseconds of gathering the facts, part by part, and of judging them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench.__main__ import DIRECTORY, _set_up_django
from bench.cluster import running
from bench.filling import _NAMES, _grants

GRANTS = 100_000
ROUNDS = 15
PREFIXES = (
    "django",
    "opentelernetry",
    "google-cloud-pubsub",
    "acmerockets",
    "pytest-xyz",
    "reqeusts",
    "typing",
    "lumen",
)

# Beside the point here, and the greater part of the time.
_BARE = """
ALTER TABLE namespaces_grant DROP CONSTRAINT grant_no_foreign_overlap;
ALTER TABLE namespaces_grant DISABLE TRIGGER USER
"""
_ORGANIZATIONS = f"""
INSERT INTO orgs_organization (id, name, display_name, kind, state, standing, description, website,
                               requires_second_factor, is_sponsor, created_at)
SELECT i, 'org' || i, 'Organization ' || i, 'company', 'active', 'good', '', '', false, false, now()
  FROM generate_series(1, {GRANTS // 10 + 1}) i
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.policy", description=__doc__)
    parser.add_argument("names", metavar="NAMES", type=Path, help="a catalogue of projects")
    options = parser.parse_args(argv)
    with running(DIRECTORY) as cluster, cluster.empty("bench_policy") as url:
        _set_up_django(cluster)
        measure(url, options.names)
    return 0


def measure(url: str, catalogue: Path) -> None:
    """Fill the database and print what the parts of an evaluation take."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from freehold import env

    connection.settings_dict.update(env.database(url))
    connection.close()
    settings.DATABASES["default"].update(env.database(url))
    call_command("import_projects", str(catalogue), "--no-progress")
    with connection.cursor() as cursor:
        for statement in (_NAMES, _BARE, _ORGANIZATIONS, _grants(GRANTS)):
            cursor.execute(statement)
        cursor.execute("VACUUM ANALYZE")
    _report()


def _report() -> None:
    from namespaces import policy_facts
    from namespaces.policy.evaluate import evaluate
    from namespaces.policy.thresholds import Thresholds
    from namespaces.services.popularity import measure_popularity
    from orgs.models import Organization

    seconds, names = _timed(measure_popularity)
    print(f"{names:,} popular names, counted in {1000 * seconds:,.0f} ms\n")
    organization = Organization.objects.get(name="org2")
    print(f"{'':24}{'gather ms':>18}{'of it near':>18}{'evaluate':>18}   median (least) of {ROUNDS}")
    for prefix in PREFIXES:
        gathered = _timed_often(partial(policy_facts.gather, prefix, organization))
        near = _timed_often(partial(policy_facts._near, prefix, organization.pk, [organization.name]))
        judged = _timed_often(partial(evaluate, gathered[0][1], Thresholds()))
        print(f"{prefix:24}" + "".join(f"{_figures(times):>18}" for times in (gathered, near, judged)))


def _timed_often(work: Callable[[], Any]) -> list[tuple[float, Any]]:
    return [_timed(work) for _ in range(ROUNDS)]


def _figures(timed: list[tuple[float, Any]]) -> str:
    times = [1000 * seconds for seconds, _ in timed]
    return f"{statistics.median(times):.2f} ({min(times):.2f})"


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


if __name__ == "__main__":
    sys.exit(main())
