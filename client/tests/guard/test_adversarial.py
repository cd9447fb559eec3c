"""Nothing reserved is ever planted: no request reaches the index from which any parser reads what isn't the sender's."""

from __future__ import annotations

import pytest

from .cases import Case, all_cases
from .conftest import Served
from .readers import reserved_names
from .servers import status_of, talk

CASES = all_cases()
CUT_OFF = {"length-huge"}
"""The sender closes its side, lest everybody waits for the rest."""


def test_there_are_many():
    assert len(CASES) >= 150


@pytest.mark.parametrize("case", CASES, ids=[case.id[:60] for case in CASES])
def test_nothing_reserved_is_planted(served: Served, case: Case):
    response = talk(served.port, case.request, half_close=case.id in CUT_OFF)
    assert b"already exist" not in response.lower()
    for seen in served.index.seen:
        assert reserved_names(seen) == []
    status = status_of(response)
    assert status in case.statuses, response[:600]
    if status != 200:
        assert not served.index.seen
