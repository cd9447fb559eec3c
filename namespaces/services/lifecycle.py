"""Changes of a grant's state. One function applies a transition, to a whole tree, under its row locks."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from freehold.errors import NotPermitted
from namespaces.cases import OPEN
from namespaces.errors import NotNow
from namespaces.hooks import on_released
from namespaces.models import Case, Grant, GrantLock, Share, TeamGrant, Transfer
from namespaces.services.locks import lock_tree
from namespaces.services.room import demand_room, has_room
from namespaces.states import ENFORCED, TRANSITIONS, Action, GrantState, LockCause, next_state
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.vocabulary import Permission, Standing, State

OPERATOR_ACTIONS = frozenset({Action.ACTIVATE, Action.LOCK, Action.UNLOCK, Action.QUARANTINE, Action.RELEASE})
"""What the operator, reviewers and the standing of the holder decide; the rest is the owner's."""

REASON_LENGTH = 500
"""Of a lock; the trail has the whole reason."""

ON_ADOPTION = {GrantState.HELD: Action.ACTIVATE, GrantState.QUARANTINED: Action.REINSTATE}
"""What brings a grant that becomes a child to where its active root is. A locked one stays so."""


def can(action: Action, grant: Grant, actor: Actor) -> Verdict:
    """Whether the actor may do this to the grant now, with the reason when not."""
    verdict = _permitted(action, grant, actor) and _fits(action, grant)
    if action is not Action.REINSTATE:
        return verdict
    return verdict and _is_theirs_to_take_back(grant, actor) and has_room(grant.owner, actor)


def _permitted(action: Action, grant: Grant, actor: Actor) -> Verdict:
    if action in OPERATOR_ACTIONS and not actor.is_operator:
        return Verdict(False, f"Only the operator may {action.label.lower()} a namespace.")
    return may(actor, Permission.MANAGE_NAMESPACES, grant.owner)


def _is_theirs_to_take_back(grant: Grant, actor: Actor) -> Verdict:
    """What staff locked, or a report took out of its holder's hands, comes back by people of the staff alone."""
    decided_by_people = actor.is_operator and not actor.is_machine
    if decided_by_people or not grant.locks.exclude(cause=LockCause.STANDING).exists():
        return ALLOWED
    return Verdict(False, f"{grant.name!r} was put into quarantine by a decision of staff; only staff can end that.")


def _fits(action: Action, grant: Grant) -> Verdict:
    if next_state(GrantState(grant.state), action) is None:
        possible = ", ".join(a.value for (state, a) in TRANSITIONS if state == grant.state) or "nothing"
        return Verdict(False, f"The namespace {grant.name!r} is {grant.state}; what can be done now: {possible}.")
    if action is Action.DISCARD and grant.is_root and grant.state != GrantState.HELD:
        return Verdict(False, f"{grant.name!r} is a root and goes through quarantine when it is released.")
    if action in {Action.ACTIVATE, Action.UNLOCK, Action.REINSTATE} and not grant.owner.may_hold:
        return Verdict(False, f"{grant.owner.name!r} is not an active organization in good standing.")
    if not grant.is_root and action is not Action.DISCARD:
        return Verdict(False, f"{grant.name!r} is a child and shares the fate of its root.")
    return ALLOWED


@transaction.atomic
def activate_namespace(*, actor: Actor, grant: Grant) -> Grant:
    """Enforce a held grant; it counts after the activation delay."""
    active = _apply(actor, grant, Action.ACTIVATE)
    adopt(actor, active)
    return active


def discard_held(*, actor: Actor, grant: Grant, reason: str) -> Grant:
    """End what was held for a payment that did not come, or was not to be."""
    return _apply(actor, grant, Action.DISCARD, reason)


@transaction.atomic
def lock_namespace(
    *, actor: Actor, grant: Grant, reason: str = "", cause: LockCause = LockCause.STAFF, case: Case | None = None
) -> Grant:
    """No new projects for anybody until the last cause of a lock is gone; existing ones go on.

    What is locked already is locked for another cause besides. ``case`` is the report, for the cause ``dispute``.
    """
    tree, _ = lock_tree(grant)
    root = tree[0]
    is_besides = root.state == GrantState.LOCKED and root.is_root and not _locks(root, cause, case).exists()
    if is_besides and (cause is not LockCause.STAFF or root.locks.exists()) and actor.is_operator:
        if not root.locks.exists():
            _write_lock(root, LockCause.STAFF, None, "")
        _write_lock(root, cause, case, reason)
        _record(actor, root, Action.LOCK, reason)
        return root
    _demand(Action.LOCK, root, actor)
    _write_lock(root, cause, case, reason)
    return _move(actor, tree, Action.LOCK, reason)


@transaction.atomic
def unlock_namespace(
    *, actor: Actor, grant: Grant, cause: LockCause = LockCause.STAFF, case: Case | None = None
) -> Grant:
    """Lift the lock of this cause: new projects can be made again when there is no other."""
    tree, _ = lock_tree(grant)
    root = tree[0]
    own = _locks(root, cause, case)
    others = root.locks.exclude(pk__in=own)
    if not others.exists():
        _demand(Action.UNLOCK, root, actor)
        own.delete()
        return _move(actor, tree, Action.UNLOCK, "")
    if not (verdict := _permitted(Action.UNLOCK, root, actor)):
        raise NotPermitted(verdict.reason)
    if not own.delete()[0]:
        causes = ", ".join(f"“{lock.get_cause_display()}”" for lock in others)
        raise NotNow(f"{root.name!r} stays locked while this holds: {causes}.")
    _record(actor, root, Action.UNLOCK, "")
    return root


def end_freeze(actor: Actor, root: Grant, case: Case) -> None:
    """Lift the lock that a report brought about, whoever the holder is by now. The caller holds the locks.

    Who has lapsed meanwhile stays locked for that.
    """
    if not _locks(root, LockCause.DISPUTE, case).delete()[0] or root.state != GrantState.LOCKED:
        return
    if not root.locks.exists() and root.owner.standing != Standing.LAPSED:
        _move(actor, list(Grant.objects.holding().tree(root)), Action.UNLOCK, reason="")
        root.refresh_from_db(fields=["state", "state_changed_at"])
        return
    if not root.locks.exists():
        _write_lock(root, LockCause.STANDING, None, "")
    _record(actor, root, Action.UNLOCK, "")


def end_lapse(actor: Actor, grant: Grant) -> None:
    """Lift the lock that the holder's lapse brought about: who has paid in part, and is in grace again, goes on as
    before. The caller holds the organization's lock, and that of the name."""
    tree, _ = lock_tree(grant)
    root = tree[0]
    if root.state != GrantState.LOCKED or not _locks(root, LockCause.STANDING, None).delete()[0]:
        return
    if root.locks.exists():
        _record(actor, root, Action.UNLOCK, "")
    else:
        _move(actor, tree, Action.UNLOCK, reason="")


def _locks(root: Grant, cause: LockCause, case: Case | None) -> QuerySet[GrantLock]:
    return GrantLock.objects.filter(grant=root, cause=cause, case=case)


def _write_lock(root: Grant, cause: LockCause, case: Case | None, reason: str) -> None:
    GrantLock.objects.create(grant=root, cause=cause, case=case, reason=reason)


@transaction.atomic
def quarantine_namespace(*, actor: Actor, grant: Grant, reason: str = "") -> Grant:
    """Take it from use; it stays enforced, and nobody else can have it until the quarantine ends.

    What people of the staff take is not its holder's to take back; what a lapse took is, once it is paid.
    """
    taken = _apply(actor, grant, Action.QUARANTINE, reason)
    if not actor.is_machine and not taken.locks.exclude(cause=LockCause.STANDING).exists():
        _write_lock(taken, LockCause.STAFF, None, reason[:REASON_LENGTH])
    return taken


@transaction.atomic
def reinstate_namespace(*, actor: Actor, grant: Grant) -> Grant:
    """Give a quarantined namespace back to the holder that it had, as if it had never been away: new projects stay
    stopped there for whichever report is still looked into, and for nothing else. Raises ``NoRoom`` until it is paid
    for, as it is not while it is in quarantine."""
    tree, _ = lock_tree(grant)
    _demand(Action.REINSTATE, tree[0], actor)
    if not (verdict := _is_theirs_to_take_back(tree[0], actor)):
        raise NotNow(verdict.reason)
    demand_room(tree[0].owner, actor)
    tree[0].locks.exclude(case__state__in=OPEN).delete()
    return _lock_again(actor, _move(actor, tree, Action.REINSTATE, reason=""))


def put_back(actor: Actor, tree: list[Grant], before: dict[int, tuple[GrantState, datetime]]) -> None:
    """Bring what was put into quarantine to the states that it had, and has had since the times that stand there.

    The caller holds the locks.
    """
    for grant in tree:
        state, since = before.get(grant.pk, (grant.state, grant.state_changed_at))
        if grant.state == GrantState.QUARANTINED and state in {GrantState.ACTIVE, GrantState.LOCKED}:
            _move(actor, [grant], Action.REINSTATE, reason="")
            if state == GrantState.LOCKED:
                _move(actor, [grant], Action.LOCK, reason="")
        grant.state_changed_at = since
        grant.save(update_fields=["state_changed_at"])


def quarantine_again(actor: Actor, root: Grant) -> None:
    """Keep for its former holder once more what a decision had opened that is undone. The caller has locked the name.

    Nobody can have had it in between but by that decision.
    """
    now, opened = timezone.now(), Q(pk=root.pk) | Q(root=root, state_changed_at=root.state_changed_at)
    for grant in Grant.objects.filter(opened, state=GrantState.RELEASED).select_related("owner").order_by("name"):
        grant.state, grant.state_changed_at = GrantState.QUARANTINED, now
        grant.save(update_fields=["state", "state_changed_at"])
        _record(actor, grant, Action.QUARANTINE, "The decision that ended its quarantine was undone.")


def _lock_again(actor: Actor, root: Grant) -> Grant:
    if root.state == GrantState.ACTIVE and root.locks.exists():
        return _move(actor, lock_tree(root)[0], Action.LOCK, reason="")
    return root


@transaction.atomic
def end_quarantine(*, actor: Actor, grant: Grant, reason: str = "") -> Grant:
    """Open the namespace to everybody; before its time only with a reason."""
    tree, _ = lock_tree(grant)
    _demand(Action.RELEASE, tree[0], actor)
    if actor.is_machine and is_for_staff_to_release(tree[0]):
        raise NotNow(f"{grant.name!r} was taken by a lapse; staff says whether it is opened to everybody.")
    until = tree[0].state_changed_at + settings.FREEHOLD_QUARANTINE
    if timezone.now() < until and not reason:
        raise NotNow(f"{grant.name!r} is in quarantine until {until:%Y-%m-%d}; say why it should end before.")
    return _move(actor, tree, Action.RELEASE, reason)


def is_for_staff_to_release(grant: Grant) -> bool:
    """What a lapse took from somebody who is still there is opened by nobody but people."""
    return grant.owner.state != State.CLOSED and grant.locks.filter(cause=LockCause.STANDING).exists()


@transaction.atomic
def release_namespace(*, actor: Actor, grant: Grant, reason: str = "") -> Grant:
    """Give a namespace up: a root that was enforced goes into quarantine, what was not ends at once.

    Refused while it is shared (PEP 752, "Grant Removal"): unshare or transfer it first.
    """
    tree, _ = lock_tree(grant)
    if not (verdict := may(actor, Permission.MANAGE_NAMESPACES, tree[0].owner)):
        raise NotPermitted(verdict.reason)
    if not (verdict := can_release(tree[0], actor)):
        raise NotNow(verdict.reason)
    return _move(actor, tree, _release_action(tree[0]), reason)


def can_release(grant: Grant, actor: Actor) -> Verdict:
    if not (verdict := may(actor, Permission.MANAGE_NAMESPACES, grant.owner)):
        return verdict
    if not (verdict := _fits(_release_action(grant), grant)):
        return verdict
    if grant.owner.state == State.SUSPENDED and not actor.is_operator:
        return Verdict(
            False, f"{grant.owner.name!r} is suspended; what it holds stays as it is until staff has looked."
        )
    if grant.is_root and grant.state == GrantState.LOCKED and not actor.is_operator:
        # Else its holder could give it up and take it back, and it would be locked no more.
        return Verdict(False, f"{grant.name!r} is locked; only the operator can release it now.")
    shares = Share.objects.current().filter(grant__in=Grant.objects.tree(grant))
    shared = shares.select_related("grant", "organization").order_by("grant__name").first()
    if shared is not None:
        return Verdict(
            False,
            f"{shared.grant.name!r} is shared with {shared.organization.name!r}; unshare or transfer it first.",
        )
    return ALLOWED


def _release_action(grant: Grant) -> Action:
    ends_at_once = grant.state == GrantState.HELD or not grant.is_root
    return Action.DISCARD if ends_at_once else Action.QUARANTINE


@transaction.atomic
def _apply(actor: Actor, grant: Grant, action: Action, reason: str = "") -> Grant:
    tree, _ = lock_tree(grant)
    _demand(action, tree[0], actor)
    return _move(actor, tree, action, reason)


def _demand(action: Action, grant: Grant, actor: Actor) -> None:
    if not (verdict := _permitted(action, grant, actor)):
        raise NotPermitted(verdict.reason)
    if not (verdict := _fits(action, grant)):
        raise NotNow(verdict.reason)


def adopt(actor: Actor, root: Grant) -> None:
    """The owner's grants inside an active root become its children, and share its fate from now on.

    Only an active one: were a held root to adopt and then be discarded, it would take with it what was enforced.
    """
    inside = Grant.objects.within(root.name).holding().filter(owner=root.owner_id).exclude(root=root)
    for grant in list(inside.select_for_update(no_key=True).order_by("pk")):
        Transfer.objects.filter(grant=grant).delete()
        grant.root = root
        grant.save(update_fields=["root"])
        after = {"root": root.name}
        audit.record(actor, "namespace.adopted", f"namespace {grant.name}", organization=root.owner.name, after=after)
        if action := ON_ADOPTION.get(GrantState(grant.state)):
            _move(actor, [grant], action, reason="")
        # What was stopped for a report is not to be had by the way of what is around it.
        grant.locks.filter(cause=LockCause.DISPUTE).update(grant=root)
        grant.locks.all().delete()
    _lock_again(actor, root)
    root.refresh_from_db(fields=["state", "state_changed_at"])


def _move(actor: Actor, tree: list[Grant], action: Action, reason: str) -> Grant:
    """Apply the transition to every grant of the tree where it fits; the caller holds the locks."""
    now = timezone.now()
    for grant in tree:
        state = next_state(GrantState(grant.state), action)
        if state is not None:
            _set_state(grant, state)
            grant.state_changed_at = now
            grant.save(update_fields=["state", "state_changed_at", "effective_at"])
            _record(actor, grant, action, reason)
            if state == GrantState.RELEASED:
                for released in on_released:
                    released(actor, grant)
                GrantLock.objects.filter(grant=grant).delete()
    return tree[0]


def _set_state(grant: Grant, state: GrantState) -> None:
    grant.state, former = state, grant.state
    if former == GrantState.HELD and state in ENFORCED:
        grant.effective_at = timezone.now() + settings.FREEHOLD_ACTIVATION_DELAY
    if state == GrantState.RELEASED:
        TeamGrant.objects.filter(grant=grant).delete()
        Share.objects.filter(grant=grant).delete()
    if state != GrantState.ACTIVE:
        Transfer.objects.filter(grant=grant).delete()


def _record(actor: Actor, grant: Grant, action: Action, reason: str) -> None:
    after = {"state": str(grant.state)} | ({"reason": reason} if reason else {})
    audit.record(
        actor, f"namespace.{action.value}", f"namespace {grant.name}", organization=grant.owner.name, after=after
    )
