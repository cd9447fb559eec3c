"""Who may report a namespace, and what the holder learns of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Mail, User
from freehold.errors import DomainError, Invalid, NotPermitted
from namespaces.cases import CaseState, EntryKind, Ground, Party
from namespaces.errors import NotNow
from namespaces.models import Case, CaseEntry, Grant
from namespaces.policy.evaluation import Stake
from namespaces.services import casework, claims, disputes
from namespaces.services.disputes import TooManyReports
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import AuditEvent
from orgs.vocabulary import Role, State
from tests import factories
from tests.cases.disputes.stage import DISMISSED, STATEMENT, Stage, person
from tests.dump import nothing_changes

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Stage:
    return Stage()


class TestReporting:
    def test_opens_a_case_about_the_holder_that_two_reviewers_decide(self, stage: Stage) -> None:
        case = stage.report(evidence_url=" https://acme.example/since-1999 ")
        assert (case.state, case.stake, case.organization) == (CaseState.WAITING, Stake.HIGH, stage.holder)
        assert (case.filed_by, case.name, case.grant) == (stage.reporter, "acme", stage.root)
        assert case.statement == STATEMENT
        assert (case.dispute.ground, case.open_criteria) == (Ground.IMPERSONATION, ["impersonation"])
        assert case.dispute.evidence_url == "https://acme.example/since-1999"
        assert stage.states() == ["active", "active"]

    def test_of_a_child_it_is_about_the_root(self, stage: Stage) -> None:
        case = stage.report(stage.child)
        assert (case.grant, case.name, case.display_name) == (stage.root, "acme", "acme-labs")

    def test_a_locked_one_can_be_reported(self, stage: Stage) -> None:
        Grant.objects.update(state=GrantState.LOCKED)
        assert stage.report().state == CaseState.WAITING

    def test_another_person_may_report_the_same(self, stage: Stage) -> None:
        stage.report()
        stage.report(by=person())
        assert Case.objects.open().count() == 2

    def test_again_when_the_first_is_over(self, stage: Stage) -> None:
        casework.withdraw(actor=stage.reporters_actor, case=stage.report())
        assert stage.report().state == CaseState.WAITING


def unverified(stage: Stage) -> dict[str, Any]:
    return {"by": factories.user()}


def address_not_confirmed(stage: Stage) -> dict[str, Any]:
    user = factories.user()
    EmailAddress.objects.create(user=user, email=user.email, verified=False, primary=True)
    return {"by": user}


def one_of_theirs(role: Role) -> Callable[[Stage], dict[str, Any]]:
    def made(stage: Stage) -> dict[str, Any]:
        user = person()
        stage.holder.memberships.create(user=user, role=role)
        return {"by": user}

    return made


def in_state(state: GrantState) -> Callable[[Stage], dict[str, Any]]:
    def made(stage: Stage) -> dict[str, Any]:
        Grant.objects.update(state=state)
        return {}

    return made


def reported_already(stage: Stage) -> dict[str, Any]:
    stage.report()
    return {"ground": Ground.ABUSE, "grant": stage.child}


def inactive(stage: Stage) -> dict[str, Any]:
    user = person()
    User.objects.filter(pk=user.pk).update(is_active=False)
    user.refresh_from_db()
    return {"by": user}


REFUSALS: dict[str, tuple[Callable[[Stage], dict[str, Any]], type[DomainError], str]] = {
    "no address": (unverified, NotNow, "Confirm your e-mail address first"),
    "an address that is not confirmed": (address_not_confirmed, NotNow, "Confirm your e-mail address first"),
    "an account that is closed": (inactive, NotNow, "Confirm your e-mail address first"),
    **{f"the holder's {role}": (one_of_theirs(role), NotNow, "You are one of the people of Acme") for role in Role},
    "a held one": (in_state(GrantState.HELD), NotNow, "there is nothing to report"),
    "one in quarantine": (in_state(GrantState.QUARANTINED), NotNow, "If the name is yours, claim it"),
    "a released one": (in_state(GrantState.RELEASED), NotNow, "there is nothing to report"),
    "twice": (reported_already, NotNow, "You have reported it already"),
    "no ground": (lambda _: {"ground": ""}, Invalid, "There is no ground ''; there are impersonation"),
    "an unknown ground": (lambda _: {"ground": "spite"}, Invalid, "There is no ground 'spite'"),
    "no statement": (lambda _: {"statement": " \n "}, Invalid, "Write something first"),
    "a long statement": (lambda _: {"statement": "x" * 4001}, Invalid, "at most 4000 characters"),
    "no address of the evidence": (lambda _: {"evidence_url": "javascript:alert(1)"}, Invalid, "begins with https://"),
    "a long address": (lambda _: {"evidence_url": f"https://x.example/{'x' * 500}"}, Invalid, "at most 500 characters"),
    "by a name that is not theirs": (
        lambda _: {"named": factories.organization("other")},
        NotPermitted,
        "You can't be called Other",
    ),
}


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refusal_says_why_and_changes_nothing(
    stage: Stage, case: tuple[Callable[[Stage], dict[str, Any]], type[DomainError], str]
) -> None:
    make, error, words = case
    fields = make(stage)
    with nothing_changes(), pytest.raises(error) as refusal:
        stage.report(**fields)
    assert type(refusal.value) is error
    assert words in refusal.value.message


@pytest.mark.parametrize("actor", [Actor.operator(), Actor.worker(), Actor.service("index")], ids=lambda a: a.label)
def test_nobody_but_a_person_reports(stage: Stage, actor: Actor) -> None:
    with nothing_changes(), pytest.raises(NotPermitted, match="by a person with an account"):
        disputes.report(actor=actor, grant=stage.root, ground=Ground.ABUSE, statement="x")


def test_staff_reports_as_the_people_that_they_are(stage: Stage) -> None:
    with nothing_changes(), pytest.raises(NotPermitted):
        disputes.report(actor=stage.first, grant=stage.root, ground=Ground.ABUSE, statement="x")


def test_so_many_a_day_and_no_more(stage: Stage, settings: Settings) -> None:
    settings.FREEHOLD_REPORTS_PER_DAY = 2
    holder = factories.organization()
    one, two, three = (factories.grant(name, holder) for name in ("one", "two", "three"))
    stage.report(one)
    casework.withdraw(actor=stage.reporters_actor, case=stage.report(two))
    with nothing_changes(), pytest.raises(TooManyReports, match="2 namespaces within a day"):
        stage.report(three)
    stage.report(three, by=person())
    Case.objects.filter(name="one").update(filed_at=timezone.now() - timedelta(days=1, seconds=1))
    stage.report(three)


# --- Who is told what -------------------------------------------------------------------------------------------------


def mails_to(address: str) -> str:
    found = Mail.objects.filter(to=address).order_by("pk")
    return "\n".join(f"{mail.subject}\n{mail.text}\n{mail.html}\n{mail.headers}" for mail in found)


class TestWhatTheHolderLearns:
    def test_the_ground_and_the_statement_by_mail_and_nothing_of_the_reporter(self, stage: Stage) -> None:
        stage.report()
        told = mails_to(stage.owner.email)
        assert STATEMENT in told
        assert stage.reporter.email not in told

    def test_the_reporter_has_a_receipt(self, stage: Stage) -> None:
        stage.report()
        assert Mail.objects.filter(to=stage.reporter.email).count() == 1

    def test_nor_does_the_trail_of_the_holder_say_who_reported(self, stage: Stage) -> None:
        """Through all that a reporter can do."""
        case = stage.report()
        casework.say(actor=stage.reporters_actor, case=case, text="My number is 555.")
        case = stage.ask_reporter(case, "Who are you?")
        case = claims.answer(actor=stage.reporters_actor, case=case, text="I am Ruth of Roadrunner.")
        case = stage.decide(case, DISMISSED)
        case = claims.appeal(actor=stage.reporters_actor, case=case, text="No, look again.")
        casework.withdraw(actor=stage.reporters_actor, case=case)
        read = list(AuditEvent.objects.filter(organization="acme").order_by("pk"))
        words = " ".join(f"{e.actor} {e.origin} {e.target} {e.before} {e.after}" for e in read)
        for secret in (stage.reporter.email, "192.0.2.9", "555", "Ruth", "Who are you"):
            assert secret not in words
        assert [(e.action, e.actor) for e in read if e.actor == "the reporter"] == [
            ("case.filed", "the reporter"),
            ("case.appealed", "the reporter"),
            ("case.withdrawn", "the reporter"),
        ]
        known = AuditEvent.objects.filter(organization="", actor=stage.reporter.email)
        assert list(known.order_by("pk").values_list("action", flat=True)) == [
            "case.filed",
            "case.said",
            "case.answered",
            "case.appealed",
            "case.withdrawn",
        ]

    def test_they_may_be_named_by_an_organization_of_theirs(self, stage: Stage) -> None:
        roadrunner = factories.organization("roadrunner")
        roadrunner.memberships.create(user=stage.reporter, role=Role.OWNER)
        assert stage.report(named=roadrunner).dispute.named == roadrunner

    @pytest.mark.parametrize("role", [Role.MANAGER, Role.BILLING, Role.MEMBER])
    def test_only_an_owner_speaks_for_an_organization(self, stage: Stage, role: Role) -> None:
        roadrunner = factories.organization("roadrunner")
        roadrunner.memberships.create(user=stage.reporter, role=role)
        with nothing_changes(), pytest.raises(NotPermitted):
            stage.report(named=roadrunner)


class TestEachSideSeesWhatConcernsIt:
    def test_what_one_side_and_the_reviewers_say_is_theirs(self, stage: Stage) -> None:
        case = stage.hear(stage.report(), "Our lawyers say so.")
        casework.say(actor=stage.holders_actor, case=case, text="And another thing.")
        casework.say(actor=stage.reporters_actor, case=case, text="It is not so.")
        audiences = list(CaseEntry.objects.order_by("pk").values_list("kind", "party", "audience"))
        assert audiences == [
            (EntryKind.FILED, Party.APPLICANT, ""),
            (EntryKind.ASKED, Party.REVIEWER, Party.HOLDER),
            (EntryKind.ANSWERED, Party.HOLDER, Party.HOLDER),
            (EntryKind.SAID, Party.HOLDER, Party.HOLDER),
            (EntryKind.SAID, Party.APPLICANT, Party.APPLICANT),
        ]

    def test_what_was_reported_is_not_changed(self, stage: Stage) -> None:
        case = stage.report()
        with nothing_changes(), pytest.raises(NotNow, match="it stays so"):
            claims.edit(actor=stage.reporters_actor, case=case, statement="Something else.")


def test_a_suspended_holder_can_be_reported(stage: Stage) -> None:
    stage.holder.state = State.SUSPENDED
    stage.holder.save()
    assert stage.report().organization == stage.holder
