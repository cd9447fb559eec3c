"""Changes of a grant's state. One function applies a transition, to a whole tree, under its row locks."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from freehold.errors import NotPermitted
from namespaces.errors import NotNow
from namespaces.models import Grant, Share, TeamGrant, Transfer
from namespaces.services.locks import lock_tree
from namespaces.states import ENFORCED, TRANSITIONS, Action, GrantState, next_state
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.vocabulary import Permission

OPERATOR_ACTIONS = frozenset({Action.ACTIVATE, Action.LOCK, Action.UNLOCK, Action.QUARANTINE, Action.RELEASE})
"""What the operator, reviewers and the standing of the holder decide; the rest is the owner's."""

ON_ADOPTION = {GrantState.HELD: Action.ACTIVATE, GrantState.QUARANTINED: Action.REINSTATE}
"""What brings a grant that becomes a child to where its active root is. A locked one stays so."""


def can(action: Action, grant: Grant, actor: Actor) -> Verdict:
    """Whether the actor may do this to the grant now, with the reason when not."""
    return _permitted(action, grant, actor) and _fits(action, grant)


def _permitted(action: Action, grant: Grant, actor: Actor) -> Verdict:
    if action in OPERATOR_ACTIONS and not actor.is_operator:
        return Verdict(False, f"Only the operator may {action.label.lower()} a namespace.")
    return may(actor, Permission.MANAGE_NAMESPACES, grant.owner)


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


def lock_namespace(*, actor: Actor, grant: Grant, reason: str = "") -> Grant:
    """No new projects for anybody until it is unlocked; existing ones go on."""
    return _apply(actor, grant, Action.LOCK, reason)


def unlock_namespace(*, actor: Actor, grant: Grant) -> Grant:
    return _apply(actor, grant, Action.UNLOCK)


def quarantine_namespace(*, actor: Actor, grant: Grant, reason: str = "") -> Grant:
    """Take it from use; it stays enforced, and nobody else can have it until the quarantine ends."""
    return _apply(actor, grant, Action.QUARANTINE, reason)


def reinstate_namespace(*, actor: Actor, grant: Grant) -> Grant:
    """Give a quarantined namespace back to the holder that it had, as if it had never been away."""
    return _apply(actor, grant, Action.REINSTATE)


@transaction.atomic
def end_quarantine(*, actor: Actor, grant: Grant, reason: str = "") -> Grant:
    """Open the namespace to everybody; before its time only with a reason."""
    tree, _ = lock_tree(grant)
    _demand(Action.RELEASE, tree[0], actor)
    until = tree[0].state_changed_at + settings.FREEHOLD_QUARANTINE
    if timezone.now() < until and not reason:
        raise NotNow(f"{grant.name!r} is in quarantine until {until:%Y-%m-%d}; say why it should end before.")
    return _move(actor, tree, Action.RELEASE, reason)


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
