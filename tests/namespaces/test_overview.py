"""What an organization's pages say of its namespaces."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from namespaces import overview
from namespaces.states import GrantState
from orgs.vocabulary import State
from tests import factories

pytestmark = pytest.mark.django_db


def test_how_many_it_holds_and_how_many_are_shared_with_it() -> None:
    acme, other = factories.organization("acme"), factories.organization("other")
    factories.grant("acme", acme)
    factories.grant("gone", acme, state=GrantState.RELEASED)
    (fact,) = overview.facts(acme)
    assert (fact.text, fact.url) == ("1 namespace", "/manage/acme/namespaces/")
    factories.grant("acme-two", acme, state=GrantState.HELD)
    factories.share(factories.grant("lent", other), acme)
    factories.share(factories.grant("past", other), acme, expires_at=timezone.now() - timedelta(days=1))
    assert overview.facts(acme)[0].text == "2 namespaces, and 1 shared with it"


@pytest.mark.parametrize("state", State)
def test_to_hold_one_is_the_next_step_of_who_may_claim(state: State) -> None:
    acme = factories.organization(state=state)
    may_claim = state in {State.APPLIED, State.ACTIVE}
    assert [step.done for step in overview.steps(acme)] == ([False] if may_claim else [])
    factories.grant("acme", acme)
    assert [step.done for step in overview.steps(acme)] == [True]


def test_the_profile_lists_what_is_public() -> None:
    acme, other = factories.organization("acme"), factories.organization("other")
    assert overview.listings(acme) == []
    factories.grant("waits", acme, state=GrantState.HELD)
    assert overview.listings(acme) == []
    for number in range(overview.LISTED + 2):
        factories.grant(f"n{number:02}", acme)
    factories.share(factories.grant("lent", other), acme)
    held, shared = overview.listings(acme)
    assert (len(held.links), held.more, held.links[0]) == (overview.LISTED, 2, ("n00", "/namespaces/n00/"))
    assert (shared.links, shared.more) == ((("lent", "/namespaces/lent/"),), 0)
