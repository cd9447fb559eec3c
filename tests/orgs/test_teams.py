"""Teams: sets of memberships. Who may make and change them, and what goes with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from freehold.errors import Invalid, NotPermitted
from namespaces.decision import Publisher, Question, Reason, decide
from namespaces.facts import fetch
from namespaces.models import TeamGrant
from orgs.actors import Actor
from orgs.models import AuditEvent, Membership, Organization, OrganizationToken, Team, TeamMember
from orgs.services.closing import close_organization
from orgs.services.teams import (
    NoSuchTeam,
    NotInOrganization,
    NotInTeam,
    TeamNameTaken,
    add_team_members,
    create_team,
    delete_team,
    leave_team,
    remove_team_member,
    update_team,
)
from orgs.vocabulary import Role
from tests import factories
from tests.concurrency import all_at_once, one_behind_the_other
from tests.dump import nothing_changes
from tests.people import EVERYBODY, acting_as, in_role

pytestmark = pytest.mark.django_db

OPERATOR = Actor.operator()
MAY = {"owner", "manager", "operator"}


@pytest.fixture
def acme() -> Organization:
    return factories.organization("acme")


@pytest.fixture
def labs(acme: Organization) -> Team:
    return factories.team(acme, "mia", name="Labs")


def reason(user: str, project: str = "acme-new") -> Reason:
    question = Question(project, Publisher(user=user))
    return decide(question, fetch(b"", [question]).facts[0]).reason


def trail() -> list[tuple[str, str]]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", "target"))


ACTS: dict[str, Callable[[Actor, Team], Any]] = {
    "create": lambda actor, team: create_team(actor=actor, organization=team.organization, name="New"),
    "update": lambda actor, team: update_team(actor=actor, team=team, name="New", description=""),
    "delete": lambda actor, team: delete_team(actor=actor, team=team),
    "add": lambda actor, team: add_team_members(
        actor=actor, team=team, memberships=team.organization.memberships.filter(user__index_username="noor")
    ),
    "remove": lambda actor, team: remove_team_member(actor=actor, team=team, membership=team.members.get()),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("who", EVERYBODY)
def test_owners_and_managers_may_and_nobody_else(labs: Team, act: str, who: str) -> None:
    actor = acting_as(who, labs.organization)
    factories.member(labs.organization, "noor", Role.MEMBER)
    if who in MAY:
        ACTS[act](actor, labs)
        return
    with nothing_changes(), pytest.raises(NotPermitted):
        ACTS[act](actor, labs)


class TestNames:
    @pytest.mark.parametrize("name", ["Labs", "labs", "LABS", "  Labs \n"])
    def test_unique_in_the_organization_without_case(self, labs: Team, name: str) -> None:
        with nothing_changes(), pytest.raises(TeamNameTaken, match="choose another name"):
            create_team(actor=OPERATOR, organization=labs.organization, name=name)

    def test_not_across_organizations(self, labs: Team) -> None:
        assert create_team(actor=OPERATOR, organization=factories.organization(), name="Labs").name == "Labs"

    def test_a_team_may_change_the_case_of_its_own(self, labs: Team) -> None:
        assert update_team(actor=OPERATOR, team=labs, name="LABS", description="").name == "LABS"

    def test_renamed_to_another_it_is_refused(self, labs: Team) -> None:
        other = create_team(actor=OPERATOR, organization=labs.organization, name="Docs")
        with nothing_changes(), pytest.raises(TeamNameTaken):
            update_team(actor=OPERATOR, team=other, name="labs", description="")

    @pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\x00b", "a\u202eb"])
    def test_bad_ones(self, acme: Organization, name: str) -> None:
        with nothing_changes(), pytest.raises(Invalid):
            create_team(actor=OPERATOR, organization=acme, name=name)

    @pytest.mark.parametrize("description", ["x" * 301, "a\x00b"])
    def test_bad_descriptions(self, acme: Organization, description: str) -> None:
        with nothing_changes(), pytest.raises(Invalid):
            create_team(actor=OPERATOR, organization=acme, name="Labs", description=description)

    def test_the_same_again_changes_nothing(self, labs: Team) -> None:
        with nothing_changes():
            update_team(actor=OPERATOR, team=labs, name="Labs", description="")


class TestMembers:
    def test_several_at_once_and_who_is_in_it_already_is_passed_over(self, labs: Team) -> None:
        for name in ("noor", "oda"):
            factories.member(labs.organization, name, Role.MEMBER)
        added = add_team_members(actor=OPERATOR, team=labs, memberships=labs.organization.memberships.all())
        assert [membership.user.index_username for membership in added] == ["noor", "oda"]
        assert labs.members.count() == 3
        assert trail() == [("team.member_added", "team acme/Labs")] * 2

    def test_all_or_none(self, labs: Team) -> None:
        inside = factories.member(labs.organization, "noor", Role.MEMBER)
        outside = factories.member(factories.organization(), "zoe")
        with nothing_changes(), pytest.raises(NotInOrganization):
            add_team_members(actor=OPERATOR, team=labs, memberships=[inside, outside])

    def test_the_database_refuses_another_organizations(self, labs: Team) -> None:
        outside = factories.member(factories.organization(), "zoe")
        with nothing_changes(), pytest.raises(IntegrityError, match="two organizations"), transaction.atomic():
            TeamMember.objects.create(team=labs, membership=outside)

    def test_a_member_leaves_by_themself(self, labs: Team) -> None:
        mia = labs.members.get()
        leave_team(actor=Actor.person(mia.user), team=labs)
        assert not labs.members.exists()
        assert Membership.objects.filter(pk=mia.pk).exists()
        assert trail() == [("team.left", "team acme/Labs")]

    @pytest.mark.parametrize("who", ["outsider", "operator", "owner elsewhere", "service token"])
    def test_others_have_nothing_to_leave(self, labs: Team, who: str) -> None:
        actor = acting_as(who, labs.organization)
        with nothing_changes(), pytest.raises(NotPermitted):
            leave_team(actor=actor, team=labs)

    def test_nor_has_a_token(self, labs: Team) -> None:
        token = OrganizationToken(membership=labs.members.get(), name="t", organization=labs.organization)
        with nothing_changes(), pytest.raises(NotPermitted):
            leave_team(actor=Actor.automation(token), team=labs)

    def test_who_is_not_in_it_cannot_leave_or_be_taken_out(self, labs: Team) -> None:
        actor = in_role(Role.OWNER, labs.organization)
        membership = Membership.objects.get(user=actor.user)
        with nothing_changes(), pytest.raises(NotInTeam):
            leave_team(actor=actor, team=labs)
        with nothing_changes(), pytest.raises(NotInTeam):
            remove_team_member(actor=actor, team=labs, membership=membership)

    def test_a_deleted_team_is_gone_for_all(self, labs: Team) -> None:
        Team.objects.filter(pk=labs.pk).delete()
        for act in ("update", "delete"):
            with nothing_changes(), pytest.raises(NoSuchTeam):
                ACTS[act](OPERATOR, labs)


class TestRights:
    def test_they_come_and_go_with_being_in_the_team(self, labs: Team) -> None:
        TeamGrant.objects.create(team=labs, grant=factories.grant("acme", labs.organization))
        mia = labs.members.get()
        assert reason("mia") is Reason.HOLDER
        remove_team_member(actor=OPERATOR, team=labs, membership=mia)
        assert reason("mia") is Reason.RESERVED
        add_team_members(actor=OPERATOR, team=labs, memberships=[mia])
        assert reason("mia") is Reason.HOLDER
        leave_team(actor=Actor.person(mia.user), team=labs)
        assert reason("mia") is Reason.RESERVED

    def test_deleting_the_team_ends_them_and_the_trail_says_which(self, labs: Team) -> None:
        for name in ("acme", "acme-labs"):
            TeamGrant.objects.create(team=labs, grant=factories.grant(name, labs.organization))
        delete_team(actor=OPERATOR, team=labs)
        assert reason("mia") is Reason.RESERVED
        assert trail() == [
            ("team.right_taken", "team acme/Labs"),
            ("team.right_taken", "team acme/Labs"),
            ("team.deleted", "team acme/Labs"),
        ]
        taken = AuditEvent.objects.filter(action="team.right_taken").order_by("pk")
        assert [event.before for event in taken] == [{"namespace": "acme"}, {"namespace": "acme-labs"}]

    def test_trap_10_rights_are_tied_to_memberships_and_not_to_users(self, labs: Team) -> None:
        """Who leaves the organization leaves its teams, and coming back does not bring the rights back."""
        TeamGrant.objects.create(team=labs, grant=factories.grant("acme", labs.organization))
        factories.member(labs.organization, "olga")
        user = labs.members.get().user
        labs.members.get().delete()
        assert reason("mia") is Reason.RESERVED
        Membership.objects.create(organization=labs.organization, user=user, role=Role.MEMBER)
        assert reason("mia") is Reason.RESERVED


@pytest.mark.django_db(transaction=True)
class TestConcurrency:
    def test_two_teams_of_one_name_at_once(self, acme: Organization) -> None:
        def make() -> None:
            create_team(actor=OPERATOR, organization=acme, name="Labs")

        assert sorted(all_at_once(make, make)) == ["done", "team-name-taken"]

    def test_none_is_made_in_an_organization_that_is_closed_meanwhile(self, acme: Organization) -> None:
        owner = in_role(Role.OWNER, acme)
        outcomes = one_behind_the_other(
            lambda: close_organization(actor=owner, organization=acme, name="acme"),
            lambda: create_team(actor=owner, organization=acme, name="Labs"),
        )
        assert outcomes == ("done", "not-permitted")
        assert not Team.objects.exists()

    def test_one_person_added_twice_at_once(self, labs: Team) -> None:
        noor = factories.member(labs.organization, "noor", Role.MEMBER)

        def add() -> None:
            add_team_members(actor=OPERATOR, team=labs, memberships=[noor])

        assert one_behind_the_other(add, add) == ("done", "done")
        assert labs.members.count() == 2

    def test_who_is_removed_from_the_organization_meanwhile_is_not_added(self, labs: Team) -> None:
        factories.member(labs.organization, "olga")
        noor = factories.member(labs.organization, "noor", Role.MEMBER)

        def remove() -> None:
            Membership.objects.filter(pk=noor.pk).delete()

        def add() -> None:
            add_team_members(actor=OPERATOR, team=labs, memberships=[noor])

        assert one_behind_the_other(remove, add) == ("done", "not-in-organization")
        assert labs.members.count() == 1
