"""Which keys a change purges: the rules alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namespaces import names
from namespaces.models import Change
from namespaces.purging import namespace_keys, project_keys, purged

NAMES = st.lists(st.sampled_from(["a", "b", "c1"]), min_size=1, max_size=9).map("-".join)


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        (("grant", "acme"), ["namespace/acme", "namespaces", "pages", "within/acme"]),
        (
            ("grant", "acme-labs"),
            ["namespace/acme", "namespace/acme-labs", "namespaces", "pages", "within/acme-labs"],
        ),
        (("organization", "acme"), ["organization/acme", "pages"]),
        (("project", "acme-x"), ["pages", "project/acme-x"]),
        (("projects", ""), ["pages", "projects"]),
    ],
)
def test_what_a_change_purges(change: tuple[str, str], keys: list[str]) -> None:
    assert purged([change]) == keys
    assert purged([change, change]) == keys


def test_every_kind_of_change_purges_something() -> None:
    assert all(purged([(kind, "x")]) for kind in Change.Kind.values)
    assert purged([]) == []


@given(NAMES, NAMES)
def test_a_grant_reaches_every_answer_that_it_alters(grant: str, name: str) -> None:
    """The project answers of what it covers, and the answers about namespaces it overlaps with."""
    keys = set(purged([("grant", grant)]))
    if names.covers(grant, name):
        assert keys & set(project_keys(name))
    if names.overlap(grant, name):
        assert keys & set(namespace_keys(name))


@given(NAMES, NAMES)
def test_a_grant_leaves_other_answers_alone(grant: str, name: str) -> None:
    if names.depth(grant) < 6 and not names.overlap(grant, name):
        assert not set(purged([("grant", grant)])) & {*project_keys(name), *namespace_keys(name)}


@given(NAMES, NAMES)
def test_a_project_reaches_its_own_answer_and_no_other(project: str, name: str) -> None:
    assert bool(set(purged([("project", project)])) & set(project_keys(name))) is (project == name)
    assert set(purged([("projects", "")])) & set(project_keys(name))


def test_keys_stay_few_and_short() -> None:
    assert len(" ".join(project_keys("-".join("x" * 100)))) < 500
