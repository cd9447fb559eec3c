"""Moving a root grant with all that stands under it to another organization (PEP 752, "Grant Ownership")."""

from __future__ import annotations

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from freehold.errors import NotFound, NotPermitted
from namespaces.errors import NotNow
from namespaces.hooks import on_transferred
from namespaces.models import Grant, Share, TeamGrant, Transfer
from namespaces.services.locks import lock_tree
from namespaces.services.room import demand_room, has_room
from namespaces.states import GrantState
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.models import Organization
from orgs.vocabulary import Permission, State

GONE = "The offer has been withdrawn, answered or has expired."


class NoSuchTransfer(NotFound):
    code = "no-such-transfer"


@transaction.atomic
def offer_transfer(*, actor: Actor, grant: Grant, to: Organization) -> Transfer:
    """Offer a namespace; nothing moves until an owner there accepts."""
    tree, organizations = lock_tree(grant, to.pk)
    grant, to = tree[0], organizations[to.pk]
    if not (verdict := may(actor, Permission.MANAGE_NAMESPACES, grant.owner)):
        raise NotPermitted(verdict.reason)
    if not (verdict := _gives(grant, actor) and _fits(grant, to)):
        raise NotNow(verdict.reason)
    Transfer.objects.filter(grant=grant, expires_at__lte=timezone.now()).delete()
    try:
        with transaction.atomic():
            offer = Transfer.objects.create(
                grant=grant, to=to, expires_at=timezone.now() + settings.FREEHOLD_TRANSFER_TTL
            )
    except IntegrityError as error:
        raise NotNow(f"{grant.name!r} has been offered already; withdraw that offer first.") from error
    _record(actor, "transfer.offered", grant, grant.owner, to, after={"to": to.name})
    return offer


@transaction.atomic
def accept_transfer(*, actor: Actor, offer: Transfer) -> Grant:
    """Take what was offered, as an owner of the receiving organization, which has to have paid for one more; raises
    ``NoRoom`` where it has not, and the offer stands."""
    tree, organizations = lock_tree(offer.grant, offer.to_id)
    if not Transfer.objects.filter(pk=offer.pk, expires_at__gt=timezone.now()).exists():
        raise NoSuchTransfer(GONE)
    to = organizations[offer.to_id]
    if not (verdict := may(actor, Permission.MANAGE_NAMESPACES, to)):
        raise NotPermitted(verdict.reason)
    if not (verdict := _gives(tree[0], actor) and _fits(tree[0], to)):
        raise NotNow(verdict.reason)
    demand_room(to, actor)
    return _move(actor, tree, to)


@transaction.atomic
def end_transfer(*, actor: Actor, offer: Transfer) -> None:
    """Withdraw an offer, as an owner here, or decline it, as an owner there."""
    tree, organizations = lock_tree(offer.grant, offer.to_id)
    source, to = tree[0].owner, organizations[offer.to_id]
    if not may(actor, Permission.MANAGE_NAMESPACES, source) and not may(actor, Permission.MANAGE_NAMESPACES, to):
        raise NotPermitted(f"{actor.label} is an owner of neither {source.name} nor {to.name}.")
    deleted, _ = Transfer.objects.filter(pk=offer.pk).delete()
    if not deleted:
        raise NoSuchTransfer(GONE)
    _record(actor, "transfer.ended", tree[0], source, to, before={"to": to.name})


@transaction.atomic
def transfer_namespace(*, actor: Actor, grant: Grant, to: Organization) -> Grant:
    """Move a namespace at once, without an offer. For operators."""
    if not actor.is_operator:
        raise NotPermitted("Only the operator moves a namespace without an offer.")
    tree, organizations = lock_tree(grant, to.pk)
    if not (verdict := _fits(tree[0], organizations[to.pk])):
        raise NotNow(verdict.reason)
    return _move(actor, tree, organizations[to.pk])


def can_transfer(grant: Grant, to: Organization, actor: Actor) -> Verdict:
    return may(actor, Permission.MANAGE_NAMESPACES, grant.owner) and _gives(grant, actor) and _fits(grant, to)


def can_accept(offer: Transfer, actor: Actor) -> Verdict:
    verdict = may(actor, Permission.MANAGE_NAMESPACES, offer.to)
    return verdict and _gives(offer.grant, actor) and _fits(offer.grant, offer.to) and has_room(offer.to, actor)


def _gives(grant: Grant, actor: Actor) -> Verdict:
    """What a suspended organization holds stays its own, or its owners would carry it out of the suspension."""
    if grant.owner.state == State.SUSPENDED and not actor.is_operator:
        return Verdict(False, f"{grant.owner.name!r} is suspended; it transfers nothing until it is reinstated.")
    return ALLOWED


def _fits(grant: Grant, to: Organization) -> Verdict:
    if not grant.is_root:
        return Verdict(False, f"{grant.name!r} is a child; transfer its root, and it goes with it.")
    if grant.state != GrantState.ACTIVE:
        return Verdict(False, f"The namespace {grant.name!r} is {grant.state}; only an active one can be transferred.")
    if to.pk == grant.owner_id:
        return Verdict(False, f"{to.name!r} owns {grant.name!r} already.")
    if not to.may_hold:
        return Verdict(False, f"{to.name!r} is not an active organization in good standing.")
    around = Grant.objects.holding().covering(grant.name).exclude(pk=grant.pk).first()
    if around is not None:
        return Verdict(
            False, f"{grant.name!r} stands inside {around.name!r}, which is {around.state}; discard that first."
        )
    return ALLOWED


def _move(actor: Actor, tree: list[Grant], to: Organization) -> Grant:
    """Change the owner of the whole tree in one statement: the constraint is judged at its end, when all have moved."""
    root, source = tree[0], tree[0].owner
    ids = [grant.pk for grant in tree]
    Grant.objects.filter(pk__in=ids).update(owner=to)
    Share.objects.filter(grant__in=ids, organization=to).delete()
    # Rights of teams end with the holder that gave them; those of organizations it is shared with stay.
    TeamGrant.objects.filter(grant__in=ids, team__organization=source).delete()
    Transfer.objects.filter(grant__in=ids).delete()
    _record(actor, "namespace.transferred", root, source, to, before={"owner": source.name}, after={"owner": to.name})
    root.refresh_from_db()
    for moved in on_transferred:
        moved(actor, root, to)
    return root


def _record(
    actor: Actor,
    action: str,
    grant: Grant,
    source: Organization,
    to: Organization,
    *,
    before: dict[str, str] | None = None,
    after: dict[str, str] | None = None,
) -> None:
    """One event for each side, so that each sees it in its own trail."""
    for concerned in (source, to):
        audit.record(actor, action, f"namespace {grant.name}", organization=concerned.name, before=before, after=after)
