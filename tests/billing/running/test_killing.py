"""Killing web server, worker and database at random, a hundred times, loses no payment and doubles none.

``FREEHOLD_KILLS=1000 FREEHOLD_SEED=7`` makes it longer, and another one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from freehold.embedded import EmbeddedPostgres
from freehold.embedded.processes import postmaster
from freehold.embedded.programs import program
from tests.billing.running.site import ROOT
from tests.commands import database_url
from tests.e2e.processes import HOST, free_port

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
KILLS, SEED = int(os.environ.get("FREEHOLD_KILLS", "100")), os.environ.get("FREEHOLD_SEED", "1")
PROGRAM = """
import sys, django
django.setup()
from tests.billing.running import chaos
chaos.main(sys.argv[1:])
"""


def copied(server: EmbeddedPostgres) -> str:
    """The address of a database of its own, with the same tables."""
    url = server.start()
    dump = _run([program("pg_dump"), "--no-owner", "--no-privileges", database_url()])
    # Settings of columns which only the server knows that they come from.
    plain = re.sub(rb"(?m)^ALTER TABLE ONLY \S+ ALTER COLUMN \S+ SET \(.*\);$", b"", dump)
    psql = [program("psql"), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", url]
    _run(psql, plain)
    # The machine does not die, so what was written is there; recovery need not look at every file.
    _run([*psql, "--command=ALTER SYSTEM SET fsync = off", "--command=SELECT pg_reload_conf()"])
    return url


def _run(command: list[str], given: bytes = b"") -> bytes:
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_killing_anything_at_random_loses_no_payment_and_doubles_none(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    try:
        url = copied(server)
        found = postmaster(server.data)
        assert found is not None
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "freehold.settings",
            "FREEHOLD_ENV": "test",
            "FREEHOLD_VAR": str(tmp_path),
            "DATABASE_URL": url,
            "STRIPE_API_BASE": f"http://{HOST}:{free_port()}",
        }
        words = [f"--kills={KILLS}", f"--seed={SEED}", f"--postmaster={found.pid}"]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *words],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60 + 2 * KILLS,
            check=False,
        )
    finally:
        server.stop()
    print(done.stdout)
    assert done.returncode == 0, done.stderr[-6000:]
