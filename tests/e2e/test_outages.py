"""What guarded indexes do while Freehold is down, with the real thing stopped: the fail table, and recovery."""

from __future__ import annotations

import time

import pytest

from tests.e2e.indexes import Index
from tests.e2e.processes import wait_until
from tests.e2e.registry import HOLDER, STRANGER, Freehold
from tests.e2e.tools import TOOLS_BY_NAME, Workshop

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e")]
UV = TOOLS_BY_NAME["uv"]
FLIT = TOOLS_BY_NAME["flit"]


def test_while_freehold_is_down(workshop: Workshop, index: Index, freehold: Freehold):
    url = index.upload_url
    first = workshop.publish(UV, workshop.built(UV, "acme-before"), url, HOLDER)
    assert first.status == 0, first.output

    with freehold.down():
        outside = workshop.publish(UV, workshop.built(UV, "free-in-outage"), url, STRANGER)
        assert outside.status == 0, outside.output

        stranger = workshop.publish(FLIT, workshop.built(FLIT, "acme-in-outage"), url, STRANGER)
        assert stranger.status != 0
        assert "503" in stranger.output
        assert "'acme'" in stranger.output
        assert not any(name.startswith("acme_in_outage") for name in index.files())

        existing = workshop.publish(UV, workshop.built(UV, "acme-before", "1.1"), url, HOLDER)
        assert existing.status == 0, existing.output
        # Every user of these indexes may upload to every project: the guard must not take it for the holder's release.
        planted = workshop.publish(UV, workshop.built(UV, "acme-before", "1.2"), url, STRANGER)
        assert planted.status != 0, planted.output
        assert not any("1.2" in name for name in index.files() if name.startswith("acme_before"))
        new = workshop.publish(UV, workshop.built(UV, "acme-new-in-outage"), url, HOLDER)
        assert new.status == 0, new.output
        assert index.detail("acme-before")["namespaces"] == [{"name": "acme", "owned": True}]

    wait_until(lambda: _status(index) == 409, 30, lambda: "it never asked again")


def test_outside_nobody_waits(index: Index, freehold: Freehold):
    filename = "free_quick-1.0.tar.gz"
    with freehold.down():
        began = time.monotonic()
        answer = index.post_form(("name", "free-quick"), filename=filename)
        assert answer.status == 200, answer
        assert time.monotonic() - began < 1
    wait_until(lambda: _status(index) == 409, 30, lambda: "it never asked again")


def _status(index: Index) -> int:
    return index.post_form(("name", "acme-again"), filename="acme_again-1.0.tar.gz").status
