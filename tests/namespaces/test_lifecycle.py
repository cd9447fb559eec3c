"""Every state × action × role of a grant, and what happens to the tree under it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from freehold.errors import DomainError, NotPermitted
from namespaces import states, tasks
from namespaces.errors import NamespaceTaken, NotNow
from namespaces.models import Grant, Share, TeamGrant, Transfer
from namespaces.services import lifecycle
from namespaces.services.grants import grant_namespace
from namespaces.services.transfers import offer_transfer
from namespaces.states import ENFORCED, Action, GrantState
from orgs.actors import Actor
from orgs.models import AuditEvent, Organization
from orgs.vocabulary import Standing, State
from tests import factories
from tests.concurrency import one_behind_the_other
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as, owner_of

pytestmark = pytest.mark.django_db

HELD, ACTIVE, LOCKED, QUARANTINED, RELEASED = GrantState
ROOT, CHILD = "root", "child"

ACTS: dict[str, Callable[..., Grant]] = {
    "activate": lifecycle.activate_namespace,
    "lock": lifecycle.lock_namespace,
    "unlock": lifecycle.unlock_namespace,
    "quarantine": lifecycle.quarantine_namespace,
    "reinstate": lifecycle.reinstate_namespace,
    "end quarantine": lambda **who: lifecycle.end_quarantine(reason="It was asked for.", **who),
    "release": lifecycle.release_namespace,
}

# The rule, spelt out: from which state each act leads where. What is not here is refused.
LEADS = {
    (ROOT, "activate"): {HELD: ACTIVE},
    (ROOT, "lock"): {ACTIVE: LOCKED},
    (ROOT, "unlock"): {LOCKED: ACTIVE},
    (ROOT, "quarantine"): {ACTIVE: QUARANTINED, LOCKED: QUARANTINED},
    (ROOT, "reinstate"): {QUARANTINED: ACTIVE},
    (ROOT, "end quarantine"): {QUARANTINED: RELEASED},
    (ROOT, "release"): {HELD: RELEASED, ACTIVE: QUARANTINED, LOCKED: QUARANTINED},
    (CHILD, "release"): {HELD: RELEASED, ACTIVE: RELEASED, LOCKED: RELEASED},
}
# The owner decides these; the operator may do everything, and nobody else may do anything.
OWNERS_ACTS = {"reinstate", "release"}
NOT_BY_THE_OWNER = {(ROOT, "release", LOCKED)}

CASES = [(kind, act, state) for kind in (ROOT, CHILD) for act in ACTS for state in GrantState]


def may_ever(who: str, act: str) -> bool:
    return who == OPERATOR or (who == "owner" and act in OWNERS_ACTS)


def outcome(kind: str, act: str, state: GrantState, who: str) -> GrantState | type[DomainError]:
    """The state that it leads to, or the error it is refused with."""
    if not may_ever(who, act):
        return NotPermitted
    if who != OPERATOR and (kind, act, state) in NOT_BY_THE_OWNER:
        return NotNow
    return LEADS.get((kind, act), {}).get(state, NotNow)


def make(kind: str, state: GrantState) -> Grant:
    owner = factories.organization()
    if kind == ROOT:
        return factories.grant("acme", owner, state=state)
    return factories.grant("acme-labs", owner, state=state, root=factories.grant("acme", owner, state=state))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "act", "state"), CASES)
class TestEveryStateActionAndRole:
    def test_a_refusal_has_its_type_and_changes_nothing(self, kind: str, act: str, state: GrantState) -> None:
        grant = make(kind, state)
        for who in EVERYBODY:
            expected = outcome(kind, act, state, who)
            if isinstance(expected, GrantState):
                continue
            actor = acting_as(who, grant.owner)
            with nothing_changes(), pytest.raises(expected) as refusal:
                ACTS[act](actor=actor, grant=grant)
            assert type(refusal.value) is expected, who
            assert refusal.value.message.endswith("."), who

    def test_what_is_allowed_leads_there_and_leaves_one_event(self, kind: str, act: str, state: GrantState) -> None:
        for who in EVERYBODY:
            expected = outcome(kind, act, state, who)
            if not isinstance(expected, GrantState):
                continue
            with transaction.atomic():
                grant = make(kind, state)
                actor = acting_as(who, grant.owner)
                assert ACTS[act](actor=actor, grant=grant).state == expected
                grant.refresh_from_db()
                assert grant.state == expected, who
                events = AuditEvent.objects.all()
                assert [(e.actor, e.target, e.organization) for e in events] == [
                    (actor.label, f"namespace {grant.name}", grant.owner.name)
                ]
                assert events[0].after is not None and events[0].after["state"] == expected
                transaction.set_rollback(True)

    def test_the_predicate_says_the_same(self, kind: str, act: str, state: GrantState) -> None:
        grant = make(kind, state)
        for who in EVERYBODY:
            actor = acting_as(who, grant.owner)
            match act:
                case "release":
                    verdict = lifecycle.can_release(grant, actor)
                case "end quarantine":
                    verdict = lifecycle.can(Action.RELEASE, grant, actor)
                case _:
                    verdict = lifecycle.can(Action(act), grant, actor)
            assert bool(verdict) is isinstance(outcome(kind, act, state, who), GrantState), (who, verdict)
            assert bool(verdict.reason) is not bool(verdict)


class TestTheTable:
    def test_only_these_transitions_exist(self) -> None:
        spelt = {(origin, target) for moves in LEADS.values() for origin, target in moves.items()}
        assert {(origin, target) for (origin, _), target in states.TRANSITIONS.items()} == spelt

    def test_released_is_the_end(self) -> None:
        assert states.actions(RELEASED) == []
        assert all(states.next_state(RELEASED, action) is None for action in Action)

    def test_from_every_other_state_there_is_a_way_to_the_end(self) -> None:
        reached = {RELEASED}
        for _ in GrantState:
            reached |= {origin for (origin, _), target in states.TRANSITIONS.items() if target in reached}
        assert reached == set(GrantState)

    @pytest.mark.parametrize("wrong", ["", "free", "ACTIVE"])
    def test_the_database_knows_no_other_state(self, wrong: str) -> None:
        grant = make(ROOT, ACTIVE)
        with pytest.raises(IntegrityError, match="grant_state_known"):
            Grant.objects.filter(pk=grant.pk).update(state=wrong)

    @pytest.mark.parametrize("state", ENFORCED)
    def test_what_is_enforced_has_a_time_from_which(self, state: GrantState) -> None:
        grant = make(ROOT, state)
        with pytest.raises(IntegrityError, match="grant_enforced_has_effective_at"):
            Grant.objects.filter(pk=grant.pk).update(effective_at=None)


@pytest.mark.parametrize("act", ["activate", "unlock", "reinstate"])
@pytest.mark.parametrize(
    ("state", "standing"),
    [
        (State.APPLIED, Standing.GOOD),
        (State.SUSPENDED, Standing.GOOD),
        (State.CLOSED, Standing.GOOD),
        (State.ACTIVE, Standing.GRACE),
        (State.ACTIVE, Standing.LAPSED),
    ],
)
def test_nothing_becomes_active_for_who_may_not_hold(act: str, state: State, standing: Standing) -> None:
    (origin,) = LEADS[ROOT, act]
    grant = factories.grant("acme", factories.organization(state=state, standing=standing), state=origin)
    with nothing_changes(), pytest.raises(NotNow, match="not an active organization in good standing"):
        ACTS[act](actor=Actor.operator(), grant=grant)


def tree(state: GrantState = ACTIVE, owner: Organization | None = None) -> list[Grant]:
    """A root, a child, a grandchild; all stand under the root."""
    owner = owner or factories.organization()
    root = factories.grant("acme", owner, state=state)
    return [root, *(factories.grant(name, owner, state=state, root=root) for name in ("acme-labs", "acme-labs-x"))]


def states_of(grants: list[Grant]) -> list[str]:
    for grant in grants:
        grant.refresh_from_db()
    return [grant.state for grant in grants]


class TestTrees:
    @pytest.mark.parametrize(
        ("act", "origin", "target"),
        [
            (act, origin, target)
            for (kind, act), moves in LEADS.items()
            if kind == ROOT
            for origin, target in moves.items()
        ],
    )
    def test_children_move_with_their_root(self, act: str, origin: GrantState, target: GrantState) -> None:
        grants = tree(origin)
        ACTS[act](actor=Actor.operator(), grant=grants[0])
        assert states_of(grants) == [target] * 3
        assert AuditEvent.objects.count() == 3

    def test_a_child_is_discarded_alone(self) -> None:
        root, child, grandchild = grants = tree()
        lifecycle.release_namespace(actor=owner_of(root.owner), grant=child)
        assert states_of(grants) == [ACTIVE, RELEASED, ACTIVE]
        assert grandchild.root == root

    def test_a_discarded_child_leaves_no_name_open(self) -> None:
        _, child, _ = tree()
        lifecycle.release_namespace(actor=Actor.operator(), grant=child)
        with pytest.raises(NamespaceTaken, match="overlaps with 'acme'"):
            grant_namespace(actor=Actor.operator(), name="acme-labs", organization=factories.organization())

    def test_a_discarded_child_stays_when_its_root_comes_back(self) -> None:
        root, child, _ = grants = tree()
        lifecycle.release_namespace(actor=Actor.operator(), grant=child)
        lifecycle.release_namespace(actor=Actor.operator(), grant=root)
        lifecycle.reinstate_namespace(actor=Actor.operator(), grant=root)
        assert states_of(grants) == [ACTIVE, RELEASED, ACTIVE]

    def test_the_name_is_free_when_the_quarantine_has_ended(self) -> None:
        root, *_ = tree(QUARANTINED)
        lifecycle.end_quarantine(actor=Actor.operator(), grant=root, reason="Asked for.")
        for name in ("acme", "acme-labs"):
            Grant.objects.exclude(state=RELEASED).delete()
            grant_namespace(actor=Actor.operator(), name=name, organization=factories.organization())


class TestTimes:
    def test_activation_counts_after_the_delay(self, settings: Settings) -> None:
        settings.FREEHOLD_ACTIVATION_DELAY = timedelta(minutes=5)
        before = timezone.now()
        grant = lifecycle.activate_namespace(actor=Actor.operator(), grant=make(ROOT, HELD))
        assert grant.effective_at is not None
        assert before + timedelta(minutes=5) <= grant.effective_at <= timezone.now() + timedelta(minutes=5)
        assert before <= grant.state_changed_at <= timezone.now()

    def test_taking_back_keeps_since_when_it_is_enforced(self) -> None:
        grants = tree()
        since = [grant.effective_at for grant in grants]
        for act in ("lock", "unlock", "release", "reinstate"):
            ACTS[act](actor=Actor.operator(), grant=grants[0])
            states_of(grants)
            assert [grant.effective_at for grant in grants] == since, act


class TestRelease:
    @pytest.mark.parametrize("shared", [0, 1, 2], ids=["root", "child", "grandchild"])
    def test_refused_while_any_of_it_is_shared(self, shared: int) -> None:
        grants = tree()
        guest = factories.organization("guest")
        factories.share(grants[shared], guest)
        owner = owner_of(grants[0].owner)
        with nothing_changes(), pytest.raises(NotNow, match=f"'{grants[shared].name}' is shared with 'guest'"):
            lifecycle.release_namespace(actor=owner, grant=grants[0])

    def test_a_shared_child_is_not_discarded(self) -> None:
        _, child, _ = tree()
        factories.share(child, factories.organization("guest"))
        with nothing_changes(), pytest.raises(NotNow, match="unshare or transfer it first"):
            lifecycle.release_namespace(actor=Actor.operator(), grant=child)

    def test_a_share_that_has_expired_is_none(self) -> None:
        root, *_ = tree()
        factories.share(root, factories.organization(), expires_at=timezone.now() - timedelta(seconds=1))
        assert lifecycle.release_namespace(actor=owner_of(root.owner), grant=root).state == QUARANTINED

    def test_ends_an_open_offer(self) -> None:
        root, *_ = tree()
        offer_transfer(actor=owner_of(root.owner), grant=root, to=factories.organization())
        lifecycle.release_namespace(actor=Actor.operator(), grant=root)
        assert not Transfer.objects.exists()

    def test_rights_of_teams_and_shares_live_as_long_as_the_name_can_come_back(self) -> None:
        root, *_ = tree()
        factories.team(root.owner, grants=[root])
        factories.share(root, factories.organization())
        lifecycle.quarantine_namespace(actor=Actor.operator(), grant=root)
        assert (Share.objects.count(), TeamGrant.objects.count()) == (1, 1)
        lifecycle.end_quarantine(actor=Actor.operator(), grant=root, reason="Asked for.")
        assert (Share.objects.count(), TeamGrant.objects.count()) == (0, 0)

    def test_a_lock_is_not_shaken_off_by_giving_up_and_taking_back(self) -> None:
        root, *_ = tree(LOCKED)
        owner = owner_of(root.owner)
        with nothing_changes(), pytest.raises(NotNow, match="only the operator can release it now"):
            lifecycle.release_namespace(actor=owner, grant=root)

    def test_the_reason_is_in_the_trail(self) -> None:
        root = make(ROOT, ACTIVE)
        lifecycle.release_namespace(actor=Actor.operator(), grant=root, reason="Merged.")
        assert AuditEvent.objects.get().after == {"state": "quarantined", "reason": "Merged."}


class TestQuarantine:
    @pytest.mark.parametrize("name", ["acme", "acme-labs", "acme-new"])
    def test_it_blocks_everybody_else(self, name: str) -> None:
        tree(QUARANTINED)
        other = factories.organization()
        with nothing_changes(), pytest.raises(NamespaceTaken, match="holds and is in quarantine"):
            grant_namespace(actor=Actor.operator(), name=name, organization=other)

    def test_the_old_holder_takes_it_back(self) -> None:
        grants = tree(QUARANTINED)
        lifecycle.reinstate_namespace(actor=owner_of(grants[0].owner), grant=grants[0])
        assert states_of(grants) == [ACTIVE] * 3

    def test_a_new_grant_to_the_old_holder_is_the_old_one(self) -> None:
        grants = tree(QUARANTINED)
        again = grant_namespace(actor=Actor.operator(), name="Acme", organization=grants[0].owner)
        assert again == grants[0]
        assert states_of(grants) == [ACTIVE] * 3
        assert Grant.objects.count() == 3

    def test_it_ends_before_its_time_only_with_a_reason(self) -> None:
        root = make(ROOT, QUARANTINED)
        with nothing_changes(), pytest.raises(NotNow, match="say why it should end before"):
            lifecycle.end_quarantine(actor=Actor.operator(), grant=root)
        lifecycle.end_quarantine(actor=Actor.operator(), grant=root, reason="The court said so.")
        assert states_of([root]) == [RELEASED]

    def test_it_ends_in_time_without(self, settings: Settings) -> None:
        root = quarantined_for(settings.FREEHOLD_QUARANTINE)
        assert lifecycle.end_quarantine(actor=Actor.worker(), grant=root).state == RELEASED

    def test_its_time_is_that_of_the_row_and_not_of_who_has_read_it_before(self, settings: Settings) -> None:
        stale = quarantined_for(settings.FREEHOLD_QUARANTINE)
        lifecycle.reinstate_namespace(actor=Actor.operator(), grant=stale)
        lifecycle.release_namespace(actor=Actor.operator(), grant=stale)
        with nothing_changes(), pytest.raises(NotNow, match="is in quarantine until"):
            lifecycle.end_quarantine(actor=Actor.worker(), grant=stale)

    def test_what_is_in_none_is_not_said_to_be(self) -> None:
        with pytest.raises(NotNow, match="'acme' is active"):
            lifecycle.end_quarantine(actor=Actor.operator(), grant=make(ROOT, ACTIVE))


def quarantined_for(time: timedelta, name: str = "acme") -> Grant:
    grant = factories.grant(name, factories.organization(), state=QUARANTINED)
    grant.state_changed_at = timezone.now() - time
    grant.save()
    return grant


class TestTheScheduledTask:
    def test_it_ends_what_is_due_and_nothing_else(self, settings: Settings) -> None:
        day = timedelta(days=1)
        due = quarantined_for(settings.FREEHOLD_QUARANTINE, "due")
        child = factories.grant("due-labs", due.owner, state=QUARANTINED, root=due)
        not_due = quarantined_for(settings.FREEHOLD_QUARANTINE - day, "waiting")
        active = factories.grant("active", factories.organization())
        active.state_changed_at = due.state_changed_at
        active.save()
        assert tasks.end_quarantines() == 1
        assert states_of([due, child, not_due, active]) == [RELEASED, RELEASED, QUARANTINED, ACTIVE]
        assert set(AuditEvent.objects.values_list("actor", "origin")) == {("freehold", "worker")}

    def test_again_it_does_nothing(self, settings: Settings) -> None:
        quarantined_for(settings.FREEHOLD_QUARANTINE)
        assert tasks.end_quarantines() == 1
        with nothing_changes():
            assert tasks.end_quarantines() == 0

    @pytest.mark.parametrize("and_given_up_again", [False, True])
    def test_what_is_taken_back_meanwhile_stays_and_the_rest_goes_on(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, and_given_up_again: bool
    ) -> None:
        back = quarantined_for(settings.FREEHOLD_QUARANTINE + timedelta(days=1), "back")
        gone = quarantined_for(settings.FREEHOLD_QUARANTINE, "gone")
        end = tasks._end

        def after_somebody_took_it_back(grant: Grant) -> bool:
            if grant == back:
                lifecycle.reinstate_namespace(actor=Actor.operator(), grant=back)
                if and_given_up_again:
                    lifecycle.release_namespace(actor=Actor.operator(), grant=back)
            return end(grant)

        monkeypatch.setattr(tasks, "_end", after_somebody_took_it_back)
        assert tasks.end_quarantines() == 1
        assert states_of([back, gone]) == [QUARANTINED if and_given_up_again else ACTIVE, RELEASED]


class TestAdoption:
    """A root above grants of the same owner; see test_grants for which it takes."""

    def test_what_was_a_root_shares_the_fate_of_the_new_one(self) -> None:
        owner = factories.organization()
        inner = factories.grant("acme-labs", owner)
        root = grant_namespace(actor=Actor.operator(), name="acme", organization=owner)
        lifecycle.lock_namespace(actor=Actor.operator(), grant=root)
        assert states_of([root, inner]) == [LOCKED, LOCKED]
        with pytest.raises(NotNow, match="shares the fate of its root"):
            lifecycle.unlock_namespace(actor=Actor.operator(), grant=inner)

    def test_a_held_root_that_is_discarded_takes_nothing_with_it(self) -> None:
        owner = factories.organization()
        inner = factories.grant("acme-labs", owner)
        root = grant_namespace(actor=Actor.operator(), name="acme", organization=owner, state=HELD)
        lifecycle.release_namespace(actor=Actor.operator(), grant=root)
        assert states_of([root, inner]) == [RELEASED, ACTIVE]
        assert inner.is_root

    @pytest.mark.parametrize(
        ("state", "becomes"), [(HELD, ACTIVE), (ACTIVE, ACTIVE), (QUARANTINED, ACTIVE), (LOCKED, LOCKED)]
    )
    def test_none_is_left_where_it_can_not_get_out_of(self, state: GrantState, becomes: GrantState) -> None:
        owner = factories.organization()
        inner = factories.grant("acme-labs", owner, state=state)
        root = grant_namespace(actor=Actor.operator(), name="acme", organization=owner)
        assert states_of([inner]) == [becomes]
        for act in ("lock", "unlock"):
            ACTS[act](actor=Actor.operator(), grant=root)
        assert states_of([root, inner]) == [ACTIVE, ACTIVE]


@pytest.mark.django_db(transaction=True)
def test_a_transition_waits_for_the_row_and_judges_it_anew() -> None:
    grant = make(ROOT, ACTIVE)
    outcomes = one_behind_the_other(
        lambda: lifecycle.lock_namespace(actor=Actor.operator(), grant=grant),
        lambda: lifecycle.lock_namespace(actor=Actor.operator(), grant=grant),
    )
    assert outcomes == ("done", "not-now")
    assert AuditEvent.objects.count() == 1
