"""What is mailed by the clock: reviewers' mornings, and the week of those who hold namespaces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import preferences
from accounts.models import Mail, User
from accounts.topics import Topic
from freehold.schedule import BEAT_SCHEDULE
from namespaces.cases import CaseState
from namespaces.models import BlockedAttempt, Case
from namespaces.services.blocked_summaries import summarize_blocked
from namespaces.states import GrantState
from namespaces.tasks import mail_blocked
from orgs.models import Organization
from orgs.vocabulary import Role
from review import tasks
from review.digest import mail_digest, waiting
from tests import factories
from tests.concurrency import all_at_once

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 23, 7, 5, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, MONDAY)


def at(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr(timezone, "now", lambda: now)


def told() -> list[str]:
    return sorted(address.partition("@")[0] for address in Mail.objects.values_list("to", flat=True))


class TestReviewers:
    @pytest.fixture(autouse=True)
    def _staff(self) -> None:
        factories.user("reva", is_staff=True)
        factories.user("rolf", is_staff=True)
        factories.user("gone", is_staff=True, is_active=False)
        factories.user("sam")

    @pytest.fixture
    def case(self) -> Case:
        return factories.case(factories.organization("acme"), waiting_since=MONDAY - DAY)

    def test_staff_is_told_what_waits(self, case: Case) -> None:
        assert tasks.mail_digest() == 1
        assert told() == ["reva", "rolf"]

    @pytest.mark.parametrize("state", [state for state in CaseState if state not in {"waiting", "proposed"}])
    def test_nothing_waits_nothing_is_told(self, state: CaseState) -> None:
        factories.case(factories.organization("acme"), state=state)
        assert mail_digest() == 0 and not Mail.objects.exists()

    def test_once_a_day(self, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
        for hours in range(5):
            at(monkeypatch, MONDAY + hours * HOUR)
            mail_digest()
        assert told() == ["reva", "rolf"]
        at(monkeypatch, MONDAY + DAY)
        mail_digest()
        assert told() == ["reva", "reva", "rolf", "rolf"]

    @pytest.mark.parametrize(
        ("now", "sent"),
        [
            (datetime(2026, 11, 23, 5, 59, tzinfo=UTC), 0),
            (datetime(2026, 11, 23, 6, 0, tzinfo=UTC), 2),
            (datetime(2026, 11, 23, 11, 59, tzinfo=UTC), 2),
            (datetime(2026, 11, 23, 12, 0, tzinfo=UTC), 0),
            (datetime(2026, 11, 27, 8, 0, tzinfo=UTC), 2),
            (datetime(2026, 11, 28, 8, 0, tzinfo=UTC), 0),
            (datetime(2026, 11, 29, 8, 0, tzinfo=UTC), 0),
        ],
    )
    def test_on_weekday_mornings(self, case: Case, monkeypatch: pytest.MonkeyPatch, now: datetime, sent: int) -> None:
        at(monkeypatch, now)
        mail_digest()
        assert Mail.objects.count() == sent

    def test_who_does_not_want_it_gets_none(self, case: Case) -> None:
        preferences.stop(user=User.objects.get(index_username="reva"), topic=Topic.DIGEST)
        mail_digest()
        assert told() == ["rolf"]

    def test_it_counts_what_can_be_decided(self) -> None:
        reva = User.objects.get(index_username="reva")
        old = factories.case(factories.organization("old"), waiting_since=MONDAY - 9 * DAY)
        factories.case(factories.organization("new"), waiting_since=MONDAY, priority=5)
        factories.case(factories.organization("two"), state=CaseState.PROPOSED, by=reva, waiting_since=MONDAY)
        factories.case(factories.organization("asked"), state=CaseState.ASKED)
        found = waiting()
        assert (found.kinds, found.high, found.proposed, found.oldest) == ({"claim": 3}, 1, 1, old)

    def test_it_costs_few_reads(self, case: Case) -> None:
        with CaptureQueriesContext(connection) as captured:
            mail_digest()
        assert sum(query["sql"].startswith("SELECT") for query in captured.captured_queries) <= 5

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_two_workers_at_once_tell_each_once(self, case: Case) -> None:
        assert all_at_once(mail_digest, mail_digest) == ["done"] * 2
        assert told() == ["reva", "rolf"]


class TestHolders:
    @pytest.fixture
    def acme(self) -> Organization:
        organization = factories.organization("acme")
        factories.member(organization, "ann")
        factories.member(organization, "manny", Role.MANAGER)
        factories.grant("acme", organization)
        return organization

    def refuse(self, project: str, ago: timedelta = DAY, namespace: str = "acme") -> None:
        when = MONDAY - ago
        BlockedAttempt.objects.create(
            namespace=namespace, project=project, publisher="user x", reason="reserved", first_at=when, last_at=when
        )

    def test_owners_are_told_of_their_week(self, acme: Organization) -> None:
        self.refuse("acme-evil")
        assert mail_blocked() == 1
        assert told() == ["ann"]
        text = Mail.objects.get().text
        assert "acme-evil" in text and "user x" not in text

    def test_a_quiet_week_is_no_mail(self, acme: Organization) -> None:
        self.refuse("acme-evil", 8 * DAY)
        assert summarize_blocked() == 0 and not Mail.objects.exists()

    def test_only_of_what_they_hold(self, acme: Organization) -> None:
        globex = factories.organization("globex")
        factories.member(globex, "gil")
        factories.grant("globex", globex)
        released = factories.organization("released")
        factories.member(released, "rea")
        factories.grant("former", released, state=GrantState.RELEASED)
        self.refuse("globex-evil", namespace="globex")
        self.refuse("former-evil", namespace="former")
        summarize_blocked()
        assert told() == ["gil"]
        assert "acme" not in Mail.objects.get().text and "former" not in Mail.objects.get().text

    def test_once_a_week(self, acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
        self.refuse("acme-evil")
        for now in (MONDAY, MONDAY + HOUR, MONDAY + 10 * HOUR, MONDAY + DAY, MONDAY + 6 * DAY):
            at(monkeypatch, now)
            summarize_blocked()
        assert told() == ["ann"]
        at(monkeypatch, MONDAY + 7 * DAY)
        self.refuse("acme-again", -6 * DAY)
        summarize_blocked()
        assert told() == ["ann", "ann"]

    def test_on_mondays_from_the_morning_on(self, acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
        self.refuse("acme-evil")
        for now in (MONDAY - HOUR, MONDAY + DAY, MONDAY - DAY):
            at(monkeypatch, now)
            assert summarize_blocked() == 0
        assert not Mail.objects.exists()

    def test_who_does_not_want_it_gets_none(self, acme: Organization) -> None:
        preferences.stop(user=User.objects.get(index_username="ann"), topic=Topic.BLOCKED)
        self.refuse("acme-evil")
        summarize_blocked()
        assert not Mail.objects.exists()

    def test_of_many_names_the_latest_are_listed(self, acme: Organization) -> None:
        for number in range(23):
            self.refuse(f"acme-{number:02}", timedelta(minutes=number))
        summarize_blocked()
        text = Mail.objects.get().text
        assert "- acme-19\n" in text and "acme-20" not in text and "- and 3 more" in text


def test_the_clock_knows_them() -> None:
    known = {entry["task"] for entry in BEAT_SCHEDULE.values()}
    assert {"review.mail_digest", "namespaces.tell_overtaken", "namespaces.summarize_blocked"} <= known
