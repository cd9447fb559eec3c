"""Look-alikes: what passes for what, and that an index over thirds finds all of it."""

from __future__ import annotations

import gzip

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA, Levenshtein

from namespaces.policy import lookalikes
from namespaces.policy.inputs import Likeness, Source
from namespaces.policy.lookalikes import Match
from namespaces.policy.words import Reserved
from namespaces.policy_data import DATA
from orgs.names import folded
from tests.claims import near

FOLDED, SWAPPED, EDITED, CONTAINED = Likeness
flats = st.text("abcdo", min_size=5, max_size=14)


@pytest.mark.parametrize(
    ("prefix", "name", "match"),
    [
        ("opentelernetry", "opentelemetry", Match(FOLDED, 0)),
        ("open-telemetry", "opentelemetry", Match(FOLDED, 0)),
        ("goog1e", "google", Match(FOLDED, 0)),
        ("djang0", "django", Match(FOLDED, 0)),
        ("dajngo", "django", Match(SWAPPED, 1)),
        ("djnago-rest", "django-rest", Match(SWAPPED, 1)),
        ("djano", "django", Match(EDITED, 1)),
        ("kuberenetes", "kubernetes", Match(EDITED, 1)),
        ("opentelemtery", "opentelemetry", Match(SWAPPED, 1)),
        ("opentelmetri", "opentelemetry", Match(EDITED, 2)),
        ("google-pay", "google", Match(CONTAINED, 3)),
        ("my-g00gle-pay", "google", Match(CONTAINED, 5)),
        ("googlepay", "google", Match(CONTAINED, 3)),
        ("django-cms", "django-cms-tools", None),
        ("google", "google", None),
        ("flask", "flash", Match(EDITED, 1)),
        ("task", "tusk", None),
        ("polars", "pandas", None),
        ("acme", "django", None),
        ("flasker", "flask", None),
        ("x" * 200, "y" * 200, None),
    ],
)
def test_what_passes_for_what(prefix: str, name: str, match: Match | None) -> None:
    assert lookalikes.compare(prefix, name) == match


@given(flats, flats)
def test_a_third_in_common_is_had_by_all_that_are_so_near(one: str, other: str) -> None:
    found = set(lookalikes.search_keys(one)) & set(lookalikes.pieces(other))
    if OSA.distance(one, other) <= 1 or Levenshtein.distance(one, other) <= lookalikes.reach(len(one)):
        assert found


@given(flats, st.data())
def test_edits_are_found(one: str, data: st.DataObject) -> None:
    """The same for names made by edits, of which chance makes few."""
    other = one
    for _ in range(data.draw(st.integers(1, lookalikes.reach(len(one))))):
        place = data.draw(st.integers(0, len(other) - 1))
        other = other[:place] + data.draw(st.sampled_from(["", "x", "xy"])) + other[place + 1 :]
    if Levenshtein.distance(one, other) <= lookalikes.reach(len(one)):
        assert set(lookalikes.search_keys(one)) & set(lookalikes.pieces(other))


def test_short_and_endless_names_have_no_keys() -> None:
    assert lookalikes.search_keys("flow") == []
    assert lookalikes.search_keys("x" * 61) == []


def test_a_customary_part_is_no_brand() -> None:
    reserved = {"client": Reserved.ECOSYSTEM, "python": Reserved.PYTHON}
    inside, same = Match(CONTAINED, 4), Match(FOLDED, 0)
    assert lookalikes.is_everybodys(inside, "client", reserved)
    assert not lookalikes.is_everybodys(same, "client", reserved)
    assert not lookalikes.is_everybodys(inside, "python", reserved)
    assert not lookalikes.is_everybodys(inside, "google", reserved)


def test_the_likest_and_best_known_come_first_each_once() -> None:
    found = [
        near("b", projects=5),
        near("a", projects=9),
        near("c", FOLDED, projects=1),
        near("a", source=Source.GRANT, projects=0),
        near("d", CONTAINED, projects=10_000),
    ]
    assert [(one.name, one.source) for one in lookalikes.closest(found, 3)] == [
        ("c", Source.POPULAR),
        ("b", Source.POPULAR),
        ("a", Source.GRANT),
    ]


@pytest.mark.django_db
def test_the_database_folds_and_cuts_alike() -> None:
    with gzip.open(DATA / "sample.tsv.gz", "rt", encoding="ascii") as lines:
        names = [line.split("\t")[0] for line in list(lines)[1::7]] + ["a", "ab", "burnt-vvine-10"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, namespaces_fold(name), namespaces_flat(name), namespaces_pieces(namespaces_flat(name))"
            " FROM unnest(%s::text[]) name",
            [names],
        )
        rows = cursor.fetchall()
    assert len(rows) > 4_000
    for name, fold, flat, pieces in rows:
        assert (fold, flat) == (folded(name), lookalikes.flat(name))
        assert pieces == lookalikes.pieces(flat)
