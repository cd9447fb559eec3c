"""What an organization reads about why: how a namespace came to it, what stops new projects, who is refused and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from namespaces.cases import CaseState
from namespaces.decision import ROWS, Reason
from namespaces.models import BlockedAttempt, Case, CaseDecision, Grant
from namespaces.services import lifecycle
from namespaces.services.grants import create_child, grant_namespace
from namespaces.services.shares import give_team_right
from namespaces.services.transfers import transfer_namespace
from namespaces.states import GrantState, LockCause
from orgs.actors import Actor
from orgs.models import Membership, Organization, TrustedPublisher
from orgs.services.publishers import add_publisher
from orgs.vocabulary import Role, Standing, State
from tests import factories
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db

OPERATOR = Actor.operator()
PAGE = "/manage/acme/namespaces/acme/"
LONG_AGO = timezone.now() - timedelta(days=400)


@pytest.fixture
def acme() -> Organization:
    return factories.organization("acme")


@pytest.fixture
def owner(acme: Organization) -> Client:
    return signed_in(factories.member(acme, "olga").user)


@pytest.fixture
def grant(acme: Organization) -> Grant:
    return factories.grant("acme", acme)


def page(client: Client, address: str = PAGE) -> str:
    response = client.get(address)
    assert response.status_code == 200, response.content
    return " ".join(response.content.decode().split())


# --- How it came about ------------------------------------------------------------------------------------------------


class TestOrigin:
    def test_by_machine(self, acme: Organization, owner: Client) -> None:
        case = factories.case(acme, name="acme", state=CaseState.APPROVED)
        body = page(owner)
        assert "Your claim was granted by machine" in body
        assert f'href="/cases/{case.pk}/"' in body

    def test_by_a_reviewer_or_two(self, acme: Organization, owner: Client) -> None:
        factories.case(acme, name="acme", state=CaseState.APPROVED, by=factories.reviewer())
        assert "granted by a reviewer" in page(owner)
        CaseDecision.objects.update(confirmed_by=factories.reviewer())
        assert "granted by two reviewers" in page(owner)

    def test_who_may_not_see_the_claim_has_no_link_to_it(self, acme: Organization) -> None:
        case = factories.case(acme, name="acme", state=CaseState.APPROVED)
        body = page(signed_in(factories.member(acme, "mia", Role.MEMBER).user))
        assert "Your claim was granted by machine" in body
        assert f"/cases/{case.pk}/" not in body
        assert "All that was done with it" not in body

    def test_by_staff(self, owner: Client, grant: Grant) -> None:
        body = page(owner)
        assert "Staff granted it." in body
        assert f"?target={grant.name}" in body

    def test_divided_off(self, owner: Client, grant: Grant) -> None:
        create_child(actor=OPERATOR, parent=grant, name="acme-labs")
        assert "It was divided off from" in page(owner, "/manage/acme/namespaces/acme-labs/")

    def test_taken_up_into_what_is_around_it(self, acme: Organization, owner: Client) -> None:
        factories.grant("acme-labs", acme)
        grant_namespace(actor=OPERATOR, name="acme", organization=acme)
        body = page(owner, "/manage/acme/namespaces/acme-labs/")
        assert "around it, it is a part of that." in body
        assert "divided off" not in body

    def test_handed_over(self, acme: Organization, owner: Client) -> None:
        came = factories.grant("came", factories.organization())
        transfer_namespace(actor=OPERATOR, grant=came, to=acme)
        factories.seal()
        assert "Another organization handed it over to you." in page(owner, "/manage/acme/namespaces/came/")

    def test_to_a_guest_it_is_not_told(self, acme: Organization, owner: Client) -> None:
        theirs = factories.grant("theirs", factories.organization())
        factories.share(theirs, acme)
        assert "How it came to you" not in page(owner, "/manage/acme/namespaces/theirs/")


# --- What stops new projects ------------------------------------------------------------------------------------------


def held(grant: Grant) -> object:
    return Grant.objects.update(state=GrantState.HELD)


def lapsed(grant: Grant) -> object:
    return lifecycle.lock_namespace(actor=Actor.worker(), grant=grant, cause=LockCause.STANDING, reason="Invoice 17.")


def locked(grant: Grant) -> object:
    staff = Actor.staff(factories.reviewer())
    return lifecycle.lock_namespace(actor=staff, grant=grant, reason="Its keys leaked.")


def given_up(grant: Grant) -> object:
    owner = Actor.person(grant.owner.memberships.get(role=Role.OWNER).user)
    return lifecycle.release_namespace(actor=owner, grant=grant, reason="Not used any more.")


def taken(grant: Grant) -> object:
    staff = Actor.staff(factories.reviewer())
    return lifecycle.quarantine_namespace(actor=staff, grant=grant, reason="A court said so.")


def suspended(grant: Grant) -> object:
    return Organization.objects.update(state=State.SUSPENDED)


def unpaid(grant: Grant) -> object:
    return Organization.objects.update(standing=Standing.LAPSED)


STOPS: dict[str, tuple[Callable[[Grant], object], list[str]]] = {
    "held": (held, ["is not in force until it is paid for", "held until", "Pay for it"]),
    "lapsed": (lapsed, ["your payment has lapsed", "Why: Invoice 17.", "Settle what is open"]),
    "locked by staff": (locked, ["Staff locked it.", "Why: Its keys leaked.", "by staff", "Answer to the mail"]),
    "taken by staff": (taken, ["Staff put it into quarantine.", "Why: A court said so.", "Answer to the mail"]),
    "given up": (given_up, ["It is in quarantine", "Why: Not used any more.", "Take it back", "quarantine ends on"]),
    "suspended": (suspended, ["Your organization is: Suspended"]),
    "not paid, and not locked yet": (unpaid, ["standing: Lapsed"]),
}


@pytest.mark.parametrize(("stop", "words"), STOPS.values(), ids=STOPS.keys())
def test_each_stop_says_why_since_when_and_what_to_do(
    owner: Client, grant: Grant, stop: Callable[[Grant], object], words: list[str]
) -> None:
    assert "Nobody can publish a new project here now" not in page(owner)
    stop(grant)
    body = page(owner)
    assert "Nobody can publish a new project here now" in body
    for said in words:
        assert said in body, said
    assert ("Take it back" in body) is (stop is given_up)


def test_until_when_it_is_held(owner: Client, grant: Grant) -> None:
    held(grant)
    Grant.objects.update(state_changed_at=LONG_AGO)
    assert f"{LONG_AGO + settings.FREEHOLD_HELD:%-d %b %Y}</time>" in page(owner).split("held until")[1]


def test_two_locks_are_two_reasons(owner: Client, grant: Grant) -> None:
    lapsed(grant)
    locked(grant)
    body = page(owner)
    assert "your payment has lapsed" in body
    assert "Staff locked it." in body


def test_reasons_are_for_who_may_read_the_trail(acme: Organization, grant: Grant) -> None:
    locked(grant)
    member = signed_in(factories.member(acme, "mia", Role.MEMBER).user)
    assert "Its keys leaked." not in page(member)
    assert "Its keys leaked." in page(signed_in(factories.member(acme, "mads", Role.MANAGER).user))


# --- Who, since when --------------------------------------------------------------------------------------------------


def test_everybody_who_may_publish_stands_there_with_since_when(
    acme: Organization, owner: Client, grant: Grant
) -> None:
    team = factories.team(acme, "mia", name="Labs")
    give_team_right(actor=OPERATOR, grant=grant, team=team)
    add_publisher(actor=OPERATOR, organization=acme, issuer="https://ci.example", claims={"sub": "x"})
    share = factories.share(grant, factories.organization("friend"))
    Membership.objects.filter(role=Role.OWNER).update(created_at=LONG_AGO)
    body = page(owner)
    assert f'Owner of the organization <span class="quiet">in it since <time datetime="{LONG_AGO:%Y-%m-%d}' in body
    today = f'since <time datetime="{share.created_at:%Y-%m-%d}'
    for said in ("Labs</a> has the right on", "https://ci.example", "is shared with it"):
        assert today in body.split(said)[1][:200], said


def test_what_does_not_know_since_when_says_nothing(acme: Organization, owner: Client, grant: Grant) -> None:
    factories.trusted(acme, sub="x")
    TrustedPublisher.objects.update(created_at=None)
    assert "https://ci.example</th>" in page(owner)


# --- May they? --------------------------------------------------------------------------------------------------------


def test_every_reason_has_its_row_of_the_table() -> None:
    assert set(ROWS) == set(Reason)


def test_the_answer_names_rule_namespace_publisher_and_time(owner: Client, grant: Grant) -> None:
    body = page(owner, f"{PAGE}?project=acme-new&kind=user&publisher=olga")
    for said in ("olga may upload acme-new", "Number 3 of the check", "held by Acme", "publishes for acme"):
        assert said in body
    assert f"{timezone.now():%-d %b %Y}" in body.split("Asked</dt>")[1][:100]
    body = page(owner, f"{PAGE}?project=acme-new&kind=user&publisher=wile")
    for said in ("wile may not upload acme-new", "Number 7 of the check"):
        assert said in body


def test_where_nothing_is_enforced_the_answer_says_so(owner: Client, grant: Grant) -> None:
    Grant.objects.update(effective_at=timezone.now() + timedelta(days=1))
    assert "None that is enforced" in page(owner, f"{PAGE}?project=acme-new&kind=user&publisher=olga")


# --- Blocked attempts -------------------------------------------------------------------------------------------------


def attempt(project: str, number: int = 1, *, by: str = "user wile", reason: str = "reserved", **fields: Any) -> None:
    known = {"namespace": "acme", "count": number, "last_at": timezone.now() - timedelta(minutes=number)}
    BlockedAttempt.objects.create(project=project, publisher=by, reason=reason, **known | fields)


class TestBlocked:
    ADDRESS = f"{PAGE}blocked/"

    def test_none_yet(self, owner: Client, grant: Grant) -> None:
        assert "Nobody has tried yet" in page(owner, self.ADDRESS)

    def test_the_page_of_the_namespace_shows_a_few_and_leads_to_all(self, owner: Client, grant: Grant) -> None:
        for number in range(9):
            attempt(f"acme-x{number}", number + 1)
        body = page(owner)
        assert "45 uploads were refused here, of 9 names." in body
        assert body.count("acme-x") == 5
        assert f'href="{self.ADDRESS}"' in body

    @pytest.mark.parametrize(
        ("query", "shown"),
        [
            ("", ["acme-a", "acme-b", "acme-c"]),
            ("?order=often", ["acme-c", "acme-b", "acme-a"]),
            ("?q=ME-B", ["acme-b"]),
            ("?q=wile", ["acme-a", "acme-b"]),
            ("?reason=locked", ["acme-b"]),
            ("?reason=nonsense", ["acme-a", "acme-b", "acme-c"]),
            ("?inside=on", ["acme-a", "acme-labs-x", "acme-b", "acme-c"]),
            ("?q=100%25", []),
            ("?q=%00", ["acme-a", "acme-b", "acme-c"]),
        ],
    )
    def test_filters(self, owner: Client, grant: Grant, query: str, shown: list[str]) -> None:
        attempt("acme-a", 1)
        attempt("acme-b", 3, reason="locked")
        attempt("acme-c", 4, by="user coyote")
        attempt("acme-labs-x", 2, namespace="acme-labs", by="user coyote")
        attempt("acmefoo-x", 2, namespace="acmefoo")
        body = page(owner, f"{self.ADDRESS}{query}")
        found = [part.split("<")[0] for part in body.split('rowheader"><span class="name">')[1:]]
        assert found == shown

    def test_many_are_paged_at_the_same_cost(
        self, owner: Client, grant: Grant, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(120):
            attempt(f"acme-x{number}", number + 1)
        with django_assert_max_num_queries(24):
            body = page(owner, f"{self.ADDRESS}?page=3")
        assert body.count('rowheader"><span class="name">') == 20

    def test_only_of_what_is_ones_own(self, acme: Organization, owner: Client) -> None:
        theirs = factories.grant("theirs", factories.organization())
        factories.share(theirs, acme)
        assert owner.get("/manage/acme/namespaces/theirs/blocked/").status_code == 404


def test_the_page_of_a_namespace_costs_few_queries(
    acme: Organization, owner: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    factories.case(acme, name="acme", state=CaseState.APPROVED)
    grant = Grant.objects.get()
    locked(grant)
    assert Case.objects.count() == 1
    with django_assert_max_num_queries(45):
        page(owner)
