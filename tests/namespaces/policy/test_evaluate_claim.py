"""``manage.py evaluate_claim``, as the operator meets it."""

from __future__ import annotations

import json

import pytest

from namespaces.policy.evaluate import evaluate
from namespaces.policy.inputs import ClaimInputs
from namespaces.policy.thresholds import Thresholds
from tests import factories
from tests.commands import help_of, refused, run
from tests.dump import nothing_changes

pytestmark = pytest.mark.django_db


def test_help_says_what_a_stranger_needs() -> None:
    text = help_of("namespaces", "evaluate_claim")
    assert not [word for word in ("PREFIX", "--organization", "--json", "Nothing is stored") if word not in text]


def test_in_words() -> None:
    factories.organization("acme")
    factories.project("aws-tools", "user:wile")
    with nothing_changes():
        output = run("evaluate_claim", "AWS", "--organization", "Acme")
    assert output.startswith("aws for acme: A person looks.\n")
    assert "Not met                   It is longer than three characters. It has 3 characters;" in output
    assert "Met                       It is available." in output
    assert "\nTwo reviewers decide: It is a reserved word or a very short one.\n" in output
    assert "To prove: Prove a domain called “aws”, or one that begins with it. (dns, https, email_domain)" in output


def test_as_json_that_can_be_replayed() -> None:
    factories.organization("acme")
    told = json.loads(run("evaluate_claim", "acme", "--organization", "acme", "--json"))
    again = evaluate(ClaimInputs.from_json(told["inputs"]), Thresholds())
    assert again.as_json() == told["evaluation"]


@pytest.mark.parametrize(
    ("prefix", "organization", "sentence"),
    [
        ("acme", "nobody", "There is no organization 'nobody'."),
        ("acme", "\x00", "There is no organization '\\x00'."),
        ("no name!", "acme", "is not a valid project name"),
    ],
)
def test_refusals(prefix: str, organization: str, sentence: str) -> None:
    factories.organization("acme")
    assert sentence in refused("evaluate_claim", prefix, "--organization", organization)
