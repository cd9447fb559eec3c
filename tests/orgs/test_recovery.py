"""Recovering an organization whose owners are gone: proof, notice, waiting period, and everybody who can say no."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import get_resolver
from django.utils import timezone

from accounts.models import Mail, User
from freehold.access import routes
from freehold.errors import DomainError, Invalid, NotPermitted
from orgs import tasks
from orgs.actors import Actor
from orgs.lifecycle import RECOVERY_TRANSITIONS, RecoveryAction
from orgs.models import AuditEvent, Membership, Organization, Proof, Recovery
from orgs.proofs import observations
from orgs.proofs.observations import Medium, Observation
from orgs.services import recovery as service
from orgs.services.closing import close_organization
from orgs.services.organizations import NotNow
from orgs.vocabulary import ProofKind, ProofState, RecoveryState, Role, State
from tests import factories
from tests.concurrency import all_at_once, one_behind_the_other
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as, in_role, owner_of
from tests.sessions import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

DAY = timedelta(days=1)
WAIT = timedelta(days=14)


class Domain:
    """What is published at the domain."""

    def __init__(self) -> None:
        self.published: set[str] = set()
        self.answers = True
        self.looks = 0

    def look(self, kind: ProofKind, domain: str, challenge: str) -> Observation:
        self.looks += 1
        if not self.answers:
            return observations.unchecked(Medium.TXT, domain, challenge, "the name server did not answer.")
        if challenge in self.published:
            return observations.found(Medium.TXT, domain, challenge)
        return observations.not_found(Medium.TXT, domain, challenge)


@pytest.fixture
def domain(monkeypatch: pytest.MonkeyPatch) -> Domain:
    found = Domain()
    monkeypatch.setattr(service, "check_domain", found.look)
    return found


@pytest.fixture
def acme() -> Organization:
    return proved(factories.organization("acme"))


def proved(
    organization: Organization, *, kind: ProofKind = ProofKind.DNS, state: ProofState = ProofState.VERIFIED
) -> Organization:
    now = timezone.now()
    Proof.objects.create(
        organization=organization,
        kind=kind,
        subject="acme.example",
        challenge="0" * 32,
        state=state,
        verified_at=None if state == ProofState.PENDING else now,
        failing_since=now if state == ProofState.FAILING else None,
    )
    return organization


def somebody() -> Actor:
    return Actor.person(factories.user())


def asked(acme: Organization, actor: Actor) -> Recovery:
    return service.request_recovery(actor=actor, organization=acme, domain="acme.example")


def waiting(acme: Organization, actor: Actor, domain: Domain) -> Recovery:
    recovery = asked(acme, actor)
    domain.published.add(recovery.challenge)
    assert service.prove_recovery(actor=actor, recovery=recovery).is_found
    recovery.refresh_from_db()
    return recovery


def in_state(state: RecoveryState, acme: Organization, **fields: Any) -> Recovery:
    """One whose time has come, after all notices, where it waits."""
    past = timezone.now() - 3 * DAY
    values = {"due_at": past, "noticed_at": past, "notices": 3, "challenge": "1" * 32} | fields
    return Recovery.objects.create(
        organization=acme, user=factories.user(), domain="acme.example", state=state, **values
    )


def mails(template_words: str) -> set[str]:
    return set(Mail.objects.filter(subject__contains=template_words).values_list("to", flat=True))


class TestAsking:
    def test_nobody_is_told_before_there_is_a_proof(self, acme: Organization) -> None:
        owner_of(acme)
        actor = somebody()
        recovery = asked(acme, actor)
        assert (recovery.state, recovery.user, recovery.due_at) == (RecoveryState.PROVING, actor.user, None)
        assert len(recovery.challenge) == 32
        assert not Mail.objects.exists()
        event = AuditEvent.objects.get()
        assert (event.actor, event.action, event.organization) == (actor.label, "recovery.requested", "acme")

    @pytest.mark.parametrize("who", EVERYBODY)
    def test_by_whom(self, acme: Organization, who: str) -> None:
        actor = acting_as(who, acme)
        if who in {"outsider", "owner elsewhere", "manager", "billing", "member"}:
            assert asked(acme, actor).state == RecoveryState.PROVING
            return
        with nothing_changes(), pytest.raises((NotPermitted, NotNow)):
            asked(acme, actor)

    @pytest.mark.parametrize("state", State)
    def test_of_what(self, acme: Organization, state: State) -> None:
        Organization.objects.update(state=state)
        actor = somebody()
        if state in {State.APPLIED, State.ACTIVE}:
            asked(acme, actor)
            return
        with nothing_changes(), pytest.raises(NotNow, match="can't be recovered now"):
            asked(acme, actor)

    @pytest.mark.parametrize("state", ProofState)
    @pytest.mark.parametrize("kind", ProofKind)
    def test_only_by_a_domain_that_is_verified(self, kind: ProofKind, state: ProofState) -> None:
        acme, actor = proved(factories.organization(), kind=kind, state=state), somebody()
        if kind in service.KINDS and state == ProofState.VERIFIED:
            asked(acme, actor)
            return
        with nothing_changes(), pytest.raises(NotNow, match="no verified domain"):
            asked(acme, actor)

    def test_by_no_other_domain(self, acme: Organization) -> None:
        actor = somebody()
        with nothing_changes(), pytest.raises(Invalid, match="is no verified domain of 'acme'"):
            service.request_recovery(actor=actor, organization=acme, domain="evil.example")

    def test_once(self, acme: Organization) -> None:
        actor = somebody()
        asked(acme, actor)
        with nothing_changes(), pytest.raises(NotNow, match="go on with that request"):
            asked(acme, actor)

    def test_a_few_times_a_day(self, acme: Organization) -> None:
        actor = somebody()
        for _ in range(service.REQUESTS):
            service.withdraw_recovery(actor=actor, recovery=asked(acme, actor))
        with nothing_changes(), pytest.raises(service.TooManyRecoveries, match="go on tomorrow"):
            asked(acme, actor)
        Recovery.objects.update(requested_at=timezone.now() - 2 * DAY)
        asked(acme, actor)


class TestProving:
    def test_with_the_proof_everybody_concerned_is_told(self, acme: Organization, domain: Domain) -> None:
        owner, manager = in_role(Role.OWNER, acme), in_role(Role.MANAGER, acme)
        in_role(Role.BILLING, acme), in_role(Role.MEMBER, acme)
        staff = factories.user(is_staff=True)
        actor = somebody()
        recovery = waiting(acme, actor, domain)
        assert recovery.state == RecoveryState.WAITING
        assert recovery.due_at is not None
        assert abs(recovery.due_at - timezone.now() - WAIT) < timedelta(minutes=1)
        assert mails("Somebody asks to become an owner of Acme") == {owner.label, manager.label}
        assert mails("acme is being recovered") == {staff.email}
        assert mails("Your recovery of Acme waits") == {actor.label}
        assert Mail.objects.count() == 4

    def test_what_is_not_there_changes_nothing(self, acme: Organization, domain: Domain) -> None:
        actor = somebody()
        recovery = asked(acme, actor)
        for domain.answers in (True, False):
            with nothing_changes():
                assert not service.prove_recovery(actor=actor, recovery=recovery).is_found

    def test_the_organizations_own_proof_is_none(self, acme: Organization, domain: Domain) -> None:
        """It is there for everybody to read."""
        actor = somebody()
        recovery = asked(acme, actor)
        domain.published.add(acme.proofs.get().challenge)
        with nothing_changes():
            assert not service.prove_recovery(actor=actor, recovery=recovery).is_found

    def test_by_another_it_is_refused_and_nothing_is_asked(self, acme: Organization, domain: Domain) -> None:
        recovery, other = asked(acme, somebody()), somebody()
        with nothing_changes(), pytest.raises(NotPermitted, match="Only who asked"):
            service.prove_recovery(actor=other, recovery=recovery)
        assert domain.looks == 0

    def test_a_domain_that_was_removed_proves_nothing(self, acme: Organization, domain: Domain) -> None:
        actor = somebody()
        recovery = asked(acme, actor)
        domain.published.add(recovery.challenge)
        Proof.objects.all().delete()
        with nothing_changes(), pytest.raises(NotNow, match="is no verified domain of the organization any more"):
            service.prove_recovery(actor=actor, recovery=recovery)


# --- Every state, every action, everybody ---------------------------------------------------------------------------

REQUESTER = "requester"
MAY: dict[RecoveryAction, set[str]] = {
    RecoveryAction.PROVE: {REQUESTER},
    RecoveryAction.WITHDRAW: {REQUESTER},
    RecoveryAction.OPPOSE: {"owner"},
    RecoveryAction.VETO: {OPERATOR},
    RecoveryAction.GRANT: {OPERATOR},
}
DO: dict[RecoveryAction, Callable[[Actor, Recovery], object]] = {
    RecoveryAction.PROVE: lambda actor, recovery: service.prove_recovery(actor=actor, recovery=recovery),
    RecoveryAction.WITHDRAW: lambda actor, recovery: service.withdraw_recovery(actor=actor, recovery=recovery),
    RecoveryAction.OPPOSE: lambda actor, recovery: service.oppose_recovery(actor=actor, recovery=recovery),
    RecoveryAction.VETO: lambda actor, recovery: service.veto_recovery(actor=actor, recovery=recovery, reason="No."),
    RecoveryAction.GRANT: lambda actor, recovery: service.grant_recovery(actor=actor, recovery=recovery),
}


@pytest.mark.parametrize("who", [*EVERYBODY, REQUESTER])
@pytest.mark.parametrize("action", RecoveryAction)
@pytest.mark.parametrize("state", RecoveryState)
def test_every_state_action_and_role(
    acme: Organization, domain: Domain, state: RecoveryState, action: RecoveryAction, who: str
) -> None:
    recovery = in_state(state, acme)
    domain.published.add(recovery.challenge)
    actor = Actor.person(recovery.user) if who == REQUESTER else acting_as(who, acme)
    expected = RECOVERY_TRANSITIONS.get((state, action))
    if who in MAY[action] and expected is not None:
        DO[action](actor, recovery)
        recovery.refresh_from_db()
        assert recovery.state == expected
        assert (recovery.ended_at is None) is (expected in Recovery.OPEN)
        assert AuditEvent.objects.get().action == f"recovery.{expected.value}"
        is_owner = Membership.objects.filter(user=recovery.user, organization=acme, role=Role.OWNER).exists()
        assert is_owner is (action is RecoveryAction.GRANT)
        return
    with nothing_changes(), pytest.raises(DomainError) as refusal:
        DO[action](actor, recovery)
    assert isinstance(refusal.value, NotPermitted) is (who not in MAY[action])


class TestGranting:
    def test_beside_those_there_are(self, acme: Organization, domain: Domain) -> None:
        before = owner_of(acme)
        recovery = in_state(RecoveryState.WAITING, acme)
        domain.published.add(recovery.challenge)
        assert tasks.grant_recoveries() == 1
        owners = acme.memberships.filter(role=Role.OWNER).values_list("user__email", flat=True)
        assert set(owners) == {before.label, recovery.user.email}
        assert mails("is an owner of Acme now") == {before.label, recovery.user.email}
        assert AuditEvent.objects.get(action="recovery.granted").actor == "freehold"

    def test_a_member_becomes_an_owner(self, acme: Organization, domain: Domain) -> None:
        recovery = in_state(RecoveryState.WAITING, acme)
        Membership.objects.create(organization=acme, user=recovery.user, role=Role.MEMBER)
        domain.published.add(recovery.challenge)
        assert tasks.grant_recoveries() == 1
        assert acme.memberships.get().role == Role.OWNER

    def test_where_all_seats_are_taken_there_is_one_more(self, acme: Organization, domain: Domain) -> None:
        owner_of(acme)
        Organization.objects.update(seats=1)
        recovery = in_state(RecoveryState.WAITING, acme)
        domain.published.add(recovery.challenge)
        assert tasks.grant_recoveries() == 1
        acme.refresh_from_db()
        assert (acme.seats, acme.memberships.count()) == (2, 2)
        assert AuditEvent.objects.get().after == {"domain": "acme.example", "seats": 2}

    @pytest.mark.parametrize(
        "fields",
        [
            {"due_at": timezone.now() + DAY},
            {"notices": 2},
            {"noticed_at": timezone.now() - timedelta(days=1)},
        ],
        ids=["too soon", "not told often enough", "told only now"],
    )
    def test_not_yet(self, acme: Organization, domain: Domain, fields: dict[str, Any]) -> None:
        recovery = in_state(RecoveryState.WAITING, acme, **fields)
        domain.published.add(recovery.challenge)
        with nothing_changes(), pytest.raises(NotNow, match="The waiting period is not over yet"):
            service.grant_recovery(actor=Actor.worker(), recovery=recovery)

    def test_not_without_the_proof(self, acme: Organization, domain: Domain) -> None:
        recovery = in_state(RecoveryState.WAITING, acme)
        for domain.answers in (True, False):
            with nothing_changes():
                assert tasks.grant_recoveries() == 0
        past = timezone.now() - service.PATIENCE - DAY
        Recovery.objects.update(requested_at=past, due_at=past, noticed_at=past)
        tasks.grant_recoveries()
        recovery.refresh_from_db()
        assert (recovery.state, recovery.reason) == (RecoveryState.WITHDRAWN, "The proof was not there in time.")

    @pytest.mark.parametrize("state", [State.SUSPENDED, State.CLOSED])
    def test_not_of_what_staff_stopped(self, acme: Organization, domain: Domain, state: State) -> None:
        recovery = in_state(RecoveryState.WAITING, acme)
        domain.published.add(recovery.challenge)
        Organization.objects.update(state=state)
        with nothing_changes():
            assert tasks.grant_recoveries() == 0

    def test_not_to_who_is_switched_off(self, acme: Organization, domain: Domain) -> None:
        recovery = in_state(RecoveryState.WAITING, acme)
        domain.published.add(recovery.challenge)
        User.objects.update(is_active=False)
        with nothing_changes():
            assert tasks.grant_recoveries() == 0

    def test_one_that_breaks_keeps_none_of_the_others(
        self, acme: Organization, domain: Domain, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = in_state(RecoveryState.WAITING, acme), in_state(RecoveryState.WAITING, acme)
        domain.published.add(second.challenge)

        def look(kind: ProofKind, at: str, challenge: str) -> Observation:
            if domain.looks == 0:
                domain.looks += 1
                raise RuntimeError("broken")
            return domain.look(kind, at, challenge)

        monkeypatch.setattr(service, "check_domain", look)
        assert tasks.grant_recoveries() == 1
        first.refresh_from_db()
        assert first.state == RecoveryState.WAITING


class TestNotices:
    def test_three_times_and_each_once(self, acme: Organization, domain: Domain) -> None:
        owner, staff = owner_of(acme), factories.user(is_staff=True)
        recovery = waiting(acme, somebody(), domain)
        told = self.sent_on([1, 6, 8, 8, 11, 13, 13], recovery)
        assert told == [0, 0, 2, 0, 0, 2, 0]
        assert set(Mail.objects.filter(subject__startswith="Reminder").values_list("to", flat=True)) == {
            owner.label,
            staff.email,
        }

    def test_missed_ones_are_made_up_for_before_anything_is_granted(self, acme: Organization, domain: Domain) -> None:
        """The worker stood still for a month."""
        owner_of(acme)
        recovery = waiting(acme, somebody(), domain)
        assert self.sent_on([30, 30], recovery) == [1, 1]
        recovery.refresh_from_db()
        assert recovery.state == RecoveryState.WAITING
        Recovery.objects.update(noticed_at=timezone.now() - 3 * DAY)
        tasks.grant_recoveries()
        recovery.refresh_from_db()
        assert recovery.state == RecoveryState.GRANTED

    @staticmethod
    def sent_on(days: list[int], recovery: Recovery) -> list[int]:
        """How many reminders the job sends when it runs on each of these days of the waiting period."""
        sent = []
        for day in days:
            Recovery.objects.filter(pk=recovery.pk).update(due_at=timezone.now() + WAIT - day * DAY)
            before = Mail.objects.filter(subject__startswith="Reminder").count()
            tasks.grant_recoveries()
            sent.append(Mail.objects.filter(subject__startswith="Reminder").count() - before)
        return sent

    def test_a_request_that_is_never_proved_lapses(self, acme: Organization, domain: Domain) -> None:
        recovery = asked(acme, somebody())
        with nothing_changes():
            tasks.grant_recoveries()
        Recovery.objects.update(requested_at=timezone.now() - service.PATIENCE - DAY)
        tasks.grant_recoveries()
        recovery.refresh_from_db()
        assert recovery.state == RecoveryState.WITHDRAWN
        assert not Mail.objects.exists()

    def test_who_stopped_it_and_why(self, acme: Organization) -> None:
        owner = owner_of(acme)
        recovery = in_state(RecoveryState.WAITING, acme)
        service.veto_recovery(actor=Actor.operator(), recovery=recovery, reason="The domain was sold.")
        assert mails("The recovery of Acme has ended") == {owner.label, recovery.user.email}
        assert all("The domain was sold." in mail.text for mail in Mail.objects.all())

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\x07b"])
    def test_a_veto_needs_its_reason(self, acme: Organization, reason: str) -> None:
        recovery = in_state(RecoveryState.WAITING, acme)
        with nothing_changes(), pytest.raises(Invalid):
            service.veto_recovery(actor=Actor.operator(), recovery=recovery, reason=reason)

    def test_with_the_organization_it_ends(self, acme: Organization) -> None:
        recovery, owner = in_state(RecoveryState.WAITING, acme), owner_of(acme)
        close_organization(actor=owner, organization=acme, name="acme")
        recovery.refresh_from_db()
        assert (recovery.state, recovery.reason) == (RecoveryState.OPPOSED, "The organization was closed.")


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    """Opposing and granting at the same moment leaves one outcome: whoever comes second sees what the first did."""

    def race(self, acme: Organization, domain: Domain) -> tuple[Recovery, Callable[[], object], Callable[[], object]]:
        owner, recovery = owner_of(acme), in_state(RecoveryState.WAITING, acme)
        domain.published.add(recovery.challenge)

        def oppose() -> None:
            service.oppose_recovery(actor=owner, recovery=Recovery.objects.get(pk=recovery.pk))

        def grant() -> None:
            service.grant_recovery(actor=Actor.worker(), recovery=Recovery.objects.get(pk=recovery.pk))

        return recovery, oppose, grant

    def test_who_opposes_first_stops_it(self, acme: Organization, domain: Domain) -> None:
        recovery, oppose, grant = self.race(acme, domain)
        assert one_behind_the_other(oppose, grant) == ("done", "not-now")
        recovery.refresh_from_db()
        assert recovery.state == RecoveryState.OPPOSED
        assert not Membership.objects.filter(user=recovery.user).exists()

    def test_what_is_granted_first_stays_so(self, acme: Organization, domain: Domain) -> None:
        recovery, oppose, grant = self.race(acme, domain)
        assert one_behind_the_other(grant, oppose) == ("done", "not-now")
        recovery.refresh_from_db()
        assert recovery.state == RecoveryState.GRANTED
        assert Membership.objects.filter(user=recovery.user, role=Role.OWNER).count() == 1

    def test_the_job_twice_at_once_grants_once(self, acme: Organization, domain: Domain) -> None:
        recovery, _, grant = self.race(acme, domain)
        assert sorted(all_at_once(grant, grant)) == ["done", "not-now"]
        assert Mail.objects.filter(to=recovery.user.email).count() == 1


class TestPages:
    def test_from_asking_to_waiting(self, acme: Organization, domain: Domain) -> None:
        client = signed_in(factories.user())
        address = "/organizations/acme/recover/"
        assert "acme.example" in client.get(address).content.decode()
        assert client.post(address, {"domain": "acme.example"})["Location"] == address
        recovery = Recovery.objects.get()
        assert f"freehold-verification={recovery.challenge}" in client.get(address).content.decode()
        assert "Check now" in client.post(f"{address}check/", follow=True).content.decode()
        domain.published.add(recovery.challenge)
        page = client.post(f"{address}check/", follow=True).content.decode()
        assert "The waiting period has begun" in page
        assert "Take my request back" in page
        assert "Withdrawn" in client.post(f"{address}withdraw/", follow=True).content.decode()

    @pytest.mark.parametrize("act", ["check", "withdraw"])
    def test_of_another_there_is_nothing_to_go_on_with(self, acme: Organization, domain: Domain, act: str) -> None:
        """Trap 12: what is not one's own is not there."""
        asked(acme, somebody())
        client = signed_in(factories.user())
        with nothing_changes():
            assert client.post(f"/organizations/acme/recover/{act}/").status_code == 404

    def test_checks_are_limited(self, acme: Organization, domain: Domain) -> None:
        user = factories.user()
        asked(acme, Actor.person(user))
        client = signed_in(user)
        statuses = [client.post("/organizations/acme/recover/check/").status_code for _ in range(12)]
        assert statuses == [302] * 10 + [429] * 2

    def test_an_owner_stops_it(self, acme: Organization) -> None:
        owner, recovery = owner_of(acme), in_state(RecoveryState.WAITING, acme)
        signed_in(owner.user).post(f"/manage/acme/recoveries/{recovery.pk}/oppose/")
        recovery.refresh_from_db()
        assert recovery.state == RecoveryState.OPPOSED

    def test_an_owner_without_the_second_factor_that_is_required_stops_it_too(self, acme: Organization) -> None:
        """It takes nothing away, and whoever wants the organization must not gain by the owners' lack."""
        owner, recovery = owner_of(acme), in_state(RecoveryState.WAITING, acme)
        Organization.objects.filter(pk=acme.pk).update(requires_second_factor=True)
        User.objects.update(second_factor=False)
        client = signed_in(owner.user)
        address = f"/manage/acme/recoveries/{recovery.pk}/oppose/"
        assert address in client.get("/manage/acme/").content.decode()
        assert client.get("/manage/acme/settings/").status_code == 403
        assert client.post(address).status_code == 302
        recovery.refresh_from_db()
        assert recovery.state == RecoveryState.OPPOSED

    def test_nothing_else_is_done_without_it(self) -> None:
        pages = [route for route in routes(get_resolver().url_patterns) if hasattr(route.view, "access")]
        spared = [page.name for page in pages if not getattr(page.view.access, "second_factor_asked", True)]
        assert spared == ["organization-recovery-oppose"]

    @pytest.mark.parametrize("role", [Role.MANAGER, Role.BILLING, Role.MEMBER])
    def test_nobody_else_does(self, acme: Organization, role: Role) -> None:
        client, recovery = signed_in(in_role(role, acme).user), in_state(RecoveryState.WAITING, acme)
        with nothing_changes():
            assert client.post(f"/manage/acme/recoveries/{recovery.pk}/oppose/").status_code == 403

    def test_one_of_another_organization_is_not_there(self, acme: Organization) -> None:
        client = signed_in(owner_of(factories.organization("other")).user)
        recovery = in_state(RecoveryState.WAITING, acme)
        with nothing_changes():
            assert client.post(f"/manage/other/recoveries/{recovery.pk}/oppose/").status_code == 404

    def test_the_former_name_leads_to_it(self, acme: Organization) -> None:
        Organization.objects.update(name="apex")
        response = signed_in(factories.user()).get("/organizations/acme/recover/")
        assert response["Location"] == "/organizations/apex/recover/"


def test_the_waiting_period_is_what_was_told(acme: Organization, domain: Domain) -> None:
    owner_of(acme)
    recovery = waiting(acme, somebody(), domain)
    assert isinstance(recovery.due_at, datetime)
    day = f"{recovery.due_at.day} {recovery.due_at:%B %Y}"
    assert all(day in mail.text for mail in Mail.objects.all())
