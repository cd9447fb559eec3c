"""The ownership rule in the database: against a brute-force model, and raced by real transactions."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import psycopg
import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from namespaces import names
from namespaces.errors import NamespaceTaken
from namespaces.models import Grant
from namespaces.services.grants import grant_namespace
from namespaces.states import HOLDING, GrantState
from orgs.actors import Actor
from orgs.models import Organization
from tests import factories
from tests.concurrency import all_at_once, another_connection, one_behind_the_other, wait_until_blocked

NAMES = ["a", "a-b", "a-b-c", "a-c", "ab", "a-bc", "b", "a0", "a-b-d"]
SPOT = st.tuples(st.sampled_from(NAMES), st.integers(0, 2), st.sampled_from(list(GrantState)))


def fits(existing: list[tuple[str, int, GrantState]], new: tuple[str, int, GrantState]) -> bool:
    """The model: no holding grant of somebody else overlaps, and no name is held twice."""
    name, owner, state = new
    if state not in HOLDING:
        return True
    held = [(n, o) for n, o, s in existing if s in HOLDING]
    return not any(n == name or (o != owner and names.overlap(n, name)) for n, o in held)


@pytest.mark.django_db
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SPOT, min_size=1, max_size=8))
def test_the_constraint_is_the_model(spots: list[tuple[str, int, GrantState]]) -> None:
    with transaction.atomic():
        owners = [factories.organization() for _ in range(3)]
        existing: list[tuple[str, int, GrantState]] = []
        for name, owner, state in spots:
            try:
                with transaction.atomic():
                    factories.grant(name, owners[owner], state=state)
                accepted = True
            except IntegrityError:
                accepted = False
            assert accepted is fits(existing, (name, owner, state)), (existing, name, owner, state)
            if accepted:
                existing.append((name, owner, state))
        transaction.set_rollback(True)


@pytest.mark.django_db
@pytest.mark.parametrize("order", list(itertools.permutations(["acme", "acme-labs", "acme-labs-x"])))
def test_nobody_gets_in_around_an_owner_in_any_order(order: tuple[str, ...]) -> None:
    acme, other = factories.organization(), factories.organization()
    grant_namespace(actor=Actor.operator(), name=order[0], organization=acme)
    for name in order[1:]:
        with pytest.raises(NamespaceTaken, match="overlaps with"):
            grant_namespace(actor=Actor.operator(), name=name, organization=other)
        grant_namespace(actor=Actor.operator(), name=name, organization=acme)
    grants = {grant.name: grant for grant in Grant.objects.all()}
    assert grants["acme"].root is None
    assert {grants["acme-labs"].root, grants["acme-labs-x"].root} == {grants["acme"]}


@pytest.mark.django_db
def test_neighbours_in_the_alphabet_are_free() -> None:
    grant_namespace(actor=Actor.operator(), name="acme", organization=factories.organization())
    for name in ("acmefoo", "acm", "acme0", "acmf", "ac-me", "acmezz-x"):
        grant_namespace(actor=Actor.operator(), name=name, organization=factories.organization())


INSERT = """
INSERT INTO namespaces_grant (name, display_name, owner_id, state, created_at, state_changed_at, effective_at)
VALUES (%s, %s, %s, 'active', now(), now(), now())
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first_commits", [True, False])
def test_the_bare_constraint_makes_the_second_writer_wait(first_commits: bool) -> None:
    """No service and no lock of ours: the constraint alone."""
    owners = [factories.organization().pk for _ in range(2)]
    with another_connection() as first, another_connection() as second:
        first.execute(INSERT, ["acme", "acme", owners[0]])
        outcome: list[str] = []

        def insert_child() -> None:
            try:
                second.execute(INSERT, ["acme-labs", "acme-labs", owners[1]])
                second.commit()
                outcome.append("committed")
            except psycopg.errors.ExclusionViolation:
                outcome.append("refused")

        thread = threading.Thread(target=insert_child)
        thread.start()
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit() if first_commits else first.rollback()
        thread.join(10)
    assert outcome == ["refused" if first_commits else "committed"]


def asks(name: str, owner: Organization) -> Callable[[], object]:
    return lambda: grant_namespace(actor=Actor.operator(), name=name, organization=owner)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_transactions_race_for_overlapping_namespaces() -> None:
    """200 rounds: the second is seen waiting for the first in the database, and exactly one wins."""
    owners = [factories.organization() for _ in range(2)]
    pairs = itertools.cycle([("{0}", "{0}"), ("{0}", "{0}-x"), ("{0}-x", "{0}"), ("{0}-x-y", "{0}-x")])
    for number, (one, other) in zip(range(200), pairs, strict=False):
        name = f"race{number}"
        outcomes = one_behind_the_other(asks(one.format(name), owners[0]), asks(other.format(name), owners[1]))
        assert outcomes == ("done", "namespace-taken")
        assert Grant.objects.filter(name__startswith=name).count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_crowd_at_once_leaves_one_winner() -> None:
    """Started at the same moment and not held back: whoever wins, it is one, and nobody is thrown out by a deadlock."""
    owners = [factories.organization() for _ in range(4)]
    for number in range(25):
        wanted = [f"crowd{number}", f"crowd{number}-x", f"crowd{number}-x-y", f"crowd{number}"]
        outcomes = all_at_once(*(asks(name, owner) for name, owner in zip(wanted, owners, strict=True)))
        assert sorted(outcomes) == ["done", "namespace-taken", "namespace-taken", "namespace-taken"], number


@pytest.mark.django_db
def test_a_transfer_moves_a_tree_in_one_statement_and_half_a_tree_never() -> None:
    acme, other = factories.organization(), factories.organization()
    root = factories.grant("acme", acme)
    factories.grant("acme-labs", acme, root=root)
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.filter(name="acme").update(owner=other)
    Grant.objects.filter(name__startswith="acme").update(owner=other)
    assert set(Grant.objects.values_list("owner", flat=True)) == {other.pk}
