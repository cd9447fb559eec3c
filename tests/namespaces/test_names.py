"""Names: the shared vectors, a model written another way, and the database, which all have to agree."""

from __future__ import annotations

import itertools
import json
import string
from functools import reduce
from pathlib import Path

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from namespaces import names
from namespaces.models import Project

VECTORS = json.loads((Path(names.__file__).parent / "data" / "name_vectors.json").read_text(encoding="utf-8"))
VALID: list[tuple[str, str]] = [tuple(pair) for pair in VECTORS["valid"]]
INVALID: list[str] = VECTORS["invalid"]
COVERS: list[tuple[str, str, bool]] = [tuple(triple) for triple in VECTORS["covers"]]


def short(value: object) -> str:
    return ascii(value)[:40]


# --- The model: character by character, without a regular expression --------------------------------------------------

ALNUM = set(string.ascii_letters + string.digits)
SEPARATORS = set("-_.")


def model_valid(text: str) -> bool:
    if not 1 <= len(text) <= 200:
        return False
    return all(c in ALNUM | SEPARATORS for c in text) and text[0] in ALNUM and text[-1] in ALNUM


def model_normalize(text: str) -> str:
    def add(done: str, c: str) -> str:
        if c in SEPARATORS:
            return done if done.endswith("-") else done + "-"
        return done + (chr(ord(c) + 32) if "A" <= c <= "Z" else c)

    return reduce(add, text, "")


def model_covers(namespace: str, name: str) -> bool:
    """By parts: those of the namespace come first in the name."""
    parts, wanted = name.split("-"), namespace.split("-")
    return parts[: len(wanted)] == wanted


# Names, what looks like one, and anything. Few characters, so that prefixes and runs are frequent.
PLAIN = st.text(alphabet="aB0-_.", min_size=1, max_size=12)
ODD = st.text(alphabet="aK0-_. \n\x00\u212a\u017f\u0131\u00e9\uff41\u0661\u2010", max_size=8)
ANYTHING = st.one_of(PLAIN, ODD, st.text(max_size=20))
NORMALIZED = st.lists(st.text(alphabet="ab0", min_size=1, max_size=2), min_size=1, max_size=4).map("-".join)


class TestVectors:
    def test_they_hold_the_known_tricks(self) -> None:
        assert {"\u212a", "a\n", "a\x00", "", "-a", "a-", "a" * 201} <= set(INVALID)
        assert any(len(text) == 200 for text, _ in VALID)

    @pytest.mark.parametrize(("text", "normalized"), VALID, ids=short)
    def test_a_valid_name_has_its_normalized_form(self, text: str, normalized: str) -> None:
        assert names.is_valid(text)
        assert names.normalize(text) == normalized

    @pytest.mark.parametrize("text", INVALID, ids=short)
    def test_what_is_no_name_is_refused_and_not_normalized(self, text: str) -> None:
        assert not names.is_valid(text)
        with pytest.raises(names.InvalidName) as refusal:
            names.normalize(text)
        assert str(refusal.value).isascii() and str(refusal.value).isprintable()

    @pytest.mark.parametrize(("namespace", "name", "covered"), COVERS, ids=short)
    def test_what_a_namespace_covers(self, namespace: str, name: str, covered: bool) -> None:
        assert names.covers(namespace, name) is covered

    @pytest.mark.parametrize("text", INVALID, ids=short)
    def test_the_model_agrees_on_what_is_invalid(self, text: str) -> None:
        assert not model_valid(text)

    def test_the_model_agrees_on_the_rest(self) -> None:
        assert [model_normalize(text) for text, _ in VALID] == [normalized for _, normalized in VALID]
        assert [model_covers(namespace, name) for namespace, name, _ in COVERS] == [covered for *_, covered in COVERS]


class TestAgainstTheModel:
    @settings(max_examples=500)
    @given(ANYTHING)
    @example("a\n")
    @example("\u212a")
    def test_valid_and_normalized(self, text: str) -> None:
        assert names.is_valid(text) is model_valid(text)
        if model_valid(text):
            assert names.normalize(text) == model_normalize(text)

    @settings(max_examples=300)
    @given(PLAIN.filter(model_valid))
    def test_normalizing_again_changes_nothing(self, text: str) -> None:
        once = names.normalize(text)
        assert names.is_valid(once)
        assert names.normalize(once) == once

    @settings(max_examples=500)
    @given(NORMALIZED, NORMALIZED)
    def test_covers_and_overlap(self, one: str, other: str) -> None:
        assert names.covers(one, other) is model_covers(one, other)
        assert names.overlap(one, other) is (model_covers(one, other) or model_covers(other, one))
        assert names.overlap(one, other) is names.overlap(other, one)

    @settings(max_examples=300)
    @given(NORMALIZED)
    def test_prefixes_are_just_what_could_cover_it_shortest_first(self, name: str) -> None:
        brute = [name[:end] for end in range(1, len(name) + 1) if model_covers(name[:end], name)]
        assert names.prefixes(name) == brute
        assert names.depth(name) == len(brute) - 1


@pytest.mark.django_db
class TestTheDatabase:
    def accepts(self, text: str) -> bool:
        """Whether a row of that name goes in past all of our code."""
        with transaction.atomic(), connection.cursor() as cursor:
            try:
                with transaction.atomic():
                    cursor.execute(
                        "INSERT INTO namespaces_project (name, owner, first_uploaded) VALUES (%s, '', now())", [text]
                    )
            except (IntegrityError, DataError, ValueError):  # the driver itself refuses NUL and lone surrogates
                return False
            Project.objects.filter(name=text).delete()
            return True

    @pytest.mark.parametrize(("text", "normalized"), VALID, ids=short)
    def test_it_takes_a_name_when_it_is_normalized(self, text: str, normalized: str) -> None:
        assert self.accepts(normalized)
        assert self.accepts(text) is (text == normalized)

    @pytest.mark.parametrize("text", INVALID, ids=short)
    def test_it_takes_nothing_else(self, text: str) -> None:
        assert not self.accepts(text)

    @settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(ANYTHING)
    def test_it_agrees_with_python(self, text: str) -> None:
        assert self.accepts(text) is (names.is_valid(text) and names.normalize(text) == text)

    @pytest.mark.parametrize(
        ("table", "constraint"),
        [
            ("namespaces_grant", "grant_name_normalized"),
            ("namespaces_project", "project_name_normalized"),
            ("orgs_organization", "organization_name_normalized"),
        ],
    )
    def test_one_rule_for_all_that_is_named(self, table: str, constraint: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND conname = %s",
                [table, constraint],
            )
            assert cursor.fetchone() == ("CHECK (((name)::text ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text))",)

    def test_the_interval_in_its_order_holds_just_what_is_below(self) -> None:
        near = ["foo", "foo-bar", "foobar", "foo0", "foo-0", "foo-z-z", "fo", "foo-bar-baz", "foo-barx", "zoo", "0"]
        pairs = [(namespace, name) for namespace, name, _ in COVERS] + list(itertools.product(near, near))
        assert self.within(pairs) == [model_covers(*pair) and pair[0] != pair[1] for pair in pairs]

    @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.tuples(NORMALIZED, NORMALIZED), min_size=1, max_size=20))
    def test_the_interval_of_whatever_name(self, pairs: list[tuple[str, str]]) -> None:
        expected = [names.covers(namespace, name) and namespace != name for namespace, name in pairs]
        assert self.within(pairs) == expected

    def within(self, pairs: list[tuple[str, str]]) -> list[bool]:
        low, high = zip(*(names.interval(namespace) for namespace, _ in pairs), strict=True)
        with connection.cursor() as cursor:
            cursor.execute(
                'SELECT name COLLATE "C" >= low AND name COLLATE "C" < high'
                "  FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS q(name, low, high, at) ORDER BY at",
                [[name for _, name in pairs], list(low), list(high)],
            )
            return [within for (within,) in cursor.fetchall()]

    @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.tuples(NORMALIZED, NORMALIZED), min_size=1, max_size=20))
    def test_two_spans_meet_just_when_the_namespaces_overlap(self, pairs: list[tuple[str, str]]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT prefixrange(one || '-', one || '.') && prefixrange(other || '-', other || '.')"
                "  FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS q(one, other, at) ORDER BY at",
                [[one for one, _ in pairs], [other for _, other in pairs]],
            )
            assert [meet for (meet,) in cursor.fetchall()] == [names.overlap(*pair) for pair in pairs]
