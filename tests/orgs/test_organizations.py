"""Setting up organizations."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from freehold.errors import Invalid, NotPermitted
from orgs.actors import Actor
from orgs.models import AuditEvent, Membership, Organization
from orgs.selectors import NoSuchOrganization, organization_named
from orgs.services.organizations import OrganizationNameTaken, create_organization
from orgs.vocabulary import Kind, Role, Standing, State
from tests import factories
from tests.concurrency import all_at_once
from tests.dump import nothing_changes
from tests.people import INACTIVE_OWNER, acting_as

pytestmark = pytest.mark.django_db


def person() -> Actor:
    return Actor.person(factories.user(), origin="192.0.2.7")


class TestSettingUp:
    @pytest.mark.parametrize("kind", Kind)
    def test_whoever_does_becomes_its_owner(self, kind: Kind) -> None:
        actor = person()
        acme = create_organization(actor=actor, name="Acme._Corp", kind=kind)
        acme.refresh_from_db()
        assert (acme.name, acme.display_name, acme.kind) == ("acme-corp", "Acme._Corp", kind)
        assert (acme.state, acme.standing, acme.may_hold) == (State.APPLIED, Standing.GOOD, False)
        membership = Membership.objects.get()
        assert (membership.user, membership.organization, membership.role) == (actor.user, acme, Role.OWNER)
        event = AuditEvent.objects.get()
        assert (event.actor, event.origin, event.action) == (actor.label, "192.0.2.7", "organization.created")
        assert (event.target, event.organization) == ("organization acme-corp", "acme-corp")
        assert event.after == {"kind": kind.value, "state": "applied"}

    def test_the_operators_has_no_people_yet(self) -> None:
        acme = create_organization(actor=Actor.operator(), name="acme", kind=Kind.COMPANY, state=State.ACTIVE)
        assert acme.may_hold
        assert not Membership.objects.exists()

    @pytest.mark.parametrize("state", [State.ACTIVE, State.SUSPENDED, State.CLOSED])
    def test_nobody_else_skips_the_application(self, state: State) -> None:
        actor = person()
        with nothing_changes(), pytest.raises(NotPermitted, match="Only the operator"):
            create_organization(actor=actor, name="acme", kind=Kind.COMPANY, state=state)

    @pytest.mark.parametrize("who", ["service token", INACTIVE_OWNER])
    def test_it_takes_a_person(self, who: str) -> None:
        actor = acting_as(who, factories.organization())
        with nothing_changes(), pytest.raises(NotPermitted, match="by a person, who becomes its owner"):
            create_organization(actor=actor, name="acme", kind=Kind.COMPANY)

    @pytest.mark.parametrize("again", ["acme-corp", "ACME.Corp", "acme__corp"])
    def test_a_name_is_had_once_in_any_spelling(self, again: str) -> None:
        create_organization(actor=person(), name="Acme-Corp", kind=Kind.COMPANY)
        actor = person()
        with nothing_changes(), pytest.raises(OrganizationNameTaken, match="named 'acme-corp' already"):
            create_organization(actor=actor, name=again, kind=Kind.COMMUNITY)

    @pytest.mark.parametrize(
        "name", ["", "-", "a b", "acme\n", "\u212aube", "user:acme", "a" * 101, "a" * 201], ids=ascii
    )
    def test_what_is_no_name(self, name: str) -> None:
        actor = person()
        with nothing_changes(), pytest.raises(Invalid):
            create_organization(actor=actor, name=name, kind=Kind.COMPANY)

    def test_as_long_as_may_be(self) -> None:
        create_organization(actor=person(), name="a" * 100, kind=Kind.COMPANY)
        assert create_organization(actor=person(), name="b" + "-" * 198 + "b", kind=Kind.COMPANY).name == "b-b"

    @pytest.mark.django_db(transaction=True)
    def test_of_many_at_once_one_gets_the_name(self) -> None:
        outcomes = all_at_once(
            *[lambda: create_organization(actor=Actor.operator(), name="acme", kind=Kind.COMPANY)] * 4
        )
        assert sorted(outcomes) == ["done"] + ["organization-name-taken"] * 3


class TestFinding:
    def test_by_its_normalized_name(self) -> None:
        acme = factories.organization("acme")
        assert organization_named("acme") == acme

    def test_what_is_not_there(self) -> None:
        with pytest.raises(NoSuchOrganization, match="There is no organization named 'acme'"):
            organization_named("acme")


class TestTheDatabase:
    @pytest.mark.parametrize(
        ("field", "value", "constraint"),
        [
            ("name", "Acme", "organization_name_normalized"),
            ("name", "acme\n", "organization_name_normalized"),
            ("name", "", "organization_name_normalized"),
            ("kind", "charity", "organization_kind_known"),
            ("state", "open", "organization_state_known"),
            ("standing", "bad", "organization_standing_known"),
        ],
    )
    def test_it_takes_only_what_the_vocabulary_has(self, field: str, value: str, constraint: str) -> None:
        acme = factories.organization()
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Organization.objects.filter(pk=acme.pk).update(**{field: value})

    @pytest.mark.parametrize("standing", [Standing.GRACE, Standing.LAPSED])
    def test_community_projects_owe_nothing(self, standing: Standing) -> None:
        with pytest.raises(IntegrityError, match="organization_community_in_good_standing"), transaction.atomic():
            factories.organization(kind=Kind.COMMUNITY, standing=standing)

    @pytest.mark.parametrize("state", State)
    @pytest.mark.parametrize("standing", Standing)
    def test_who_may_hold(self, state: State, standing: Standing) -> None:
        organization = factories.organization(state=state, standing=standing)
        assert organization.may_hold is ((state, standing) == (State.ACTIVE, Standing.GOOD))

    def test_who_holds_something_is_not_deleted(self) -> None:
        grant = factories.grant("acme", factories.organization())
        with pytest.raises(IntegrityError), transaction.atomic():
            Organization.objects.filter(pk=grant.owner_id).delete()
