"""What closing an organization means for namespaces: what is in the way, and what is released (``orgs.hooks``)."""

from __future__ import annotations

from namespaces.cases import CaseAction, CaseKind, CaseState, DecisionState, EntryKind, Party
from namespaces.models import Case, Grant, Share, Transfer
from namespaces.services.casework import enter, move
from namespaces.services.decisions import end_decision
from namespaces.services.lifecycle import release_namespace
from namespaces.services.locks import lock_names
from namespaces.states import GrantState
from orgs import audit
from orgs.actors import Actor
from orgs.models import Organization

RELEASABLE = (GrantState.HELD, GrantState.ACTIVE, GrantState.LOCKED)


def closing_blocker(organization: Organization) -> str:
    """Why the organization can't be closed yet, or empty. Others build on what it shares (PEP 752, "Grant Removal"),
    and what staff or an unpaid invoice locked is not given up by its holder."""
    own = Grant.objects.holding().filter(owner=organization)
    shares = Share.objects.current().filter(grant__in=own).select_related("grant", "organization")
    if (first := shares.order_by("grant__name").first()) is not None:
        return (
            f"{first.grant.name!r} is shared with {first.organization.name!r}: "
            "unshare it or transfer the namespace first."
        )
    locked = own.filter(state=GrantState.LOCKED, root__isnull=True).order_by("name").first()
    return f"{locked.name!r} is locked; only the operator can release it now." if locked else ""


def release_all(actor: Actor, organization: Organization) -> None:
    """Release what it holds, into quarantine where it was enforced; end what it was lent, and what was offered to it.

    The caller has locked the organization, without which none of these rows comes about.
    """
    roots = Grant.objects.filter(owner=organization, root__isnull=True, state__in=RELEASABLE)
    for grant in list(roots.order_by("name")):
        release_namespace(actor=actor, grant=grant, reason="The organization was closed.")
    for share in Share.objects.filter(organization=organization).select_related("grant__owner").order_by("pk"):
        _record(actor, "namespace.unshared", share.grant, organization, {"with": organization.name})
        share.delete()
    for offer in Transfer.objects.filter(to=organization).select_related("grant__owner").order_by("pk"):
        _record(actor, "transfer.ended", offer.grant, organization, {"to": organization.name})
        offer.delete()


def withdraw_all(actor: Actor, organization: Organization) -> None:
    """Take back what it has claimed and applied for. Reports about it are settled elsewhere, for others made them.

    The caller has locked the organization. The names come first, of all that it has: a claim that is settled can be
    opened again by whoever has its name.
    """
    own = Case.objects.filter(organization=organization)
    reopenable = own.filter(kind=CaseKind.CLAIM, state=CaseState.SETTLED)
    claimed = (own.open().exclude(name="") | reopenable).values_list("name", flat=True)
    held = Grant.objects.holding().filter(owner=organization).values_list("name", flat=True)
    lock_names(*claimed, *held)
    open_ones = own.open().exclude(kind=CaseKind.DISPUTE).order_by("pk")
    for case in list(open_ones.select_for_update(no_key=True, of=("self",))):
        case.organization = organization
        for proposed in case.decisions.filter(state=DecisionState.PROPOSED):
            end_decision(proposed, DecisionState.REJECTED)
        move(case, CaseAction.WITHDRAW)
        enter(actor, case, EntryKind.WITHDRAWN, Party.APPLICANT)


def _record(actor: Actor, action: str, grant: Grant, organization: Organization, before: dict[str, str]) -> None:
    for concerned in (grant.owner, organization):
        audit.record(actor, action, f"namespace {grant.name}", organization=concerned.name, before=before)
