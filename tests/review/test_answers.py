"""The usual answers: each can be filled in, refusals name criteria and what would change them, and none is left out."""

from __future__ import annotations

import pytest

from namespaces.cases import CaseKind
from namespaces.pages_cases import KEYS
from review.answers import ANSWERS, Answer, Use, answer_of, answers_for

NAMES = {"namespace": "acme", "organization": "Acme Rockets"}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: f"{answer.kind}-{answer.key}")
def test_it_is_whole(answer: Answer) -> None:
    text = answer.filled(**NAMES)
    assert "%" not in text and "!" not in text
    assert all(key in KEYS[answer.kind] for key in answer.criteria)
    assert answer_of(answer.kind, answer.key) is answer
    if answer.use is Use.REFUSE:
        assert answer.criteria and answer.remedy is not None
        assert text.endswith(str(answer.remedy) % NAMES)


@pytest.mark.parametrize("kind", CaseKind)
def test_every_criterion_has_a_refusal(kind: CaseKind) -> None:
    named = {key for answer in answers_for(kind, Use.REFUSE) for key in answer.criteria}
    assert named == set(KEYS[kind])


@pytest.mark.parametrize("kind", CaseKind)
@pytest.mark.parametrize("use", Use)
def test_there_are_some_for_every_kind_and_use(kind: CaseKind, use: Use) -> None:
    assert answers_for(kind, use)


def test_what_fits_the_case_comes_first() -> None:
    found = answers_for(CaseKind.CLAIM, Use.REFUSE, ["not_common", "in_use"])
    assert [answer.key for answer in found[:2]] == ["common", "unused"]
    assert answers_for(CaseKind.CLAIM, Use.REFUSE, ["outside"])[0].key == "others-there"


def test_an_unknown_one_is_none() -> None:
    assert answer_of(CaseKind.CLAIM, "nonsense") is None
    assert answer_of(CaseKind.CLAIM, "quiet") is None
