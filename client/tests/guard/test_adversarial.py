"""Nothing reserved is ever planted: no request reaches the index from which any parser reads what isn't the sender's."""

from __future__ import annotations

import pytest

from guard.cases import Case, all_cases
from guard.conftest import Served
from guard.readers import reserved_names
from guard.servers import status_of, talk
from guard.stand_in import Seen

# Parsers that give up leave temporary files behind.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
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


def test_the_parsers_would_be_taken_in():
    """The suite has teeth: unguarded, some parser reads a reserved name from most of the requests."""
    planted = [case.id for case in CASES if reserved_names(_unguarded(case.request))]
    assert len(planted) >= 250, len(planted)


def _unguarded(request: bytes) -> Seen:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    method, _, target = lines[0].rpartition(" ")[0].partition(" ")
    headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in lines[1:])}
    path, _, query = target.partition("?")
    return Seen(method, path, query, headers.get("content-type", ""), str(len(body)), None, body, {})
