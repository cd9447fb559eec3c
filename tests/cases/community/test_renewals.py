"""The yearly renewal: silent where the signals suffice, told long before where not, and never a silent loss."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Mail
from freehold.errors import NotPermitted
from namespaces import tasks
from namespaces.cases import CaseKind, CaseState, DecisionOutcome, Moment, Party
from namespaces.models import Case, ForgeSignals, Verification
from namespaces.policy.evaluation import CommunityKey
from namespaces.services import decisions, forge_signals, renewals
from namespaces.services.applications import file_application
from namespaces.services.casework import withdraw
from namespaces.services.renewals import renew, renew_due
from orgs.actors import Actor
from orgs.models import AuditEvent, Organization
from orgs.vocabulary import Kind, State
from tests import factories
from tests.cases.community import forge
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as
from tests.webserver import WebServer

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
WORKER = Actor.worker()


@pytest.fixture
def verified(proved: WebServer, rocket: Organization, owner: Actor) -> Verification:
    case = file_application(actor=owner, organization=rocket)
    assert case.state == CaseState.APPROVED
    Mail.objects.all().delete()
    return Verification.objects.get(organization=rocket)


@pytest.fixture
def at(verified: Verification) -> Callable[[int], Verification]:
    """So many days before the end of the year; what was told then stays as far away from it."""

    def travel(days: int) -> Verification:
        verification = Verification.objects.get(pk=verified.pk)
        moved = timezone.now() + timedelta(days=days, hours=1) - verification.renew_at
        verification.renew_at += moved
        for name in ("checked_at", "warned_at", "verified_at"):
            if getattr(verification, name):
                setattr(verification, name, getattr(verification, name) + moved)
        verification.save()
        ForgeSignals.objects.update(asked_at=timezone.now() - timedelta(days=1))
        Case.objects.update(filed_at=timezone.now() - timedelta(days=365 - days))
        return verification

    return travel


@pytest.fixture
def abandoned(proved: WebServer) -> WebServer:
    forge.github(proved, "rocket", forge.on_github(pushed_at=forge.ago(700)), commits=0)
    return proved


def now(rocket: Organization) -> Verification:
    return Verification.objects.get(organization=rocket)


def mails() -> list[str]:
    return list(Mail.objects.order_by("pk").values_list("subject", flat=True))


def days_left(verification: Verification) -> int:
    return (verification.renew_at - timezone.now()).days


def test_nothing_is_done_long_before(at: Callable[[int], Verification], rocket: Organization) -> None:
    at(100)
    with nothing_changes():
        assert renew_due() == 0
        renew(actor=WORKER, organization=rocket)


def test_what_suffices_is_renewed_and_nobody_hears_of_it(
    at: Callable[[int], Verification], rocket: Organization
) -> None:
    at(59)
    assert renew_due() == 1
    assert days_left(now(rocket)) == 365 + 59
    event = AuditEvent.objects.filter(action="community.renewed").get()
    assert (event.actor, mails()) == ("freehold", [])
    assert renew_due() == 0


class TestWhatDoesNotSuffice:
    def test_is_told_once_and_once_more(
        self, at: Callable[[int], Verification], abandoned: WebServer, rocket: Organization
    ) -> None:
        for days, told in ((59, 1), (58, 1), (30, 1), (15, 1), (13, 2), (12, 2), (1, 2)):
            at(days)
            assert renew_due() == 1, days
            assert len(mails()) == told, days
        assert "something is missing to renew" in mails()[0]
        assert fresh(rocket).state == State.ACTIVE
        assert [event.after["missing"] for event in warnings()] == [[CommunityKey.ACTIVITY]] * 2

    def test_the_mail_says_what_to_do(self, at: Callable[[int], Verification], abandoned: WebServer) -> None:
        at(59)
        renew_due()
        text = Mail.objects.get().text
        assert "It is alive" in text
        assert "more than 365 days ago" in text
        assert "/manage/rocket/community/" in text

    def test_put_right_it_is_renewed(
        self, at: Callable[[int], Verification], abandoned: WebServer, rocket: Organization
    ) -> None:
        at(59)
        renew_due()
        forge.github(abandoned, "rocket", forge.on_github())
        at(40)
        renew_due()
        assert days_left(now(rocket)) == 365 + 40
        assert (now(rocket).warned_at, len(mails())) == (None, 1)

    def test_in_the_end_a_person_looks_and_nothing_is_lost(
        self, at: Callable[[int], Verification], abandoned: WebServer, rocket: Organization
    ) -> None:
        grant = factories.grant("rocket", rocket)
        at(-1)
        renew_due()
        case = Case.objects.get(state=CaseState.WAITING)
        assert (case.kind, case.filed_by, case.wanted_kind) == (CaseKind.APPLICATION, None, Kind.COMMUNITY)
        assert case.evaluations.get().moment == Moment.RENEWED
        assert case.entries.get().party == Party.MACHINE
        grant.refresh_from_db()
        assert (fresh(rocket).state, grant.state) == (State.ACTIVE, "active")
        at(-2)
        renew_due()
        assert Case.objects.filter(state=CaseState.WAITING).count() == 1

    def test_who_approves_it_renews_it_with_what_was_overlooked(
        self, at: Callable[[int], Verification], abandoned: WebServer, rocket: Organization
    ) -> None:
        at(-1)
        renew_due()
        case = Case.objects.get(state=CaseState.WAITING)
        reviewer = Actor.staff(factories.reviewer())
        decisions.decide(actor=reviewer, case=case, outcome=DecisionOutcome.APPROVE)
        assert days_left(now(rocket)) >= 364
        at(50)
        renew_due()
        assert days_left(now(rocket)) == 365 + 50

    @pytest.mark.parametrize("ending", ["refused", "withdrawn"])
    def test_it_is_not_opened_again_and_again(
        self, at: Callable[[int], Verification], abandoned: WebServer, rocket: Organization, owner: Actor, ending: str
    ) -> None:
        at(-1)
        renew_due()
        case = Case.objects.get(state=CaseState.WAITING)
        if ending == "withdrawn":
            withdraw(actor=owner, case=case)
        else:
            refuse(case)
        Verification.objects.update(checked_at=None)
        renew_due()
        assert not Case.objects.open().exists()
        assert fresh(rocket).state == State.ACTIVE

    def test_a_forge_that_does_not_answer_costs_nothing(
        self, at: Callable[[int], Verification], proved: WebServer, rocket: Organization
    ) -> None:
        proved.reply("/github/users/rocket/repos", b"", 503)
        at(59)
        renew_due()
        assert days_left(now(rocket)) == 365 + 59
        assert ForgeSignals.objects.get().error

    def test_a_lost_proof_does(self, at: Callable[[int], Verification], rocket: Organization) -> None:
        rocket.proofs.update(state="lost")
        at(59)
        renew_due()
        assert warnings()[0].after["missing"][:2] == [CommunityKey.PROOFS, CommunityKey.FORGE]


def refuse(case: Case) -> None:
    decisions.decide(
        actor=Actor.staff(factories.reviewer()),
        case=case,
        outcome=DecisionOutcome.REFUSE,
        criteria=[CommunityKey.ACTIVITY],
        text="Nobody has worked on it for two years.",
    )


def warnings() -> list[Any]:
    return list(AuditEvent.objects.filter(action="community.warned").order_by("pk"))


def fresh(organization: Organization) -> Organization:
    return Organization.objects.get(pk=organization.pk)


class TestWhom:
    @pytest.mark.parametrize(
        "change", [{"kind": Kind.COMPANY}, {"state": State.SUSPENDED}, {"state": State.CLOSED}], ids=str
    )
    def test_none_but_active_community_projects(
        self, at: Callable[[int], Verification], rocket: Organization, change: dict[str, Any]
    ) -> None:
        at(10)
        Organization.objects.filter(pk=rocket.pk).update(**change)
        assert renew_due() == 0
        assert renew(actor=WORKER, organization=rocket) is None

    @pytest.mark.parametrize("who", [each for each in EVERYBODY if each != OPERATOR])
    def test_nobody_renews_their_own(self, at: Callable[[int], Verification], rocket: Organization, who: str) -> None:
        at(10)
        actor = acting_as(who, rocket)
        with nothing_changes(), pytest.raises(NotPermitted):
            renew(actor=actor, organization=rocket)

    def test_one_that_fails_stops_no_other(
        self, at: Callable[[int], Verification], rocket: Organization, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = factories.organization("broken", kind=Kind.COMMUNITY)
        Verification.objects.create(organization=broken, renew_at=timezone.now() - timedelta(days=3))
        at(10)
        asked = forge_signals.ask_forges

        def fail(*, organization: Organization, age: timedelta) -> int:
            if organization == broken:
                raise RuntimeError
            return asked(organization=organization, age=age)

        monkeypatch.setattr(renewals, "ask_forges", fail)
        assert renew_due() == 1
        assert days_left(now(rocket)) > 360

    def test_by_the_clock(self, at: Callable[[int], Verification]) -> None:
        at(10)
        assert tasks.renew_communities() == 1
        assert tasks.ask_forges() == 0
