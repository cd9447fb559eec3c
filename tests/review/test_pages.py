"""The pages of the desk: what they show, what their forms do, and how many queries they take."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from namespaces.cases import CaseKind, CaseState, DecisionState, EntryKind, Party
from namespaces.models import Case, CaseEvaluation
from namespaces.states import GrantState
from orgs.models import AuditEvent, Membership, Proof
from orgs.vocabulary import ProofKind, ProofState
from review.models import Assignment, Conflict, Note
from review.options import DeskAction
from review.services.desk import give
from review.views.case import ACTS
from tests import factories
from tests.dump import nothing_changes
from tests.review.desk import Desk, claim, projects, proved
from tests.sessions import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

REFUSAL = {
    "action": "decide",
    "decide-outcome": "refuse",
    "decide-criteria": ["identifies", "not_common"],
    "decide-text": "Prove the domain.",
}


@pytest.fixture
def rita() -> User:
    return factories.reviewer(name="Rita")


@pytest.fixture
def client(rita: User) -> Client:
    return signed_in(rita)


@pytest.fixture
def case() -> Case:
    projects("widgets", "user:ann", "carpentry")
    return claim(factories.organization("acme"), "widgets", "We plan to make them.")


def page(case: Case) -> str:
    return reverse("review-case", args=[case.pk])


def post(client: Client, case: Case, **data: Any) -> Any:
    return client.post(page(case), data)


def text_of(response: Any) -> str:
    return str(response.content.decode())


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def state_of(case: Case) -> str:
    return Case.objects.values_list("state", flat=True).get(pk=case.pk)


class TestCase:
    def test_one_screen_has_it_all(self, client: Client, rita: User) -> None:
        desk = Desk()
        shown = text_of(client.get(page(desk.contested)))
        for part in (
            "We have sold the Lumen lamp",  # what they say
            "Few projects of others are under it",  # the policy
            "lumen-part2",  # what it would overtake
            "The light simulation",  # who else claims it
            "went to another registrar",  # what is wrong with a proof
        ):
            assert part in shown, part
        assert "Two reviewers decide" in text_of(client.get(page(desk.grave)))
        assert "They pass for the harbour" in text_of(client.get(page(desk.dispute)))

    def test_the_evaluation_is_told_again_from_its_inputs(self, client: Client, case: Case) -> None:
        CaseEvaluation.objects.update(result={"nonsense": True})
        assert "“widgets” is a common word" in text_of(client.get(page(case)))

    def test_or_as_it_was_told_where_they_cannot_be_read_any_more(self, client: Client, case: Case) -> None:
        CaseEvaluation.objects.update(inputs={"of": "another version"})
        shown = text_of(client.get(page(case)))
        assert "“widgets” is a common word" in shown
        assert "What it would cover" not in shown

    def test_earlier_decisions_on_the_name_and_cases_of_the_organization(self, client: Client, case: Case) -> None:
        before = factories.case(factories.organization("earlier"), name="widgets", state=CaseState.REFUSED)
        other = factories.case(case.organization, name="gadgets", state=CaseState.WITHDRAWN)
        shown = text_of(client.get(page(case)))
        assert page(before) in shown and page(other) in shown

    def test_open_claims_that_look_like_it(self, client: Client, case: Case) -> None:
        alike = factories.case(factories.organization("squatters"), name="w1dgets")
        unlike = factories.case(factories.organization("others"), name="gadgets")
        shown = text_of(client.get(page(case)))
        assert page(alike) in shown and page(unlike) not in shown

    def test_nobody_is_asked_to_decide_what_is_not_in_their_hands(self, client: Client, case: Case) -> None:
        shown = text_of(client.get(page(case)))
        assert "Take the case first." in shown and "decide-text" not in shown
        give(case, factories.reviewer(name="Otto"))
        shown = text_of(client.get(page(case)))
        assert "In the hands of Otto" in shown and "Take it" not in shown

    def test_a_conflict_says_why_and_offers_nothing(self, client: Client, case: Case, rita: User) -> None:
        give(case, rita)
        Membership.objects.create(organization=case.organization, user=rita, role="member")
        shown = text_of(client.get(page(case)))
        assert "You are in Acme" in shown
        assert 'value="decide"' not in shown and 'value="note"' not in shown

    def test_an_answer_by_its_link(self, client: Client, case: Case, rita: User) -> None:
        give(case, rita)
        form = client.get(f"{page(case)}?answer=common").context["decide_form"]
        assert form.chosen_outcome == "refuse" and form.chosen_criteria == {"not_common"}
        assert "“widgets” is a word that many use" in form["text"].value()
        assert client.get(f"{page(case)}?answer=nonsense").context["decide_form"].chosen_outcome == ""

    def test_one_that_is_not_there(self, client: Client) -> None:
        assert client.get("/review/cases/1/").status_code == 404
        assert client.post("/review/cases/1/", REFUSAL).status_code == 404


class TestDeciding:
    @pytest.fixture(autouse=True)
    def _in_hand(self, case: Case, rita: User) -> None:
        give(case, rita)

    def test_the_next_case_follows_and_the_way_back_is_shown(self, client: Client, case: Case, rita: User) -> None:
        following = factories.case(factories.organization("zeta"))
        response = client.post(page(case), REFUSAL)
        assert response["Location"] == page(following)
        assert state_of(case) == CaseState.REFUSED
        assert Assignment.objects.get().case == following
        assert said(response) == [f'widgets: refused. <a href="{page(case)}#undo">Undo</a>']
        decision = case.decisions.get()
        assert (decision.criteria, decision.text, decision.by) == (
            ["identifies", "not_common"],
            "Prove the domain.",
            rita,
        )

    def test_after_the_last_the_queue(self, client: Client, case: Case) -> None:
        response = post(client, case, **{"action": "decide", "decide-outcome": "approve"})
        assert response["Location"] == reverse("review-queue")
        assert said(response)[1] == "Nothing else waits for you."
        assert state_of(case) == CaseState.APPROVED

    def test_a_question(self, client: Client, case: Case) -> None:
        post(client, case, **{"action": "decide", "decide-outcome": "ask", "decide-text": "Whose are they?"})
        entry = case.entries.get(kind=EntryKind.ASKED)
        assert (entry.text, entry.party) == ("Whose are they?", Party.REVIEWER)
        assert state_of(case) == CaseState.ASKED

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"decide-outcome": ""}, "Choose whether to approve"),
            ({"decide-outcome": "nonsense"}, "nonsense"),
            ({"decide-criteria": []}, "names the criteria"),
            ({"decide-criteria": ["licence"]}, "licence"),
            ({"decide-text": " "}, "Write something first"),
            ({"decide-text": "a\x00b"}, "Null characters"),
        ],
    )
    def test_what_is_missing_is_said_and_nothing_typed_is_lost(
        self, client: Client, case: Case, change: dict[str, Any], why: str
    ) -> None:
        with nothing_changes():
            response = client.post(page(case), REFUSAL | change)
        assert response.status_code == 422
        form = response.context["decide_form"]
        assert why in str(form.errors)
        assert form["text"].value() == (REFUSAL | change)["decide-text"]

    def test_what_another_has_in_hand_is_not_decided(self, client: Client, case: Case) -> None:
        give(case, factories.reviewer(name="Otto"))
        with nothing_changes():
            response = client.post(page(case), REFUSAL)
        assert response.status_code == 422
        assert "Otto has it in hand" in str(response.context["decide_form"].errors)

    def test_a_quarantine_asks_for_a_reason(self, client: Client, case: Case) -> None:
        factories.grant("widgets", factories.organization("formerly"), state=GrantState.QUARANTINED)
        assert "Why the quarantine may end" in text_of(client.get(page(case)))
        approval = {"action": "decide", "decide-outcome": "approve"}
        with nothing_changes():
            assert "in quarantine" in str(post(client, case, **approval).context["decide_form"].errors)
        post(client, case, **approval, **{"decide-reason": "Its owner is gone."})
        assert state_of(case) == CaseState.APPROVED


class TestOtherActs:
    def test_taking_and_laying_aside(self, client: Client, case: Case) -> None:
        post(client, case, action="take")
        assert Assignment.objects.filter(case=case).exists()
        assert said(post(client, case, action="take")) == ["You have it in hand."]
        post(client, case, action="leave")
        assert not Assignment.objects.exists()

    def test_notes(self, client: Client, case: Case) -> None:
        assert post(client, case, **{"action": "note", "note-text": "Look."})["Location"] == f"{page(case)}#notes"
        assert Note.objects.get().text == "Look."
        with nothing_changes():
            assert post(client, case, **{"action": "note", "note-text": " "}).status_code == 422

    def test_a_conflict(self, client: Client, case: Case, rita: User) -> None:
        give(case, rita)
        post(client, case, **{"action": "declare", "conflict-reason": "A friend."})
        assert Conflict.objects.get().reviewer == rita
        with nothing_changes():
            assert post(client, case, action="declare").status_code == 422

    def test_agreeing_and_disagreeing(self, client: Client, rita: User) -> None:
        cases = [factories.case(factories.organization(name), state=CaseState.PROPOSED) for name in ("one", "two")]
        for case in cases:
            give(case, rita)
        post(client, cases[0], action="confirm")
        assert state_of(cases[0]) == CaseState.APPROVED
        with nothing_changes():
            assert post(client, cases[1], **{"action": "disagree", "why-reason": ""}).status_code == 422
        post(client, cases[1], **{"action": "disagree", "why-reason": "Not yet."})
        assert state_of(cases[1]) == CaseState.WAITING
        assert cases[1].decisions.get().state == DecisionState.REJECTED

    def test_undoing(self, client: Client) -> None:
        case = factories.case(factories.organization("acme"), state=CaseState.REFUSED)
        assert "Undo the decision" in text_of(client.get(page(case)))
        with nothing_changes():
            assert post(client, case, **{"action": "undo", "why-reason": ""}).status_code == 422
        post(client, case, **{"action": "undo", "why-reason": "A mistake."})
        assert state_of(case) == CaseState.WAITING

    def test_stopping_new_projects_and_letting_them_be_made(self, client: Client) -> None:
        case = factories.case(factories.organization("harbour"), kind=CaseKind.DISPUTE)
        post(client, case, **{"action": "freeze", "freeze-text": "We look into it."})
        assert case.entries.get(kind=EntryKind.FROZEN).text == "We look into it."
        assert "New projects are stopped for the time being" in text_of(client.get(page(case)))
        with nothing_changes():
            assert post(client, case, action="freeze").status_code == 422
        post(client, case, action="unfreeze")
        assert case.entries.filter(kind=EntryKind.UNFROZEN).exists()

    @pytest.mark.parametrize("action", ["", "nonsense", "approve"])
    def test_what_there_is_not(self, client: Client, case: Case, action: str) -> None:
        with nothing_changes():
            assert post(client, case, action=action).status_code == 302

    def test_every_action_has_its_act(self) -> None:
        by_outcome = {DeskAction.APPROVE, DeskAction.REFUSE, DeskAction.ASK}
        assert set(ACTS) == {"decide", *DeskAction} - by_outcome


class TestTheWayThroughTheQueue:
    def test_next_passes_over_what_it_was_pressed_on(self, client: Client) -> None:
        first, second = (factories.case(factories.organization(name)) for name in ("one", "two"))
        assert client.post("/review/next/")["Location"] == page(first)
        assert client.post("/review/next/", {"passed": first.pk})["Location"] == page(second)
        assert Assignment.objects.get().case == second
        response = client.post("/review/next/", {"passed": second.pk})
        assert response["Location"] == "/review/"
        assert said(response) == ["Nothing else waits for you but what you passed over."]
        assert client.post("/review/next/")["Location"] == page(first)

    @pytest.mark.parametrize("passed", ["", "x", "9" * 30, "-1", "٣", "777"])
    def test_what_is_no_case_passes_nothing_over(self, client: Client, passed: str) -> None:
        case = factories.case(factories.organization("one"))
        assert client.post("/review/next/", {"passed": passed})["Location"] == page(case)

    def test_keys_are_switched_off_and_on(self, client: Client, case: Case) -> None:
        switched = "The keys are switched off."
        assert switched not in text_of(client.get(page(case)))
        assert client.post("/review/keys/", {"case": case.pk})["Location"] == page(case)
        assert switched in text_of(client.get(page(case))) and switched in text_of(client.get("/review/"))
        assert client.post("/review/keys/")["Location"] == "/review/"
        assert switched not in text_of(client.get("/review/"))


class TestQueuePage:
    def test_it_lists_and_narrows(self, client: Client, case: Case) -> None:
        factories.case(factories.organization("zeta"))
        shown = text_of(client.get("/review/"))
        assert page(case) in shown and "zeta" in shown
        assert "zeta" not in text_of(client.get("/review/?q=widg"))
        assert "No case here is like this." in text_of(client.get("/review/?q=nothing"))
        assert page(case) in text_of(client.get("/review/?tab=nonsense&kind=nonsense&age=x&page=999"))

    def test_an_empty_one(self, client: Client) -> None:
        assert "The queue is empty." in text_of(client.get("/review/"))


class TestFlaggedProofs:
    def test_they_are_looked_into(self, client: Client) -> None:
        proof = proved(factories.organization("acme"), "acme.example", flag="registrar-changed")
        assert "went to another registrar" in text_of(client.get("/review/proofs/"))
        client.post(f"/review/proofs/{proof.pk}/looked-into/")
        assert Proof.objects.get().flag == ""
        assert AuditEvent.objects.get().action == "proof.flag_dismissed"
        assert "No proof needs a look." in text_of(client.get("/review/proofs/"))

    def test_one_that_is_not_there(self, client: Client) -> None:
        assert client.post("/review/proofs/1/looked-into/").status_code == 404


class TestQueries:
    """As many for a full page as for an empty one."""

    def test_the_queue(self, client: Client, rita: User, django_assert_max_num_queries: Any) -> None:
        for number in range(15):
            give(factories.case(factories.organization(f"org-number-{number}")), rita)
        for tab in ("waiting", "second", "mine", "asked", "decided"):
            with django_assert_max_num_queries(11):
                client.get(f"/review/?tab={tab}")

    def test_a_case(self, client: Client, rita: User, django_assert_max_num_queries: Any) -> None:
        desk = Desk()
        for number in range(9):
            proved(desk.contested.organization, f"lumen{number}.example")
            factories.case(factories.organization(f"rival-{number}"), name=f"lumen-{number}")
            factories.case(desk.contested.organization, name=f"other-{number}")
            factories.entry(desk.contested, EntryKind.SAID, Party.APPLICANT, "Hello?", author=rita)
            Note.objects.create(case=desk.contested, author=factories.reviewer(), text="Hm.")
            Conflict.objects.create(case=desk.contested, reviewer=factories.reviewer())
        for case in (desk.contested, desk.grave, desk.application, desk.dispute, desk.refused):
            with django_assert_max_num_queries(32):
                client.get(page(case))

    def test_the_proofs(self, client: Client, django_assert_max_num_queries: Any) -> None:
        for number in range(9):
            Proof.objects.create(
                organization=factories.organization(f"org-number-{number}"),
                kind=ProofKind.DNS,
                subject="a.example",
                challenge="c",
                state=ProofState.LOST,
                verified_at=timezone.now(),
                flag="lost",
            )
        with django_assert_max_num_queries(6):
            client.get("/review/proofs/")
