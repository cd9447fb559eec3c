"""Claims as their applicants make them: filing, editing, answering; and what they may write."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from freehold.errors import DomainError, Invalid, NotPermitted
from namespaces.cases import CaseKind, CaseState, DecisionOutcome, EntryKind, Party
from namespaces.errors import AlreadyHeld, CannotHold, InvalidNamespace, NamespaceTaken, NotNow
from namespaces.models import Case
from namespaces.models.cases import TEXT_LENGTH
from namespaces.policy.evaluation import Key
from namespaces.services import casework, claims, decisions
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import Membership, Organization
from orgs.vocabulary import Role, Standing, State
from tests import factories
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as, owner_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Organization:
    return factories.organization("acme")


@pytest.fixture
def owner(acme: Organization) -> Actor:
    return owner_of(acme)


def file(actor: Actor, organization: Organization, name: str = "acme", **fields: str) -> Case:
    return claims.file_claim(actor=actor, organization=organization, name=name, **fields)


class TestFiling:
    @pytest.mark.parametrize("who", EVERYBODY)
    def test_owners_claim(self, acme: Organization, who: str) -> None:
        actor = acting_as(who, acme)
        if who in {"owner", OPERATOR}:
            case = file(actor, acme, "Acme._Labs", statement="  Ours.  ")
            assert (case.name, case.display_name, case.statement) == ("acme-labs", "Acme._Labs", "Ours.")
            assert (case.state, case.filed_by) == (CaseState.WAITING, actor.user)
            assert case.evaluations.get().inputs["prefix"] == "acme-labs"
        else:
            with nothing_changes(), pytest.raises(NotPermitted):
                file(actor, acme)

    @pytest.mark.parametrize("name", ["", "a cme", "acme-", "a" * 201, "a-b-c-d-e-f", "acmé", "ac\x00me"])
    def test_what_is_no_name(self, acme: Organization, owner: Actor, name: str) -> None:
        with nothing_changes(), pytest.raises(InvalidNamespace):
            file(owner, acme, name)

    @pytest.mark.parametrize(
        "fields", [{"state": State.SUSPENDED}, {"state": State.CLOSED}, {"standing": Standing.LAPSED}], ids=str
    )
    def test_who_may_not_ask(self, acme: Organization, owner: Actor, fields: dict[str, Any]) -> None:
        Organization.objects.filter(pk=acme.pk).update(**fields)
        with nothing_changes(), pytest.raises(CannotHold, match="settle what is open first"):
            file(owner, acme)

    @pytest.mark.parametrize("name", ["acme", "acme-labs", "acme-labs-x"])
    @pytest.mark.parametrize("state", [GrantState.HELD, GrantState.ACTIVE, GrantState.LOCKED])
    def test_what_another_holds(self, acme: Organization, owner: Actor, name: str, state: GrantState) -> None:
        factories.grant("acme-labs", factories.organization("first"), state=state)
        with nothing_changes(), pytest.raises(NamespaceTaken, match="'acme-labs', which 'first' holds"):
            file(owner, acme, name)

    def test_what_another_gave_up_is_for_a_person(self, acme: Organization, owner: Actor) -> None:
        factories.grant("acme-labs", factories.organization("first"), state=GrantState.QUARANTINED)
        assert Key.AVAILABLE in file(owner, acme).open_criteria

    def test_what_it_has(self, acme: Organization, owner: Actor) -> None:
        factories.grant("acme", acme)
        with nothing_changes(), pytest.raises(AlreadyHeld, match="holds the namespace 'acme' already"):
            file(owner, acme)
        with nothing_changes(), pytest.raises(AlreadyHeld, match="divide off a child there"):
            file(owner, acme, "acme-labs")

    def test_what_is_around_what_it_has_can_be_claimed(self, acme: Organization, owner: Actor) -> None:
        factories.grant("acme-labs", acme)
        assert file(owner, acme).state == CaseState.WAITING

    def test_once(self, acme: Organization, owner: Actor) -> None:
        file(owner, acme)
        with nothing_changes(), pytest.raises(NotNow, match="'acme' has claimed 'acme' already"):
            file(owner, acme, "ACME")

    def test_not_any_number(self, acme: Organization, owner: Actor) -> None:
        for number in range(settings.FREEHOLD_OPEN_CLAIMS):
            factories.case(acme, name=f"acme{number}")
        with nothing_changes(), pytest.raises(NotNow, match="more can be filed when some are decided"):
            file(owner, acme)

    def test_inside_what_another_has_claimed_is_for_a_person(self, acme: Organization, owner: Actor) -> None:
        factories.case(factories.organization(), name="acme")
        assert Key.AVAILABLE in file(owner, acme, "acme-labs").open_criteria

    @pytest.mark.parametrize("state", [CaseState.REFUSED, CaseState.WITHDRAWN, CaseState.EXPIRED, CaseState.SETTLED])
    def test_anew_when_it_is_over(self, acme: Organization, owner: Actor, state: CaseState) -> None:
        factories.case(acme, state=state, settled_by=None)
        assert file(owner, acme).state == CaseState.WAITING


class TestEditing:
    def test_what_it_says_and_how_its_name_is_written(self, acme: Organization, owner: Actor) -> None:
        case = claims.edit(actor=owner, case=file(owner, acme), statement="More.", name="ACME")
        assert (case.statement, case.display_name, case.name) == ("More.", "ACME", "acme")
        assert case.evaluations.count() == 2

    def test_another_name_is_another_claim(self, acme: Organization, owner: Actor) -> None:
        case = file(owner, acme)
        with nothing_changes(), pytest.raises(Invalid, match="This claim is of 'acme'; withdraw it"):
            claims.edit(actor=owner, case=case, statement="", name="acme2")
        with nothing_changes(), pytest.raises(DomainError):
            claims.edit(actor=owner, case=case, statement="", name="a cme")

    def test_what_was_asked_is_answered_by_it(self, acme: Organization, owner: Actor) -> None:
        case = factories.case(acme, state=CaseState.ASKED)
        claims.edit(actor=owner, case=case, statement="These.")
        case.refresh_from_db()
        assert (case.state, case.asked) == (CaseState.WAITING, "")
        assert case.entries.order_by("pk").last().kind == EntryKind.ANSWERED  # type: ignore[union-attr]  # there is one


class TestAnswering:
    def test_it_is_back_at_its_place(self, acme: Organization, owner: Actor) -> None:
        case = factories.case(acme, state=CaseState.ASKED)
        since = case.waiting_since
        claims.answer(actor=owner, case=case, text="These.")
        case.refresh_from_db()
        assert (case.state, case.asked, case.waiting_since) == (CaseState.WAITING, "", since)

    def test_nobody_else_is_asked(self, acme: Organization) -> None:
        case = factories.case(acme)
        with nothing_changes(), pytest.raises(Invalid, match="nobody on that side"):
            casework.ask(actor=Actor.operator(), case=case, text="Which?", party=Party.HOLDER)


class TestAppealing:
    def test_once(self, acme: Organization, owner: Actor) -> None:
        case = factories.case(acme, state=CaseState.REFUSED)
        claims.appeal(actor=owner, case=case, text="Look again.")
        other = Actor.staff(factories.reviewer())
        decisions.decide(
            actor=other, case=case, outcome=DecisionOutcome.REFUSE, criteria=[Key.IN_USE], text="Not in use."
        )
        case.refresh_from_db()
        assert case.state == CaseState.REFUSED
        with nothing_changes(), pytest.raises(NotNow, match="An appeal was decided already"):
            claims.appeal(actor=owner, case=case, text="Once more.")

    def test_not_for_what_another_was_granted_meanwhile(self, acme: Organization, owner: Actor) -> None:
        case = factories.case(acme, state=CaseState.REFUSED)
        factories.grant("acme", factories.organization("first"))
        with nothing_changes(), pytest.raises(NamespaceTaken):
            claims.appeal(actor=owner, case=case, text="Look again.")

    def test_nor_where_it_was_filed_anew(self, acme: Organization, owner: Actor) -> None:
        case = factories.case(acme, state=CaseState.REFUSED)
        file(owner, acme)
        with nothing_changes(), pytest.raises(NotNow, match="a newer one that is still open"):
            claims.appeal(actor=owner, case=case, text="Look again.")


class TestWhoActs:
    @pytest.mark.parametrize("outcome", DecisionOutcome)
    def test_a_machine_decides_nothing_in_the_place_of_people(
        self, acme: Organization, outcome: DecisionOutcome
    ) -> None:
        case = factories.case(acme)
        with nothing_changes(), pytest.raises(NotPermitted):
            decisions.decide(
                actor=Actor.worker(), case=case, outcome=outcome, criteria=[Key.IN_USE], text="Because.", reason="So."
            )

    def test_nor_does_a_reviewer_who_has_a_part_in_it(self, acme: Organization, owner: Actor) -> None:
        case, person = factories.case(acme), factories.reviewer()
        Membership.objects.create(organization=acme, user=person, role=Role.MEMBER)
        with nothing_changes(), pytest.raises(NotPermitted):
            decisions.decide(actor=Actor.staff(person), case=case, outcome=DecisionOutcome.APPROVE)

    def test_who_filed_it_and_is_gone_keeps_nobody_from_deciding(self, acme: Organization, owner: Actor) -> None:
        case = file(owner, acme)
        assert owner.user is not None
        owner.user.is_active = False
        owner.user.save()
        assert casework.possible(case, owner) == []
        decisions.decide(actor=Actor.staff(factories.reviewer()), case=case, outcome=DecisionOutcome.APPROVE)
        case.refresh_from_db()
        assert case.state == CaseState.APPROVED

    def test_who_reported_and_is_gone_reports_no_more(self, acme: Organization) -> None:
        case = factories.case(acme, kind=CaseKind.DISPUTE)
        assert case.filed_by is not None
        reporter = Actor.person(case.filed_by)
        assert casework.possible(case, reporter)
        case.filed_by.is_active = False
        assert casework.possible(case, reporter) == []


class TestTexts:
    @pytest.mark.parametrize(
        ("written", "kept"),
        [
            ("  Hello.  ", "Hello."),
            ("One\r\nTwo\rThree\n\n\nFour  ", "One\nTwo\nThree\n\n\nFour"),
            ("\tif x:\n\t\tpass", "if x:\n        pass"),
            ("C’est à\u00a0nous\u202f!", "C’est à nous !"),
            ("me\u200cn \U0001f468\u200d\U0001f469", "me\u200cn \U0001f468\u200d\U0001f469"),
            ("\ufeffHello.\u2028There.", "Hello.\nThere."),
        ],
    )
    def test_are_kept_as_people_write_them(self, written: str, kept: str) -> None:
        assert casework.parse_text(written) == kept

    @pytest.mark.parametrize("text", ["", "  \n ", "\u00a0", "x" * (TEXT_LENGTH + 1), "a\x00b", "a\u202eb", "\ud800"])
    def test_or_refused(self, text: str) -> None:
        with pytest.raises(Invalid):
            casework.parse_text(text)

    def test_as_long_as_may_be(self) -> None:
        assert len(casework.parse_text("x" * TEXT_LENGTH)) == TEXT_LENGTH
        assert casework.parse_text("", required=False) == ""
