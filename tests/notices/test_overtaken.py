"""Who is told of a namespace that was granted around their projects: each once, and the grant is not slowed by it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import preferences
from accounts.models import Mail, User
from accounts.topics import Topic
from namespaces.models import Grant, Project
from namespaces.services.grants import grant_namespace
from namespaces.services.lifecycle import activate_namespace
from namespaces.services.overtaken import BATCH, tell_overtaken
from namespaces.states import GrantState
from namespaces.tasks import tell_of_grants
from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import Role, State
from tests import factories
from tests.concurrency import all_at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Organization:
    organization = factories.organization("acme")
    factories.member(organization, "ann")
    return organization


@pytest.fixture
def grant(acme: Organization) -> Grant:
    return factories.grant("acme", acme)


def told() -> list[str]:
    return sorted(address.partition("@")[0] for address in Mail.objects.values_list("to", flat=True))


def test_people_and_owners_of_organizations_are_told_one_mail_each(grant: Grant) -> None:
    globex = factories.organization("globex")
    factories.member(globex, "gil")
    factories.member(globex, "manny", Role.MANAGER)
    factories.user("sam")
    for name, owner in (
        ("acme-a", "user:sam"),
        ("acme-b", "user:sam"),
        ("acme", "globex"),
        ("acme-c", "user:gil"),  # who is told of this one, too, in the same mail
        ("acme-d", ""),
        ("acme-e", "acme"),
        ("acme-f", "user:nobody-here"),
        ("acmes", "user:outside"),
    ):
        factories.project(name, owner)
    factories.user("outside")
    assert tell_of_grants() == 2
    assert told() == ["gil", "sam"]
    texts = {mail.to.partition("@")[0]: mail.text for mail in Mail.objects.all()}
    assert "- acme\n- acme-c\n" in texts["gil"] and "- acme-a\n- acme-b\n" in texts["sam"]
    assert "acme-a" not in texts["gil"]
    assert tell_of_grants() == 0 and Mail.objects.count() == 2


@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER])
def test_whoever_acts_for_the_holder_knows(grant: Grant, role: Role) -> None:
    factories.member(grant.owner, "manny", role)
    factories.project("acme-a", "user:manny")
    assert tell_overtaken() == 0


def test_a_member_of_the_holder_may_not_know(grant: Grant) -> None:
    factories.member(grant.owner, "mia", Role.MEMBER)
    factories.project("acme-a", "user:mia")
    assert tell_overtaken() == 1


def test_who_is_switched_off_or_closed_is_told_nothing(grant: Grant) -> None:
    factories.user("gone", is_active=False)
    closed = factories.organization("closed", state=State.CLOSED)
    factories.member(closed, "cleo")
    factories.project("acme-a", "user:gone")
    factories.project("acme-b", "closed")
    assert tell_overtaken() == 0


@pytest.mark.parametrize("state", [state for state in GrantState if state is not GrantState.ACTIVE])
def test_only_what_is_active_is_told(acme: Organization, state: GrantState) -> None:
    factories.user("sam")
    factories.project("acme-a", "user:sam")
    factories.grant("acme", acme, state=state)
    assert tell_overtaken() == 0


def test_children_change_nothing_for_anybody(grant: Grant) -> None:
    factories.user("sam")
    factories.project("acme-child-a", "user:sam")
    Grant.objects.filter(pk=grant.pk).update(effective_at=timezone.now() - timedelta(days=365))
    factories.grant("acme-child", grant.owner, root=grant)
    assert tell_overtaken() == 0


def test_old_grants_are_history(grant: Grant) -> None:
    """Such as those that a take-back brings to life: who had projects there was told when it was granted."""
    factories.user("sam")
    factories.project("acme-a", "user:sam")
    Grant.objects.filter(pk=grant.pk).update(effective_at=timezone.now() - timedelta(days=8))
    assert tell_overtaken() == 0


def test_who_does_not_want_it_is_not_told_and_holds_up_nobody(grant: Grant) -> None:
    sam, tom = factories.user("sam"), factories.user("tom")
    for user in (sam, tom):
        factories.project(f"acme-{user.index_username}", f"user:{user.index_username}")
    preferences.stop(user=sam, topic=Topic.OVERTAKEN)
    assert tell_overtaken() == 1 and told() == ["tom"]
    assert tell_overtaken() == 0


def test_what_was_held_is_told_when_it_is_activated(acme: Organization) -> None:
    factories.user("sam")
    factories.project("acme-a", "user:sam")
    held = grant_namespace(actor=Actor.operator(), name="acme", organization=acme, state=GrantState.HELD)
    assert tell_overtaken() == 0
    activate_namespace(actor=Actor.operator(), grant=held)
    assert tell_overtaken() == 1


def test_another_grant_is_told_anew(grant: Grant) -> None:
    factories.user("sam")
    factories.project("acme-a", "user:sam")
    assert tell_overtaken() == 1
    Grant.objects.filter(pk=grant.pk).update(state=GrantState.RELEASED)
    factories.grant("acme", factories.organization("globex"))
    assert tell_overtaken() == 1 and Mail.objects.count() == 2


def test_many_are_told_in_several_runs(grant: Grant) -> None:
    number = BATCH + 3
    names = [f"many{one:03}" for one in range(number)]
    User.objects.bulk_create(User(email=f"{name}@example.com", index_username=name) for name in names)
    now = timezone.now()
    Project.objects.bulk_create(
        Project(name=f"acme-{name}", owner=f"user:{name}", first_uploaded=now) for name in names
    )
    assert [tell_overtaken() for _ in range(3)] == [BATCH, 3, 0]
    assert told() == names


def test_ten_thousand_projects_cost_the_grant_nothing(acme: Organization) -> None:
    """No mail is written in its transaction, and no more statements than for a name that nobody uses."""

    def statements(name: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            grant_namespace(actor=Actor.operator(), name=name, organization=acme)
        return len(captured)

    factories.user("sam")
    first = timezone.now()
    rows = (Project(name=f"crowded-{one:05}", owner="user:sam", first_uploaded=first) for one in range(10_000))
    Project.objects.bulk_create(rows)
    assert statements("crowded") == statements("empty")
    assert not Mail.objects.exists()
    assert tell_overtaken() == 1
    assert "and 9980 more" in Mail.objects.get().text


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_tell_each_once() -> None:
    organization = factories.organization("acme")
    factories.grant("acme", organization)
    for number in range(5):
        factories.user(f"user{number}x")
        factories.project(f"acme-{number}", f"user:user{number}x")
    assert all_at_once(tell_overtaken, tell_overtaken) == ["done"] * 2
    assert Mail.objects.count() == 5
