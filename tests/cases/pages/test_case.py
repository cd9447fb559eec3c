"""The page of a case: who sees it, what it says in each state, and what can be done there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone, translation

from accounts.models import User
from namespaces import pages_cases
from namespaces.cases import CaseAction, CaseKind, CaseState, EntryKind, Moment, Party
from namespaces.models import Case, CaseDecision, CaseEntry, CaseEvaluation, Grant
from namespaces.policy.evaluation import CommunityKey, Key, Outcome, Result, Stake
from namespaces.services import casework
from namespaces.services.claims import file_claim
from namespaces.services.evaluations import evaluate_case
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import Membership, Organization
from orgs.vocabulary import Role, State
from tests import factories
from tests.dump import nothing_changes
from tests.sessions import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def works() -> Organization:
    works = factories.organization("rocket-works")
    factories.member(works, "ada")
    return works


@pytest.fixture
def ada(works: Organization) -> User:
    return User.objects.get(index_username="ada")


@pytest.fixture
def owner(ada: User) -> Client:
    return signed_in(ada)


@pytest.fixture
def case(works: Organization, ada: User) -> Case:
    """A claim that waits, with its evaluation."""
    return file_claim(actor=Actor.person(ada), organization=works, name="comet", statement="We have made it for long.")


def page(client: Client, case: Case) -> str:
    response = client.get(f"/cases/{case.pk}/")
    assert response.status_code == 200
    assert response["Cache-Control"] == "private, no-store"
    return str(response.content.decode())


def post(client: Client, case: Case, act: str, **data: str) -> Any:
    return client.post(f"/cases/{case.pk}/{act}/", data)


def rex() -> User:
    return factories.reviewer(name="Rex Reviewer")


def ask(case: Case, text: str = "Which are yours?", **more: Any) -> Case:
    return casework.ask(actor=Actor.staff(rex()), case=case, text=text, **more)


class TestWhoSeesIt:
    @pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
    def test_others_of_the_organization_do_not(self, case: Case, works: Organization, role: Role) -> None:
        client = signed_in(factories.member(works, "mia", role).user)
        assert client.get(f"/cases/{case.pk}/").status_code == 404

    def test_who_filed_it_and_is_no_owner_any_more_does_not(self, case: Case, owner: Client) -> None:
        factories.member(case.organization, "olga")
        Membership.objects.filter(user=case.filed_by).update(role=Role.MEMBER)
        with nothing_changes():
            assert owner.get(f"/cases/{case.pk}/").status_code == 404
            assert post(owner, case, "withdraw").status_code == 404

    def test_who_reported_a_dispute_and_who_holds_the_namespace_do(self, works: Organization, owner: Client) -> None:
        dispute = factories.case(works, name="rocket", kind=CaseKind.DISPUTE)
        assert dispute.filed_by is not None
        for client in (owner, signed_in(dispute.filed_by)):
            assert "Dispute about" in page(client, dispute)

    def test_staff_has_its_own_page(self, case: Case) -> None:
        assert signed_in(rex()).get(f"/cases/{case.pk}/").status_code == 404


class TestWhatItSays:
    def test_the_place_in_the_queue(self, case: Case, owner: Client) -> None:
        assert "Yours is the next." in page(owner, case)
        before = timezone.now() - timedelta(days=1)
        factories.case(factories.organization(), waiting_since=before)
        factories.case(factories.organization(), priority=1)
        factories.case(factories.organization(), waiting_since=before, state=CaseState.ASKED)
        factories.case(factories.organization())
        assert pages_cases.place_of(case) == 2
        assert "2 cases are before yours." in page(owner, case)

    def test_what_was_found_and_what_would_change_it(self, case: Case, owner: Client) -> None:
        said = page(owner, case)
        assert "Nothing connects the organization with this name." in said
        assert "What would change it:" in said
        assert "/manage/rocket-works/proofs/new/dns/" in said

    @pytest.mark.parametrize("state", CaseState)
    def test_every_state_and_kind_has_its_page(self, works: Organization, owner: Client, state: CaseState) -> None:
        for kind in CaseKind:
            found = factories.case(works, name="rocket", kind=kind, state=state)
            if kind is not CaseKind.DISPUTE:
                evaluate_case(found, Moment.FILED)
            assert str(state.label) in page(owner, found), kind
            Case.objects.filter(pk=found.pk).update(state=CaseState.WITHDRAWN, decided_at=timezone.now(), asked="")
            Grant.objects.update(state=GrantState.RELEASED)
            Organization.objects.update(kind="company", state=State.ACTIVE)

    def test_reviewers_are_not_named(self, case: Case, owner: Client) -> None:
        reviewer = rex()
        casework.ask(actor=Actor.staff(reviewer), case=case, text="Which are yours?")
        said = page(owner, case)
        assert "A reviewer" in said and "Which are yours?" in said
        assert "Rex" not in said and reviewer.email not in said

    def test_a_refusal_names_its_criteria_and_what_would_change_them(self, works: Organization, owner: Client) -> None:
        refused = factories.case(works, state=CaseState.REFUSED, name="comet")
        CaseDecision.objects.update(evaluation=evaluate_case(refused, Moment.DECIDED), confirmed_by=rex())
        said = page(owner, refused)
        for part in (
            "Nothing shows that the name is yours: prove its domain.",
            str(Key.IDENTIFIES.label),
            "Nothing connects the organization with this name.",
            "that is called “comet”",
            "Decided by two reviewers.",
            "Have it looked at again",
        ):
            assert part in said, part

    def test_what_is_held_until_when(self, works: Organization, owner: Client) -> None:
        Organization.objects.update(state=State.APPLIED)
        works.refresh_from_db()
        approved = factories.case(works, state=CaseState.APPROVED, name="comet")
        until = Grant.objects.get().state_changed_at + settings.FREEHOLD_HELD
        said = page(owner, approved)
        assert "Approved, and held for you" in said and until.strftime("%Y-%m-%dT%H:%M") in said
        assert "/manage/rocket-works/namespaces/comet/" in said

    def test_an_active_one_is_simply_theirs(self, works: Organization, owner: Client) -> None:
        approved = factories.case(works, state=CaseState.APPROVED, name="comet")
        said = page(owner, approved)
        assert "It is yours." in said and "Decided by machine" in said and "Held for you" not in said

    def test_what_settled_it_is_said_openly_once_it_is_public(self, works: Organization, owner: Client) -> None:
        settled = factories.case(works, state=CaseState.SETTLED, name="comet")
        other = Case.objects.exclude(pk=settled.pk).get()
        assert other.organization.display_name in page(owner, settled)
        Grant.objects.update(state=GrantState.HELD)
        said = page(owner, settled)
        assert other.organization.display_name not in said and "Another organization’s claim of" in said
        Case.objects.filter(pk=settled.pk).update(settled_by=None)
        assert "leaves nothing to decide here" in page(owner, settled)

    def test_what_either_side_of_a_dispute_sees(self, works: Organization, owner: Client) -> None:
        dispute = factories.case(works, name="rocket", kind=CaseKind.DISPUTE)
        assert dispute.filed_by is not None
        reporter = signed_in(dispute.filed_by)
        factories.entry(
            dispute, EntryKind.SAID, Party.HOLDER, "It is ours.", author=User.objects.get(index_username="ada")
        )
        casework.ask(actor=Actor.staff(rex()), case=dispute, text="Who are you?", party=Party.APPLICANT)
        of_reporter, of_holder = page(reporter, dispute), page(owner, dispute)
        assert "Who are you?" in of_reporter and "Send the answer" in of_reporter
        assert "Who are you?" not in of_holder and "The other side is asked something" in of_holder
        assert "ada@example.com" in of_holder and "ada@example.com" not in of_reporter
        assert dispute.filed_by.email not in of_holder and "Who reported it" in of_holder


class TestWhatCanBeDone:
    def test_only_what_is_possible_is_offered(self, works: Organization, ada: User, owner: Client) -> None:
        """The list that the services go by; each has its form or its link."""
        signs = {
            CaseAction.EDIT: "edit/",
            CaseAction.WITHDRAW: "withdraw/",
            CaseAction.SAY: "say/",
            CaseAction.ANSWER: "answer/",
            CaseAction.APPEAL: "appeal/",
        }
        for number, state in enumerate(CaseState):
            case = factories.case(works, name=f"comet-{number}", state=state)
            said, possible = page(owner, case), casework.possible(case, Actor.person(ada))
            for action, sign in signs.items():
                assert (f'"/cases/{case.pk}/{sign}"' in said) is (action in possible), (state, action)

    def test_to_write(self, case: Case, owner: Client) -> None:
        response = post(owner, case, "say", text="One more thing.")
        assert response["Location"] == f"/cases/{case.pk}/"
        assert "One more thing." in page(owner, case)

    def test_to_answer(self, case: Case, owner: Client) -> None:
        ask(case)
        assert post(owner, case, "answer", text="All of them.").status_code == 302
        case.refresh_from_db()
        assert case.state == CaseState.WAITING
        assert CaseEntry.objects.filter(kind=EntryKind.ANSWERED, text="All of them.").exists()

    def test_to_appeal(self, works: Organization, owner: Client) -> None:
        refused = factories.case(works, state=CaseState.REFUSED, name="comet")
        assert post(owner, refused, "appeal", text="You did not see it.").status_code == 302
        refused.refresh_from_db()
        assert refused.state == CaseState.WAITING

    def test_to_edit(self, case: Case, owner: Client) -> None:
        assert "We have made it for long." in owner.get(f"/cases/{case.pk}/edit/").content.decode()
        response = post(owner, case, "edit", name="Comet", statement="We have made it since 2012.")
        assert response.status_code == 302
        case.refresh_from_db()
        assert (case.display_name, case.statement) == ("Comet", "We have made it since 2012.")

    def test_to_withdraw_after_being_asked(self, case: Case, owner: Client) -> None:
        assert "ends undecided" in owner.get(f"/cases/{case.pk}/withdraw/").content.decode()
        assert post(owner, case, "withdraw").status_code == 302
        case.refresh_from_db()
        assert case.state == CaseState.WITHDRAWN
        assert "Claim it anew" in page(owner, case)

    def test_to_have_it_looked_at_again(self, case: Case, owner: Client) -> None:
        count = case.evaluations.count()
        said = owner.post(f"/cases/{case.pk}/look-again/", follow=True).content.decode()
        assert case.evaluations.count() == count + 1
        assert "a person still has to decide" in said

    @pytest.mark.parametrize(
        ("act", "data", "why"),
        [
            ("say", {"text": ""}, "This field is required"),
            ("say", {"text": "bell \x07"}, "can&#x27;t be shown"),
            ("answer", {"text": "To what?"}, "That can&#x27;t be done now"),
            ("appeal", {"text": "Against what?"}, "That can&#x27;t be done now"),
            ("edit", {"name": "meteor", "statement": "Kept."}, "withdraw it and claim the other name"),
        ],
    )
    def test_a_refusal_says_why_and_keeps_what_was_typed(
        self, case: Case, owner: Client, act: str, data: dict[str, str], why: str
    ) -> None:
        with nothing_changes():
            response = post(owner, case, act, **data)
        assert response.status_code == 422
        said = response.content.decode()
        assert why in said
        assert data.get("statement", "") in said

    @pytest.mark.parametrize("act", ["edit", "withdraw"])
    def test_what_is_over_says_so(self, works: Organization, owner: Client, act: str) -> None:
        refused = factories.case(works, state=CaseState.REFUSED)
        assert "now</p>" in owner.get(f"/cases/{refused.pk}/{act}/").content.decode()
        with nothing_changes():
            post(owner, refused, act, name="rocket-works", statement="x")

    @pytest.mark.parametrize("act", ["say", "answer", "appeal", "look-again"])
    def test_acts_are_posted(self, case: Case, owner: Client, act: str) -> None:
        assert owner.get(f"/cases/{case.pk}/{act}/").status_code == 405


class TestTheUsualWait:
    def test_too_few_say_nothing(self, works: Organization) -> None:
        for number in range(pages_cases.FEWEST - 1):
            factories.case(works, name=f"c{number}", state=CaseState.REFUSED)
        assert pages_cases.usual_wait() == pages_cases.Wait()

    def test_half_and_nine_in_ten_of_what_people_decided_lately(self, works: Organization) -> None:
        now = timezone.now()
        for number, hours in enumerate((1, 2, 3, 4, 105)):
            factories.case(works, name=f"c{number}", state=CaseState.REFUSED, filed_at=now - timedelta(hours=hours))
        for _ in range(9):  # the machine's count for nothing
            factories.case(factories.organization(), state=CaseState.APPROVED, filed_at=now)
        old = factories.case(works, name="old", state=CaseState.REFUSED, filed_at=now - timedelta(days=400))
        CaseDecision.objects.filter(case=old).update(effective_at=now - pages_cases.LOOKED_BACK - timedelta(days=1))
        wait = pages_cases.usual_wait()
        assert wait.usual is not None
        assert wait.most is not None
        assert (wait.usual_in_words, wait.most_in_words) == ("3 hours", "3 days")

    def test_on_appeal_it_counts_from_there(self, works: Organization) -> None:
        now = timezone.now()
        long_ago, lately = now - timedelta(days=60), now - timedelta(hours=3)
        for number in range(pages_cases.FEWEST):
            factories.case(works, name=f"c{number}", state=CaseState.REFUSED, filed_at=long_ago, appealed_at=lately)
        assert pages_cases.usual_wait().usual_in_words == "3 hours"

    @pytest.mark.parametrize(
        ("span", "words"),
        [
            (timedelta(0), "less than an hour"),
            (timedelta(minutes=59), "less than an hour"),
            (timedelta(hours=1), "1 hour"),
            (timedelta(hours=47), "47 hours"),
            (timedelta(days=2), "2 days"),
            (timedelta(days=40), "40 days"),
        ],
    )
    def test_in_words(self, span: timedelta, words: str) -> None:
        assert pages_cases.in_words(span) == words


class TestWhatWasFound:
    def test_it_is_said_in_the_language_of_whoever_looks(self, case: Case) -> None:
        stored = pages_cases.last_evaluation(case)
        assert stored is not None
        with translation.override("de"):
            assert pages_cases.found_in(stored, case.kind).outcome is Outcome.A_PERSON_LOOKS
        stored.result = {}
        assert [one.key for one in pages_cases.found_in(stored, case.kind).criteria] == list(Key)

    @pytest.mark.parametrize("broken", [{"inputs": {"new": 1}}, {"inputs": {}}, {"thresholds": {"gone": 1}}])
    def test_what_cant_be_read_any_more_is_shown_as_it_was(self, case: Case, broken: dict[str, Any]) -> None:
        stored = pages_cases.last_evaluation(case)
        assert stored is not None
        said = pages_cases.found_in(stored, case.kind)
        for field, value in broken.items():
            setattr(stored, field, value)
        assert pages_cases.found_in(stored, case.kind) == said

    def test_criteria_that_there_are_no_more_are_left_out(self) -> None:
        gone = {"key": "astrology", "result": "fail", "evidence": "x", "remedy": ""}
        kept = gone | {"key": CommunityKey.LICENCE.value}
        result = {"outcome": "a_person_looks", "stakes": [], "criteria": [gone, kept], "asked_proofs": []}
        evaluation = CaseEvaluation(inputs={}, thresholds={}, result=result)
        found = pages_cases.found_in(evaluation, CaseKind.APPLICATION)
        assert [(one.key, one.result) for one in found.criteria] == [(CommunityKey.LICENCE, Result.FAIL)]


def test_a_high_stake_is_told(works: Organization, owner: Client) -> None:
    assert "Two reviewers decide" in page(owner, factories.case(works, stake=Stake.HIGH))


@pytest.mark.parametrize("state", [CaseState.WAITING, CaseState.REFUSED])
def test_a_bounded_number_of_queries(
    works: Organization, owner: Client, state: CaseState, django_assert_max_num_queries: Any
) -> None:
    case = factories.case(works, name="comet", state=state)
    evaluate_case(case, Moment.FILED)
    page(owner, case)
    with django_assert_max_num_queries(20) as few:
        page(owner, case)
    for _ in range(30):
        factories.entry(case, EntryKind.SAID, Party.APPLICANT, "more", author=factories.user())
        evaluate_case(case, Moment.LOOKED)
        factories.case(factories.organization(), state=CaseState.REFUSED)
    with django_assert_max_num_queries(len(few)):
        page(owner, case)
