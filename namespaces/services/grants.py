"""Making grants: roots for approved claims, children by their holder, and taking back (DESIGN section 4)."""

from __future__ import annotations

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from freehold.errors import NotPermitted
from namespaces import names
from namespaces.errors import AlreadyHeld, CannotHold, InvalidNamespace, NamespaceTaken, NoRoom, NotNow
from namespaces.models import Grant
from namespaces.services.lifecycle import adopt, reinstate_namespace
from namespaces.services.locks import lock_name, lock_organizations, lock_tree
from namespaces.states import ENFORCED, HOLDING, GrantState
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.models import Organization
from orgs.vocabulary import Kind, Permission, State


def parse_namespace(text: str) -> str:
    """The normalized namespace; raises ``InvalidNamespace`` for what is no name or is nested too deep."""
    try:
        namespace = names.normalize(text)
    except names.InvalidName as error:
        raise InvalidNamespace(str(error)) from error
    limit = settings.FREEHOLD_MAX_HYPHENS
    if names.depth(namespace) > limit:
        raise InvalidNamespace(f"A namespace has at most {limit} hyphens; {namespace!r} has {names.depth(namespace)}.")
    return namespace


@transaction.atomic
def grant_namespace(
    *, actor: Actor, name: str, organization: Organization, state: GrantState = GrantState.ACTIVE
) -> Grant:
    """Grant a namespace to an organization: what an approved claim comes to. For operators and reviewers.

    ``state`` is ``active``, or ``held`` while a payment is awaited, which a company may have before it is active. Below
    a root of the same organization it becomes a child, for which nothing is awaited; once it is active, the
    organization's grants further inside become children of it. A namespace that the organization gave up and that is
    still in quarantine is taken back, which waits for no payment: ``NoRoom`` where one is awaited. Raises
    ``NamespaceTaken`` when an overlapping one is somebody else's.
    """
    if not actor.is_operator:
        raise NotPermitted("Only the operator and reviewers grant namespaces.")
    namespace = parse_namespace(name)
    owner = lock_organizations(organization.pk)[organization.pk]
    if not (verdict := can_receive(owner, state)):
        raise CannotHold(verdict.reason)
    lock_name(namespace)
    own = Grant.objects.filter(owner=owner, name=namespace, state__in=HOLDING).first()
    if own is not None:
        return _take_back(actor, own, state)
    root = _enclosing_root(namespace, owner)
    return _insert(actor, namespace, name, owner, GrantState.ACTIVE if root else state, root=root)


@transaction.atomic
def create_child(*, actor: Actor, parent: Grant, name: str) -> Grant:
    """A namespace below one that the organization holds; made at once, without approval."""
    namespace = parse_namespace(name)
    parent = lock_tree(parent)[0][0]
    owner = parent.owner
    if not (verdict := may(actor, Permission.MANAGE_TEAMS, owner)):
        raise NotPermitted(verdict.reason)
    if not (verdict := can_create_child(parent, actor)):
        raise NotNow(verdict.reason)
    if namespace == parent.name or not names.covers(parent.name, namespace):
        raise InvalidNamespace(f"A child of {parent.name!r} begins with '{parent.name}-'; {namespace!r} does not.")
    if Grant.objects.filter(name=namespace, state__in=HOLDING).exists():
        raise AlreadyHeld(f"{owner.name!r} holds the namespace {namespace!r} already.")
    return _insert(actor, namespace, name, owner, GrantState.ACTIVE, root=parent.root or parent)


def can_create_child(parent: Grant, actor: Actor) -> Verdict:
    if not (verdict := may(actor, Permission.MANAGE_TEAMS, parent.owner)):
        return verdict
    if parent.state != GrantState.ACTIVE:
        return Verdict(False, f"The namespace {parent.name!r} is {parent.state}; children need an active one.")
    return can_receive(parent.owner)


def can_receive(organization: Organization, state: GrantState = GrantState.ACTIVE) -> Verdict:
    """Whether the organization is active and owes nothing; or is about to pay for what is held for it until then."""
    awaited = state is GrantState.HELD and organization.state == State.APPLIED and organization.kind == Kind.COMPANY
    if organization.may_hold or awaited:
        return ALLOWED
    return Verdict(
        False,
        f"{organization.name!r} is {organization.state} with the standing '{organization.standing}'; "
        "only an active organization in good standing can receive a namespace.",
    )


def _take_back(actor: Actor, own: Grant, state: GrantState) -> Grant:
    """It can't be held: it is enforced, and would be open to everybody meanwhile."""
    if own.state != GrantState.QUARANTINED:
        raise AlreadyHeld(f"{own.owner.name!r} holds the namespace {own.name!r} already; it is {own.state}.")
    if state is GrantState.HELD:
        raise NoRoom(
            f"{own.name!r} is in quarantine for {own.owner.name!r}, which has to pay for one more namespace before it "
            "gets it back."
        )
    return reinstate_namespace(actor=actor, grant=own)


def _enclosing_root(namespace: str, owner: Organization) -> Grant | None:
    """The root of the owner that stands over the namespace, if any; the caller has locked the owner.

    A held one does not yet: it adopts what is inside when it becomes active.
    """
    above = Grant.objects.filter(owner=owner, name__in=names.prefixes(namespace)[:-1], state__in=ENFORCED)
    enclosing = above.select_related("root").order_by("name").last()
    if enclosing is None:
        return None
    root = enclosing.root or enclosing
    if root.state != GrantState.ACTIVE:
        raise NotNow(
            f"{owner.name!r} holds {root.name!r} above it, which is {root.state}; nothing can be made there now."
        )
    return root


def _insert(
    actor: Actor, namespace: str, written: str, owner: Organization, state: GrantState, *, root: Grant | None
) -> Grant:
    now = timezone.now()
    grant = Grant(
        name=namespace,
        display_name=written,
        owner=owner,
        root=root,
        state=state,
        created_at=now,
        state_changed_at=now,
        effective_at=now + settings.FREEHOLD_ACTIVATION_DELAY if state in ENFORCED else None,
    )
    try:
        with transaction.atomic():
            grant.save(force_insert=True)
    except IntegrityError as error:
        raise _taken(namespace, owner) from error
    audit.record(
        actor,
        "namespace.granted" if root is None else "namespace.child_created",
        f"namespace {namespace}",
        organization=owner.name,
        after={"state": state.value, "root": root.name if root else None},
    )
    if root is None and state in ENFORCED:
        adopt(actor, grant)
    return grant


def _taken(namespace: str, owner: Organization) -> NamespaceTaken:
    low, high = names.interval(namespace)
    around = Grant.objects.filter(state__in=HOLDING).exclude(owner=owner).select_related("owner")
    other = (
        around.filter(name__in=names.prefixes(namespace)).order_by("name").first()
        or around.filter(name__gte=low, name__lt=high).order_by("name").first()
    )
    if other is None:  # it was released in this instant
        return NamespaceTaken(f"The namespace {namespace!r} was taken when it was asked for. Try again.")
    until = " and is in quarantine" if other.state == GrantState.QUARANTINED else ""
    return NamespaceTaken(
        f"The namespace {namespace!r} overlaps with {other.name!r}, which {other.owner.name!r} holds{until}.",
        namespace=other.name,
        owner=other.owner.name,
    )
